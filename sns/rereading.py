"""A ConfigFiles tree that is read again and again: what was read before serves as long as no byte of it differs."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Interface
from pathlib import Path

from .identity import BASE_FILE
from .model import Configuration
from .reader import read

REMEMBERED = 3
"""Configurations: as it is, as a scenario changed it, and as that was changed once more before all was put back."""
SETTLED = 1_000_000_000
"""ns: the kernel's clock for files stands still for up to 10 ms, and some file systems keep whole seconds only. What was
changed less than this before it was read may change again with the same time on it, so its content is read each time."""

_Marked = tuple[tuple[int, ...], bytes]
"""A file's content, and before it what the kernel changes with each change of it: which file it is, its size, and its times,
of which nobody can set the last."""

_Ask = Callable[[], os.stat_result]


class Rereader:
    """Reads as :func:`sns.reader.read` does, which takes half a second for 5,000 rules. One that is shared by threads may
    read twice.
    """

    def __init__(self) -> None:
        self._known: tuple[tuple[object, Configuration], ...] = ()
        self._marked: dict[str, _Marked] = {}

    def read(self, root: Path, *, label: str = "", leases: Mapping[str, IPv4Interface]) -> Configuration:
        """The configuration below ``root``. Raises ConfigurationNotFound."""
        made_of = (root, label, dict(leases), self._all_below(root))
        found = next((one for one in self._known if one[0] == made_of), None)
        if found is None:
            found = made_of, read(root, label=label, leases=leases)
        others = (one for one in self._known if one is not found)
        self._known = (found, *others)[:REMEMBERED]
        return found[1]

    def _all_below(self, root: Path) -> dict[str, object]:
        """All that is read: every path below, with its content when it is a file."""
        kept: dict[str, _Marked] = {}
        base = root.parent / BASE_FILE
        found = {path: _look(path, ask, self._marked, kept) for path, ask in (*_below(str(root)), (str(base), base.stat))}
        self._marked = kept
        return found


def _below(folder: str) -> Iterator[tuple[str, _Ask]]:
    """Every path below a folder, and how the kernel is asked about it; of a folder that cannot be read, none."""
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except OSError:
        return
    for entry in entries:
        yield entry.path, entry.stat
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)


def _look(path: str, ask: _Ask, known: Mapping[str, _Marked], kept: dict[str, _Marked]) -> object:
    """What is at a path: the content of a file, or what else it is; what will serve again is kept."""
    asked = time.time_ns()
    try:
        told = ask()
        if stat.S_ISDIR(told.st_mode):
            return "folder"
        if not stat.S_ISREG(told.st_mode):  # a pipe would be waited for
            return "no file"
        marks = (told.st_dev, told.st_ino, told.st_mode, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        before = known.get(path)
        content = before[1] if before and before[0] == marks else Path(path).read_bytes()
    except OSError as why:
        return why.errno
    if told.st_ctime_ns + SETTLED < asked:
        kept[path] = marks, content
    return content
