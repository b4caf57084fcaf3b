"""Internet packets as bytes: an IPv4 header before a payload, what begins a connection or asks, and the checksums of all."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

TTL = 64  # as hosts send
_ICMP, _TCP, _UDP = 1, 6, 17
_ECHO, _SYN, _WINDOW = 8, 0x02, 64240
_HEADER = struct.Struct("!BBHHHBBH4s4s")


def ip(source: bytes, destination: bytes, protocol: int, payload: bytes, ttl: int = TTL) -> bytes:
    """A packet of IPv4, without options, that is not fragmented (RFC 791)."""
    size = 20 + len(payload)
    total = 0x4500 + size + (ttl << 8 | protocol) + words(source) + words(destination)
    return _HEADER.pack(0x45, 0, size, 0, 0, ttl, protocol, folded(total), source, destination) + payload


def syn(source: IPv4Address, destination: IPv4Address, own: int, port: int) -> bytes:
    """What begins a TCP connection from a port of the source (RFC 9293)."""
    segment = struct.pack("!HHIIBBHHH", own, port, 0, 0, 0x50, _SYN, _WINDOW, 0, 0)
    return ip(source.packed, destination.packed, _TCP, _summed(source, destination, _TCP, segment, 16))


def datagram(source: IPv4Address, destination: IPv4Address, own: int, port: int, payload: bytes) -> bytes:
    """A datagram from a port of the source (RFC 768)."""
    data = struct.pack("!HHHH", own, port, 8 + len(payload), 0) + payload
    return ip(source.packed, destination.packed, _UDP, _summed(source, destination, _UDP, data, 6))


def echo(source: IPv4Address, destination: IPv4Address, payload: bytes) -> bytes:
    """A ping (RFC 792)."""
    asked = struct.pack("!BBHHH", _ECHO, 0, 0, 0, 0) + payload
    return ip(source.packed, destination.packed, _ICMP, _with_sum(asked, words(asked), 2))


def ethernet(source: str, destination: str, packet: bytes) -> bytes:
    """The frame that carries a packet from one hardware address to another, written with colons."""
    return bytes.fromhex(destination.replace(":", "") + source.replace(":", "")) + b"\x08\x00" + packet


def words(data: bytes) -> int:
    """The sum of the words of 16 bits; an odd byte at the end is the high one of its word (RFC 1071)."""
    even = data + bytes(len(data) % 2)
    return sum(struct.unpack(f"!{len(even) // 2}H", even))


def folded(total: int) -> int:
    """The checksum of so large a sum."""
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _summed(source: IPv4Address, destination: IPv4Address, protocol: int, data: bytes, place: int) -> bytes:
    """With the checksum, which covers the addresses too; for UDP none is sent as all ones."""
    total = words(source.packed) + words(destination.packed) + protocol + len(data) + words(data)
    return _with_sum(data, total, place)


def _with_sum(data: bytes, total: int, place: int) -> bytes:
    return data[:place] + struct.pack("!H", folded(total) or 0xFFFF) + data[place + 2 :]
