"""Frames made by hand, with addresses of nobody's deployment."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from lab.capture import Frame

MACS = {"client": "02:00:00:00:00:01", "firewall": "02:00:00:00:00:02", "server": "02:00:00:00:00:03",
        "other": "02:00:00:00:00:04", "another": "02:00:00:00:00:05"}  # fmt: skip
ADDRESSES = {"client": "198.51.100.1", "firewall": "192.0.2.2", "server": "10.0.0.3", "other": "10.1.0.4",
             "another": "10.1.0.5"}  # fmt: skip


def _mac(name: str) -> bytes:
    return bytes.fromhex(MACS.get(name, name).replace(":", ""))


def address(name: str) -> bytes:
    """An address as it travels."""
    return IPv4Address(ADDRESSES.get(name, name)).packed


def ethernet(source: str, destination: str, kind: bytes, body: bytes) -> bytes:
    """A frame between two hosts, by name or by hardware address."""
    return _mac(destination) + _mac(source) + kind + body


def packet(source: str, destination: str, protocol: int, body: bytes, *, by: tuple[str, str] | None = None) -> bytes:
    """An IPv4 packet between two hosts, by name or by address; ``by`` are the ends of the wire that it is seen on."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    return ethernet(*(by or (source, destination)), b"\x08\x00", head + address(source) + address(destination) + body)


def segment(
    source: str, destination: str, payload: bytes = b"", *, sequence: int = 0, flags: int = 0x18, port: int = 80
) -> bytes:
    """A TCP segment to a port."""
    head = struct.pack("!HHIIBBHHH", 40000, port, sequence, 0, 5 << 4, flags, 0, 0, 0)
    return packet(source, destination, 6, head + payload)


def arp(source: str, wanted: str) -> bytes:
    """Who has the address of ``wanted``?"""
    body = bytes.fromhex("0001080006040001") + _mac(source) + address(source) + bytes(6) + address(wanted)
    return ethernet(source, "ff:ff:ff:ff:ff:ff", b"\x08\x06", body)


def frames(*data: bytes) -> list[Frame]:
    """They were seen a millisecond after one another."""
    return [Frame(1_000 + place / 1000, one) for place, one in enumerate(data)]
