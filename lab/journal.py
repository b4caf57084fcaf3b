"""What was run on the hosts, and what came of it: told by the hosts' handles to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.errors import CommandFailed


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended: where, when (seconds since the epoch), after how many seconds, how, and what it printed."""

    host: str
    command: str
    at: float
    seconds: float
    status: int
    stdout: str
    stderr: str


Journal = Callable[[Ran], None]


@contextmanager
def entry(journal: Journal | None, host: str, command: str) -> Iterator[Callable[[int, str, str], None]]:
    """Time a command and tell the journal how it ended, with what the context is told: status, output, errors.

    One that took too long is told too, by the CommandFailed that it raises.
    """
    at, begun = time.time(), time.monotonic()

    def tell(status: int, stdout: str, stderr: str) -> None:
        if journal is not None:
            journal(Ran(host, command, at, time.monotonic() - begun, status, stdout, stderr))

    try:
        yield tell
    except CommandFailed as late:
        tell(late.status, "", late.output)
        raise
