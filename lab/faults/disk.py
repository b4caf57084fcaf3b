"""A file system of a member's own that is full. Never the machine's disk: only what is a small one of the host's is filled."""

from __future__ import annotations

from lab.errors import LabError
from lab.faults.fault import Choice, Kind, Target, Values

_PLACES = {"logs": "/log", "configuration": "/usr/Firewall"}


def _file(values: Values) -> str:
    return f"{_PLACES[values.word('place')]}/.filled-by-a-fault"


def _fill(target: Target, values: Values) -> None:
    place, file = _PLACES[values.word("place")], _file(values)
    if target.host.must("stat", "--file-system", "--format=%T", place).strip() != "tmpfs":
        raise LabError(f"{target.name}: {place} is no file system of its own here: take the lab down and bring it up again")
    # Down to single bytes: a block that is left would take a small file.
    target.host.run("sh", "-c", f"for size in 1M 4k 1; do dd if=/dev/zero bs=$size oflag=append conv=notrunc of={file}; done")


def _empty(target: Target, values: Values) -> None:
    target.host.must("rm", "-f", _file(values))


def _occupied(target: Target, values: Values) -> frozenset[str]:
    return frozenset({f"{target.name} power", f"{target.name} {values.word('place')}"})


KINDS = (
    Kind(
        "disk-full",
        "has no room left where it writes",
        _fill,
        _empty,
        _occupied,
        (Choice("place", "which file system", "logs", tuple(_PLACES)),),
    ),
)
