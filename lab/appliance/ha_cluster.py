"""The cluster as one member sees it from its files: who it is, who its peer is, over which link, on which devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from lab.appliance import devices, ha_wire, paths
from lab.appliance.errors import ApplianceError
from lab.appliance.ha_timers import Timers

if TYPE_CHECKING:
    from sns.model import Configuration, HaMember

SYNC_PORT = 44243
_ASKED = 4  # neighbours of a network: one that answers is enough


@dataclass(frozen=True, slots=True)
class Place:
    """A member's place in its cluster: all that the agent needs of the configuration.

    ``data`` are the devices of the data networks, by section; ``addresses`` those that they announce; ``neighbours`` the
    hosts that the object base knows there; ``arp_period`` is in seconds, 0 when only a takeover is announced (``SendARP``).
    """

    own: HaMember
    peer: HaMember
    first: bool
    link: str
    data: Mapping[str, str]
    addresses: Mapping[str, tuple[IPv4Address, ...]]
    neighbours: Mapping[str, tuple[IPv4Address, ...]]
    weights: Mapping[str, int]
    timers: Timers
    arp_period: int
    secret: bytes = field(repr=False)

    @property
    def wires(self) -> tuple[object, ...]:
        """All that the agent's sockets and its lease depend on."""
        return self.own.address, self.peer.serial, self.peer.address, self.link, dict(self.data), self.timers, self.secret


def place(configuration: Configuration) -> Place:
    """This member's place. Raises ApplianceError when the files do not give it one."""
    ha, serial = configuration.ha, own_serial()
    members = {member.serial: member for member in ha.members}
    others = [member for member in ha.members if member.serial != serial]
    link = configuration.interface(ha.interface or "")
    if serial not in members or len(others) != 1:
        raise ApplianceError(f"HA/hacluster: needs {serial} (this member) and one other, has {', '.join(members) or 'none'}")
    if link is None:
        raise ApplianceError(f"HA/highavailability: Interface: no interface {ha.interface!r} (name one of 'network')")
    data = [i for i in configuration.interfaces if i.enabled and i is not link and i.physical is None]
    return Place(
        own=members[serial],
        peer=others[0],
        first=(members[serial].node_id, serial) < (others[0].node_id, others[0].serial),
        link=devices.device(link.section),
        data={i.section: devices.device(i.section) for i in data},
        addresses={i.section: (i.address.ip,) for i in data if i.address is not None},
        neighbours={i.section: tuple(_neighbours(configuration, i.address)) for i in data if i.address is not None},
        weights=dict(ha.weights),
        timers=Timers.of(ha),
        arp_period=ha.send_arp_period if ha.send_arp else 0,
        secret=ha_wire.key(ha.password),
    )


def _neighbours(configuration: Configuration, own: IPv4Interface) -> Iterator[IPv4Address]:
    """The first hosts of the object base that stand in a network of ours."""
    found = {host.first for host in configuration.objects.hosts.values() if host.first is not None and host.first == host.last}
    yield from sorted(address for address in found if address in own.network and address != own.ip)[:_ASKED]


def own_serial() -> str:
    """The serial number of this appliance, from ``System/global``. Raises ApplianceError."""
    try:
        lines = paths.SYSTEM.read_text().splitlines()
    except OSError as error:
        raise ApplianceError(f"{paths.SYSTEM}: cannot be read: {error.strerror}") from error
    for line in lines:
        token, _, value = line.partition("=")
        if token.strip().lower() == "serial":
            return value.strip()
    raise ApplianceError(f"{paths.SYSTEM}: Serial: missing (a member is told from the other by it)")
