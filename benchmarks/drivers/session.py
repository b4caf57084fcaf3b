"""How a driver talks with the benchmark: one JSON line when its lab is ready, then one answer for each question.

The questions are ``memory``, ``command`` and ``down``, one a line on standard input. Whatever else a peer prints goes to
standard error. The end of standard input is ``down`` too: a driver never outlives who asked it.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

COMMANDS = 50


class Running(Protocol):
    """A lab that is ready."""

    def facts(self) -> Mapping[str, Any]:
        """What to tell with readiness: how long its phases took."""

    def memory(self) -> Mapping[str, float]:
        """MiB of PSS by what they are for, and the number of processes as ``processes``; without this driver."""

    def true(self) -> None:
        """Run ``true`` on a host, by the contestant's own interface."""

    def down(self) -> None:
        """Take the lab down."""


def voice() -> TextIO:
    """Standard output for answers alone: what others print there from now on goes to standard error.

    From here on SIGTERM ends this process by an exception, so that what was begun is undone.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def serve(lab: Running, answers: TextIO) -> None:
    """Say that the lab is ready, answer questions, and take it down in the end."""
    try:
        _say(answers, {"ready": True, **lab.facts()})
        for line in sys.stdin:
            question = line.strip()
            if question == "down":
                return
            if question == "memory":
                _say(answers, dict(lab.memory()))
            elif question == "command":
                _say(answers, {"ms": 1000 * statistics.median(_timed(lab) for _ in range(COMMANDS))})
    finally:
        lab.down()


def _timed(lab: Running) -> float:
    began = time.monotonic()
    lab.true()
    return time.monotonic() - began


def _say(answers: TextIO, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
