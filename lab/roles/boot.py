"""The form of a host: services, each with its files and its lines of the boot script, put together into one script.

A boot script runs once, as root, in the container, after its interfaces are wired. It first starts every service, then
waits for each of them; a service that does not come up ends the boot with status 1 and the end of its log on standard
error. It can be run again after all processes of the host have died. Nothing it starts keeps the script's own output
open, so whoever runs the script sees it end.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

Files = Mapping[str, tuple[bytes, int]]
"""Path in the container -> content and mode."""

PRELUDE = """\
#!/bin/sh
set -eu

# fail SERVICE LOG: give up, with the end of the service's log.
fail() {
    echo "$1 did not start; the end of $2:" >&2
    tail -n 20 "$2" >&2 || :
    exit 1
}

# run SERVICE LOG COMMAND...: a program that returns once it serves (or once its work is done).
run() {
    service=$1 log=$2
    shift 2
    "$@" >>"$log" 2>&1 </dev/null || fail "$service" "$log"
}

# await SERVICE LOG CONDITION...: look every 10 ms, 500 times at most.
await() {
    service=$1 log=$2 left=500
    shift 2
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "$service" "$log"
        sleep 0.01
    done
}
"""

_WORD = re.compile(r"[A-Za-z0-9_./*-]+")


class Setup(NamedTuple):
    """A host's files and its boot script."""

    files: dict[str, tuple[bytes, int]]
    boot: str


@dataclass(frozen=True, slots=True)
class Service:
    """A part of a host: its files and run folders, the lines that start it, and those that wait until it answers."""

    files: Files = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()

    def afterwards(self) -> Service:
        """The same, started only when what stands before it is ready."""
        return replace(self, start=(), ready=(*self.start, *self.ready))


def compose(*services: Service) -> Setup:
    """A host of these services, started in this order and then awaited in this order.

    Raises ValueError when two of them claim the same file.
    """
    files: dict[str, tuple[bytes, int]] = {}
    for service in services:
        for path, content in service.files.items():
            if files.setdefault(path, content) != content:
                raise ValueError(f"two services of one host write {path}")
    folders = dict.fromkeys(folder for service in services for folder in service.folders)
    lines = [command("mkdir", "-p", *folders)] if folders else []  # one process for all of them
    lines += [line for service in services for line in service.start]
    lines += [line for service in services for line in service.ready]
    return Setup(files, PRELUDE + "".join(f"{line}\n" for line in lines))


BEFORE_OTHERS = "$(chrt -f 10 true 2>/dev/null && echo chrt -f 10)"
"""Before a command: it runs with real-time priority, where the kernel grants that.

For what stands for a wire or a switch, which does not wait for a CPU. On two cores with five times more to do than they can,
packets came 100 ms late and a third was lost; so, 4 ms late and none lost.
"""


def command(*words: object) -> str:
    """A shell command line in which every word stands for itself."""
    return shlex.join(str(word) for word in words)


def ip_batch(commands: Iterable[str]) -> tuple[str, ...]:
    """The boot line that gives these ``ip`` commands to one process; none when there are none."""
    text = "\n".join(commands)
    log = "/run/network.log"
    return (f"ip -batch - >>{log} 2>&1 <<'end' || fail network {log}\n{text}\nend",) if text else ()


def word(value: str, what: str) -> str:
    """The value, when it can stand in a configuration file as it is. Raises ValueError when it cannot."""
    if not _WORD.fullmatch(value):
        raise ValueError(f"{what} {value!r} holds a character other than letters, digits and _ . / * -")
    return value
