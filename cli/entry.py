"""Where the ``rempart`` command begins: Ctrl-C is obeyed before there is anybody who could catch it.

While modules are imported nothing has been begun, so there is nothing to undo and nothing to tell.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> int:
    """Run the command; its exit code."""
    before = signal.signal(signal.SIGINT, _leave)
    from cli.main import main as command

    signal.signal(signal.SIGINT, before)
    return command()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
    os._exit(128 + number)
