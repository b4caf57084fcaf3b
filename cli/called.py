"""How this command was called: what one is told to type next must be found by the shell that called it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "rempart"


def beside(program: str = NAME) -> str:
    """A program of the environment that this one was started from, by the same way: ``.venv/bin/pytest``, or its bare name."""
    called = sys.argv[0]
    if Path(called).name != NAME or shutil.which(NAME) == called:  # from Python, or found by the shell itself
        return program
    return str(Path(called).with_name(program))
