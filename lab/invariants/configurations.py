"""Configurations are equal after ``hasync``; one that was cut off leaves the old one or the new one, never a mixture."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from lab.device import Appliance
from lab.invariants.violation import Violation

DIFFERENT = "configurations differ after hasync"
MIXED = "a configuration is neither the old nor the new one"
_SHOWN = 8  # files named in a message

Files = Mapping[str, bytes]


def judge_equal(members: Sequence[Appliance]) -> Violation | None:
    """Compare the files of both members, now: ``hasync`` has just said that it copied them."""
    first, second = (member.snapshot().files for member in members)
    if not (differing := differences(first, second)):
        return None
    names = tuple(member.name for member in members)
    return Violation(DIFFERENT, 0, time.monotonic(), 0, names, f"{len(differing)} files differ", tuple(differing[:_SHOWN]))


def judge_whole(member: Appliance, allowed: Sequence[Files]) -> Violation | None:
    """A member's files are one of the configurations that were ever meant to be there."""
    files = member.snapshot().files
    if any(files == one for one in allowed):
        return None
    differing = differences(files, allowed[-1])
    what = f"{member.name} has {len(differing)} files that are not of one configuration"
    return Violation(MIXED, 0, time.monotonic(), 0, (member.name,), what, tuple(differing[:_SHOWN]))


def differences(first: Files, second: Files) -> list[str]:
    """The paths of files that are not the same in both, or only in one of them."""
    return sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
