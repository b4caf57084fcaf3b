"""Numbered packets: what a flow's first packet is on the wire, and what is read from one that is seen again.

A packet carries its number where no translation changes it: TCP in the sequence number, everything else in its payload. Its
time to live marks it, so that nothing else in a lab is taken for one, and tells apart what the firewalls' own stacks
answer, whose time to live is 64.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from sns.prediction import Flow
from sns.resolution import PROTOCOL_NUMBERS

TTL = 213  # of first packets as they are sent, which are counted by it; each router on the way takes one off
MARKED = range(TTL - 3, TTL + 1)

ICMP, TCP, UDP = (PROTOCOL_NUMBERS[name] for name in ("icmp", "tcp", "udp"))
ECHO_REPLY, UNREACHABLE, ECHO = 0, 3, 8
SYN, RST, ACK = 0x02, 0x04, 0x10
MOST = 1 << 28  # numbers before they begin again

_MAGIC = b"rempart#"
_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")
_ICMP = struct.Struct("!BBHHH")
_TOKEN = struct.Struct("!8sI")
_WINDOW = 64240


class Kind(IntEnum):
    """What a numbered packet is for."""

    FIRST = 4  # the first of its connection
    REPLY = 5  # what the other end would send back
    STRAY = 6  # the like, that belongs to no connection


_KINDS = {int(kind): kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Seen:
    """A numbered packet as it was seen: addresses and ports as they were then."""

    kind: Kind
    number: int
    protocol: int
    source: IPv4Address
    destination: IPv4Address
    source_port: int | None
    destination_port: int | None
    ttl: int
    icmp: tuple[int, int] | None = None  # type and identifier


@dataclass(frozen=True, slots=True)
class Answered:
    """What a stack said to the packet of this number: ``reset``, ``opened``, ``echo`` or ``unreachable``."""

    number: int
    how: str
    destination: IPv4Address


def first(flow: Flow, number: int, protocol: int) -> bytes:
    """The first packet of a flow, without link layer."""
    token = Kind.FIRST << 28 | number
    match protocol:
        case 6:
            ports = flow.source_port or 0, flow.destination_port or 0
            return _tcp(flow.source.packed, flow.destination.packed, ports, token, 0, SYN)
        case 17:
            ports = flow.source_port or 0, flow.destination_port or 0
            return _udp(flow.source.packed, flow.destination.packed, ports, token)
        case 1:
            kind = ECHO if flow.icmp_type is None else flow.icmp_type
            return _icmp(flow.source.packed, flow.destination.packed, kind, number & 0xFFFF, token)
        case _:
            return _ip(flow.source.packed, flow.destination.packed, protocol, _TOKEN.pack(_MAGIC, token))


def reply(seen: Seen, kind: Kind) -> bytes | None:
    """What the receiver of a first packet would send back; None when nothing answers such a packet.

    A stray one is the same from the next port (identifier), to which nobody has sent anything.
    """
    token, aside = kind << 28 | seen.number, 1 if kind is Kind.STRAY else 0
    source, destination = seen.destination.packed, seen.source.packed
    if seen.protocol == TCP:
        ports = (seen.destination_port or 0), ((seen.source_port or 0) + aside) & 0xFFFF
        return _tcp(source, destination, ports, token, (Kind.FIRST << 28 | seen.number) + 1, SYN | ACK)
    if seen.protocol == UDP:
        return _udp(source, destination, (seen.destination_port or 0, seen.source_port or 0), token)
    if seen.protocol == ICMP and seen.icmp is not None and seen.icmp[0] == ECHO:
        return _icmp(source, destination, ECHO_REPLY, (seen.icmp[1] + aside) & 0xFFFF, token)
    return None


def closing(flow: Flow, number: int) -> bytes:
    """What takes back the connection that the first packet of a TCP flow has half opened."""
    ports = flow.source_port or 0, flow.destination_port or 0
    return _tcp(flow.source.packed, flow.destination.packed, ports, (Kind.FIRST << 28 | number) + 1, 0, RST)


def read(data: bytes) -> Seen | Answered | None:
    """What an IPv4 packet (no link layer) is to us; None for what is not ours."""
    if len(data) < 28 or data[0] != 0x45:
        return None
    if data[8] in MARKED:
        return _numbered(data)
    return _answer(data)


def _numbered(data: bytes) -> Seen | None:
    protocol = data[9]
    token = int.from_bytes(data[24:28], "big") if protocol == TCP else _token(data, 28 if protocol in (UDP, ICMP) else 20)
    kind = _KINDS.get(token >> 28) if token is not None else None
    if token is None or kind is None or (protocol == TCP and len(data) > 33 and not data[33] & SYN):
        return None
    number, source, destination = token & (MOST - 1), IPv4Address(data[12:16]), IPv4Address(data[16:20])
    if protocol in (TCP, UDP):
        source_port, destination_port = struct.unpack_from("!HH", data, 20)
        return Seen(kind, number, protocol, source, destination, source_port, destination_port, data[8])
    icmp = (data[20], int.from_bytes(data[24:26], "big")) if protocol == ICMP else None
    return Seen(kind, number, protocol, source, destination, None, None, data[8], icmp)


def _answer(data: bytes) -> Answered | None:
    destination = IPv4Address(data[16:20])
    if data[9] == TCP:
        flags, token = data[33], int.from_bytes(data[28:32], "big") - 1
        how = "reset" if flags & RST else "opened" if flags & (SYN | ACK) == SYN | ACK else ""
        return _answered(token, how, destination) if how else None
    if data[9] == ICMP and data[20] == ECHO_REPLY:
        return _answered(_token(data, 28), "echo", destination)
    if data[9] == ICMP and data[20] == UNREACHABLE and len(data) >= 56:
        inner = _numbered(data[28:])
        return Answered(inner.number, "unreachable", destination) if inner else None
    return None


def _answered(token: int | None, how: str, destination: IPv4Address) -> Answered | None:
    if token is None or token >> 28 != Kind.FIRST:
        return None
    return Answered(token & (MOST - 1), how, destination)


def _token(data: bytes, offset: int) -> int | None:
    if len(data) < offset + _TOKEN.size or data[offset : offset + 8] != _MAGIC:
        return None
    return int.from_bytes(data[offset + 8 : offset + 12], "big")


# On the wire


def _ip(source: bytes, destination: bytes, protocol: int, payload: bytes, ttl: int = TTL) -> bytes:
    size = 20 + len(payload)
    total = 0x4500 + size + (ttl << 8 | protocol) + _words(source) + _words(destination)
    return _IP.pack(0x45, 0, size, 0, 0, ttl, protocol, _folded(total), source, destination) + payload


def _tcp(source: bytes, destination: bytes, ports: tuple[int, int], sequence: int, acknowledged: int, flags: int) -> bytes:
    total = _words(source) + _words(destination) + TCP + 20 + sum(ports) + (0x5000 | flags) + _WINDOW
    total += (sequence >> 16) + (sequence & 0xFFFF) + (acknowledged >> 16) + (acknowledged & 0xFFFF)
    segment = _TCP.pack(*ports, sequence, acknowledged, 0x50, flags, _WINDOW, _folded(total), 0)
    return _ip(source, destination, TCP, segment, TTL if flags == SYN else TTL - 1)


def _udp(source: bytes, destination: bytes, ports: tuple[int, int], token: int) -> bytes:
    payload = _TOKEN.pack(_MAGIC, token)
    size = 8 + len(payload)
    total = _words(source) + _words(destination) + UDP + 2 * size + sum(ports) + _words(payload)
    return _ip(source, destination, UDP, _UDP.pack(*ports, size, _folded(total) or 0xFFFF) + payload)


def _icmp(source: bytes, destination: bytes, kind: int, identity: int, token: int) -> bytes:
    payload = _TOKEN.pack(_MAGIC, token)
    total = (kind << 8) + identity + _words(payload)
    return _ip(source, destination, ICMP, _ICMP.pack(kind, 0, _folded(total), identity, 0) + payload)


def _words(data: bytes) -> int:
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
