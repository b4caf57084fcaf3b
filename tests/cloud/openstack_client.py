# mypy: ignore-errors
"""The ``openstack`` client, loaded once, of which each command line gets a fork. Runs in the control plane's Python.

Reads lines of JSON, each a list of command lines to run at once; answers each with one: status, output and errors of every
command.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

from openstackclient import shell

COMMAND_WITHIN = 600  # s: a command takes 1 on a calm machine, and 40 on one with a load of 25


def main() -> None:
    """Until nobody asks any more."""
    for asked in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(asked))) + "\n")
        sys.stdout.flush()  # before the next fork


def _run(lines: list[str]) -> list[tuple[int, str, str]]:
    """How each ended, and what it said."""
    with ExitStack() as opened:
        files = [[opened.enter_context(TemporaryFile("w+")) for _ in ("output", "errors")] for _ in lines]
        processes = [_begin(line, *its) for line, its in zip(lines, files, strict=True)]
        ends = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
        return [(status, *map(_content, its)) for status, its in zip(ends, files, strict=True)]


def _begin(line: str, output: IO[str], errors: IO[str]) -> int:
    """A process with the client's own entry point, which gets the words that a shell would give it."""
    if process := os.fork():
        return process
    signal.alarm(COMMAND_WITHIN)
    for standard, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), output.fileno(), errors.fileno())):
        os.dup2(descriptor, standard)
    program, *words = shlex.split(line)
    assert program == "openstack"
    sys.exit(shell.main([os.path.expanduser(word) for word in words]))  # noqa: PTH111 - a Path would change other words


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    main()
