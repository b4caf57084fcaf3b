"""Whose packets a captured frame carries: which frames belong to a scenario, and which hosts took part in it.

A frame is left out only when all of its ends are known, and none of them took part: what comes from or goes to an address
that nobody of the plan has stays in, for it may be what a scenario fails by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.appliance import conntrackd, ha_wire
from lab.capture import Frame

IPV4, ARP, TAGGED = b"\x08\x00", b"\x08\x06", b"\x81\x00"
_BEACON = ha_wire.ETHERTYPE.to_bytes(2, "big")
_UDP = 17
_OF_PAIRS = frozenset(port.to_bytes(2, "big") for port in (ha_wire.PORT, conntrackd.PORT))
_NOBODY = frozenset((bytes(4), b"\xff" * 4, b"\xff" * 6))

Owners = Mapping[bytes, frozenset[str]]
"""The hosts that have an address, by the address as it travels: four bytes of IPv4, six of hardware."""


@dataclass(frozen=True, slots=True)
class Header:
    """Of a frame: its kind (the Ethernet type behind all VLAN tags), and its ends at both layers; nobody's left out.

    ``heartbeat`` tells the messages that members of a pair exchange all the time.
    """

    kind: bytes
    ends: tuple[bytes, ...]
    addresses: tuple[bytes, bytes] | None
    heartbeat: bool

    @classmethod
    def of(cls, data: bytes) -> Header:
        """The header of a frame."""
        start = 12
        while data[start : start + 2] == TAGGED:
            start += 4
        kind, body = data[start : start + 2], data[start + 2 :]
        pair = None
        if kind == IPV4 and len(body) >= 20:
            pair = body[12:16], body[16:20]
        elif kind == ARP and len(body) >= 28:
            pair = body[14:18], body[24:28]
        ends = (data[:6], data[6:12], *(pair or ()))
        # Steps send frames of the beacons' type too.
        heartbeat = kind == _BEACON and body.startswith(ha_wire.MAGIC)
        if kind == IPV4 and pair is not None and body[9] == _UDP:
            heartbeat = body[22:24] in _OF_PAIRS
        return cls(kind, tuple(end for end in ends if end not in _NOBODY and not _is_multicast(end)), pair, heartbeat)


def _is_multicast(end: bytes) -> bool:
    return bool(end) and (end[0] & 1 == 1 if len(end) == 6 else end[0] >> 4 == 0xE)


def _key(data: bytes) -> bytes:
    """What decides about a frame: most frames of a scenario share it, so that few must be looked at."""
    if data[12:14] != IPV4:
        return data[:64]
    return data[:14] + data[26:34] + (data[36:38] if data[23:24] == b"\x11" else b"")


class Flows:
    """The frames of a scenario, by capture point. ``firewalls`` are the names of all members of all pairs."""

    def __init__(self, frames: Mapping[str, Sequence[Frame]], owners: Owners, firewalls: frozenset[str]) -> None:
        self.frames = frames
        self._owners = owners
        self._firewalls = firewalls
        self._headers: dict[bytes, Header] = {}
        self._wanted: dict[tuple[frozenset[str], bool], dict[bytes, bool]] = {}  # every point is asked for the same hosts
        for seen in frames.values():
            for frame in seen:
                key = _key(frame.data)
                if key not in self._headers:
                    self._headers[key] = Header.of(frame.data)

    def pairs(self) -> set[tuple[bytes, bytes]]:
        """The addresses that exchanged IPv4 packets, from and to."""
        return {one.addresses for one in self._headers.values() if one.kind == IPV4 and one.addresses}

    def partners(self, hosts: Iterable[str]) -> set[str]:
        """Who exchanged IPv4 packets with one of these hosts; what firewalls say to each other is no scenario's."""
        asked, found = set(hosts), set()
        for pair in self.pairs():
            ends = [self._owners.get(address, frozenset()) for address in pair]
            if all(ends) and not all(end <= self._firewalls for end in ends):
                found |= {name for end, other in (ends, reversed(ends)) if end & asked for name in other}
        return found

    def of(self, point: str, hosts: Iterable[str], *, heartbeats: bool) -> list[Frame]:
        """The frames at a point that belong to these hosts or to nobody known; ``heartbeats`` of pairs if asked for."""
        took_part = frozenset(hosts)
        if (wanted := self._wanted.get((took_part, heartbeats))) is None:
            wanted = {key: self._belongs(header, took_part, heartbeats=heartbeats) for key, header in self._headers.items()}
            self._wanted[took_part, heartbeats] = wanted
        return [frame for frame in self.frames[point] if wanted[_key(frame.data)]]

    def _belongs(self, header: Header, took_part: frozenset[str], *, heartbeats: bool) -> bool:
        owners = [self._owners.get(end) for end in header.ends]
        if header.heartbeat and not heartbeats and all(one is not None and one <= self._firewalls for one in owners):
            return False
        return not owners or any(one is None or one & took_part for one in owners)


def owners(addresses: Iterable[tuple[str, str]]) -> Owners:
    """Who has which address, from pairs of a host's name and one of its addresses, hardware or IPv4."""
    found: dict[bytes, set[str]] = {}
    for host, address in addresses:
        octets = bytes.fromhex(address.replace(":", "")) if ":" in address else IPv4Address(address.partition("/")[0]).packed
        found.setdefault(octets, set()).add(host)
    return {octets: frozenset(names) for octets, names in found.items()}


def is_in(address: bytes, network: IPv4Network) -> bool:
    """Whether an address as it travels belongs to a network."""
    return int.from_bytes(address, "big") & int(network.netmask) == int(network.network_address)
