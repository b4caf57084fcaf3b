"""Copies of the shipped deployments, for tests to edit."""

from __future__ import annotations

import shutil
from pathlib import Path

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
GUIDE = DEPLOYMENTS / "guide"
MINIMAL = DEPLOYMENTS / "minimal"
AS_PRINTED = DEPLOYMENTS / "guide-as-printed"
"""The guide to the letter: it cannot be deployed."""


def copy_of(deployment: Path, folder: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(deployment, folder / deployment.name))


def change(file: Path, before: str, after: str) -> int:
    """Exchange the first occurrence of a text; returns the number of the line where it began."""
    text = file.read_text(encoding="utf-8")
    assert before in text, f"{file} holds no {before!r}"
    line = line_of(file, before)
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    return line


def line_of(file: Path, text: str) -> int:
    """The line (from 1) where a text first stands in a file."""
    content = file.read_text(encoding="utf-8")
    return content[: content.index(text)].count("\n") + 1
