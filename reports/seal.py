"""The seal of a run's folder: ``SHA256SUMS`` over every file of it, as ``sha256sum -c`` reads it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SUMS = "SHA256SUMS"
"""Once it is there, no file of the folder may change, go, or be added."""

SIGNATURE = f"{SUMS}.sig"
TOKEN = f"{SUMS}.tsr"
TOKEN_SUM = f"{TOKEN}.sha256"
SEALS = frozenset({SUMS, SIGNATURE, TOKEN, TOKEN_SUM})
"""What a seal is made of; all other files of the folder are under it."""

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_AT_ONCE = 2  # files hashed side by side: hashing leaves the interpreter to others


class SealFailed(Exception):
    """A folder cannot be sealed as was asked; the text says what is wrong, and with what."""


def seal(folder: Path) -> Path:
    """Write ``SHA256SUMS``, which appears whole or not at all. Raises SealFailed, or OSError."""
    names, others = contents(folder)
    if wrong := [*others, *(name for name in names if "\n" in name or "\\" in name)]:
        raise SealFailed(f"{folder / wrong[0]}: only files with plain names can be sealed")
    path, draft = folder / SUMS, folder / f".{SUMS}"
    listed = "".join(f"{digest}  {name}\n" for name, digest in digests(folder, names).items())
    try:
        draft.write_bytes(os.fsencode(listed))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def contents(folder: Path) -> tuple[list[str], list[str]]:
    """The files under the seal, in order of their paths, and what else lies there that is no file: links, devices."""
    files: list[str] = []
    others: list[str] = []
    for name, mode in _below(folder, ""):
        if name not in SEALS or not stat.S_ISREG(mode):
            (files if stat.S_ISREG(mode) else others).append(name)
    return sorted(files), sorted(others)


def _below(folder: Path, way: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder / way) as found:
        for one in found:
            name, mode = f"{way}{one.name}", one.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _below(folder, f"{name}/")
            else:
                yield name, mode


def digests(folder: Path, names: Collection[str]) -> dict[str, str]:
    """The SHA-256 of each file. Raises OSError when one cannot be read."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(names, pool.map(lambda name: _digest(folder / name), names), strict=True))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sums(content: bytes) -> tuple[dict[str, tuple[int, str]], list[int]]:
    """What a ``SHA256SUMS`` says: for each file the number of its line and its hash; and the lines that say nothing.

    Only what :func:`seal` writes is taken: other forms that ``sha256sum`` reads too would let a byte change unseen.
    """
    lines = os.fsdecode(content).split("\n")
    sums: dict[str, tuple[int, str]] = {}
    wrong = [] if lines.pop() == "" else [len(lines) + 1]
    for number, line in enumerate(lines, start=1):
        told = _LINE.fullmatch(line)
        if told is None or told[2] in sums:
            wrong.append(number)
        else:
            sums[told[2]] = (number, told[1])
    return sums, wrong
