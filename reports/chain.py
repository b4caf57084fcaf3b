"""The chain of a record: each line holds the SHA-256 of the line before it, so that none can be changed or taken out alone.

It is the hash of the whole line with its newline, so plain tools give it too: ``sed -n 41p record.jsonl | sha256sum`` is
what line 42 holds. The first line holds "".
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

NOTHING = ""
"""What the first line holds: there is none before it."""

BEGIN = b'{"before":"'
"""How every line begins: the hash stands first, where it is found without reading the line."""

_HASH = slice(len(BEGIN), len(BEGIN) + 64)
REST = _HASH.stop + len(b'",')
"""Where in every line but the first what it says begins."""


def digest(line: bytes) -> str:
    """What the next line holds of this one, which ends with its newline."""
    return hashlib.sha256(line).hexdigest()


def breaks(lines: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    """The lines, without their newlines, that are not as or where they were written: the number of each, and why.

    Counted from 1. Whether the last line was changed no chain can tell: none holds its hash.
    """
    hashes = [hashlib.sha256(line + b"\n").hexdigest() for line in lines]
    if lines and before(lines[0]) == NOTHING:
        links = b"".join([line[_HASH] for line in lines[1:]])
        if links == "".join(hashes[:-1]).encode():
            return
    held = [before(line) for line in lines]
    places = {one: place for place, one in enumerate(hashes)}
    told = set()
    for place, (wanted, found) in enumerate(zip(held, [NOTHING, *hashes[:-1]], strict=True)):
        if wanted == found:
            continue
        followed = place + 1 < len(lines) and held[place + 1] == hashes[place]
        if wanted in places or wanted == NOTHING:
            at, why = place, f"was written after line {places[wanted] + 1}" if wanted else "was written as the first line"
            why += ": lines were put in, taken out or moved"
        elif followed or place + 1 == len(lines):
            at, why = (
                place - 1,
                f"is not the line that line {place + 1} was written after: it was changed, or lines after it taken out",
            )
        else:
            at, why = place, "was changed"
        if at not in told:
            told.add(at)
            yield max(at, 0) + 1, why if at >= 0 else "is not the first line that was written"


def before(line: bytes) -> str | None:
    """The hash of the line before it that a line holds; None when it holds none where every line has it."""
    if not line.startswith(BEGIN):
        return None
    return line[len(BEGIN) : line.find(b'"', len(BEGIN))].decode("ascii", "replace")


class ChainedFile:
    """A file to which this process and others append lines, each made in the knowledge of the one before it.

    One at a time, by a lock on the file that the kernel frees when its holder dies. Nothing is kept from one call to the
    next that the file does not say again, so whatever interrupts a call does no harm to the following ones.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that is there. Raises OSError."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._end = 0
        self._last = NOTHING

    def append(self, make: Callable[[str], bytes]) -> int:
        """Append the line that ``make`` gives for the hash of the last one, whole or not at all. Raises OSError.

        Gives how many bytes of a line had to be removed that its writer died over.
        """
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            unfinished = self._catch_up()
            if unfinished:
                os.ftruncate(self._descriptor, self._end)
            self._write(make(self._last))
            return unfinished
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _catch_up(self) -> int:
        """Read what was appended since we last looked; how many bytes at the end are no whole line."""
        added = os.pread(self._descriptor, os.fstat(self._descriptor).st_size - self._end, self._end)
        whole = added.rfind(b"\n") + 1
        if whole:
            self._last = digest(added[added.rfind(b"\n", 0, whole - 1) + 1 : whole])
        self._end += whole
        return len(added) - whole

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
