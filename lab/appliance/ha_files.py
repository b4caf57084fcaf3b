"""The files that are the same on both members of a cluster once it is synchronised, and by what one sees that they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from lab.appliance import paths

SYNCHRONISED = (paths.CONFIG, paths.DATA)
"""What ``hasync`` makes identical. Serial and node name (``System/global``) are each member's own."""


def files() -> Iterator[Path]:
    """Everything that is synchronised, in a fixed order."""
    for folder in SYNCHRONISED:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def digest() -> bytes:
    """16 bytes that differ when any synchronised file does. Raises OSError when one disappears meanwhile."""
    total = hashlib.sha256()
    for path in files():
        content = path.read_bytes()
        total.update(f"{path}\0{len(content)}\0".encode())
        total.update(content)
    return total.digest()[:16]


def signature() -> int:
    """Changes when a synchronised file was touched; far cheaper than :func:`digest`."""
    return hash(tuple(touched for folder in SYNCHRONISED if folder.is_dir() for touched in _touched(folder)))


def _touched(folder: Path | str) -> Iterator[tuple[str, int, int, int]]:
    """Of all files below a folder; without an object for each, for this is asked all the time."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _touched(entry.path)
            else:
                stat = entry.stat()
                yield entry.path, stat.st_mtime_ns, stat.st_size, stat.st_ino
