"""The pair: an HA link that depends on somebody else, and members that do not say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sns.model import Configuration, Location

from .result import Check, Level, Result

HA_BY_DHCP = Check(
    "ha-on-dhcp",
    Level.WARNING,
    "An HA link whose address is leased",
    "Without its lease a member is alone: the link must not depend on a service that the pair protects or shares.",
)
MEMBERS_DIFFER = Check(
    "members-differ",
    Level.WARNING,
    "Members of a cluster whose configurations differ",
    "After a failover another policy is in force than the one that was tested.",
    ("ISO/IEC 27001:2022 8.9",),
)


def check(configuration: Configuration) -> Iterator[Result]:
    """Doubts about high availability."""
    ha = configuration.ha
    interface = configuration.interface(ha.interface or "") if ha.enabled else None
    if interface is not None and interface.dhcp:
        message = f"the HA link ({interface.name}) takes its address by DHCP"
        remedy = "give each member a fixed address that the provider's DHCP does not hand out"
        yield Result(HA_BY_DHCP, interface.location, "Address", message, remedy)


def differences(one: Path, other: Path, *, called: tuple[str, str]) -> Iterator[Result]:
    """The files of two members' trees that differ, each with the first line that does; ``called`` names the two.

    Raises OSError.
    """
    ours, theirs = _files(one), _files(other)
    for name in sorted(ours.keys() | theirs.keys()):
        remedy = "run hasync on the member whose configuration is right"
        if name not in ours or name not in theirs:
            message = f"only {called[name not in ours]} has this file"
            yield Result(MEMBERS_DIFFER, Location(name, 1), "file", message, remedy)
            continue
        first, second = (files[name].read_bytes().splitlines() for files in (ours, theirs))
        if first != second:
            line = next((n for n, (a, b) in enumerate(zip(first, second, strict=False), 1) if a != b), None)
            place = line or min(len(first), len(second)) + 1
            yield Result(MEMBERS_DIFFER, Location(name, place), "line", f"differs from {called[1]}", remedy)


def _files(root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
