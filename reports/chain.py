"""The chain of a record: each line holds the SHA-256 of the line before it, so that none can be changed or taken out alone.

It is the hash of the whole line with its newline, so plain tools give it too: ``sed -n 41p record.jsonl | sha256sum`` is
what line 42 holds. The first line holds "".
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

NOTHING = ""
"""What the first line holds: there is none before it."""


def digest(line: bytes) -> str:
    """What the next line holds of this one, which ends with its newline."""
    return hashlib.sha256(line).hexdigest()


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
