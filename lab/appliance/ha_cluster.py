"""The cluster as one member sees it from its files: who it is, who its peer is, over which link, on which devices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.appliance import devices, ha_wire, paths
from lab.appliance.errors import ApplianceError
from sns.model import Configuration, HaMember

CONTROL = paths.RUN / "ha.sock"
SYNC_PORT = 44243
SYNCHRONISED = (paths.CONFIG, paths.DATA)
"""What ``hasync`` makes identical. Serial and node name (``System/global``) are each member's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """A member's place in its cluster. ``data`` are the devices of the data networks, by section."""

    own: HaMember
    peer: HaMember
    first: bool
    link: str
    data: dict[str, str]
    secret: bytes


def place(configuration: Configuration) -> Place:
    """This member's place. Raises ApplianceError when the files do not give it one."""
    serial = own_serial()
    members = {member.serial: member for member in configuration.ha.members}
    others = [member for member in configuration.ha.members if member.serial != serial]
    link = configuration.interface(configuration.ha.interface or "")
    if serial not in members or len(others) != 1:
        raise ApplianceError(f"HA/hacluster: needs {serial} (this member) and one other, has {', '.join(members)}")
    if link is None:
        raise ApplianceError(f"HA/highavailability: Interface: no interface {configuration.ha.interface!r}")
    return Place(
        own=members[serial],
        peer=others[0],
        first=members[serial].node_id <= others[0].node_id,
        link=devices.device(link.section),
        data={i.section: devices.device(i.section) for i in configuration.interfaces if i.enabled and i is not link},
        secret=ha_wire.key(configuration.ha.password),
    )


def own_serial() -> str:
    """The serial number of this appliance, from ``System/global``. Raises ApplianceError."""
    for line in paths.SYSTEM.read_text().splitlines():
        token, _, value = line.partition("=")
        if token.strip().lower() == "serial":
            return value.strip()
    raise ApplianceError(f"{paths.SYSTEM}: Serial: missing")


def files() -> Iterator[Path]:
    """Everything that is synchronised, in a fixed order."""
    for folder in SYNCHRONISED:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def digest() -> bytes:
    """16 bytes that differ when any synchronised file does."""
    total = hashlib.sha256()
    for path in files():
        content = path.read_bytes()
        total.update(f"{path}\0{len(content)}\0".encode())
        total.update(content)
    return total.digest()[:16]


def signature() -> int:
    """Changes when a synchronised file was touched; far cheaper than :func:`digest`."""
    return hash(tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files()))
