"""What one is told to type next is found by the shell that called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli import called


@pytest.mark.parametrize(
    "started, rempart, beside",
    [
        (".venv/bin/rempart", ".venv/bin/rempart", ".venv/bin/pytest"),
        ("/elsewhere/rempart", "/elsewhere/rempart", "/elsewhere/pytest"),
        ("FOUND/rempart", "rempart", "pytest"),
        ("/src/cli/main.py", "rempart", "pytest"),
    ],
)
def test_a_program_is_told_by_the_way_that_this_one_was_called(
    started: str, rempart: str, beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rempart").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started.replace("FOUND", str(tmp_path)), "lab", "up"])

    assert (called.beside(), called.beside("pytest")) == (rempart, beside)
