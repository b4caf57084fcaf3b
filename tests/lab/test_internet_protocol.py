"""Packets made by hand are what a program that everybody knows makes of the same."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.internet_protocol import datagram, echo, ethernet, syn

HERE, THERE = IPv4Address("198.51.100.7"), IPv4Address("10.200.0.10")


@pytest.mark.parametrize("payload", [b"made by hand", b"an odd number", b""])
@pytest.mark.parametrize("port", [22, 443, 65535])
def test_packets_are_as_scapy_makes_them(port: int, payload: bytes) -> None:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.l2 import Ether

    header = IP(src=str(HERE), dst=str(THERE), id=0)
    assert syn(HERE, THERE, 4000, port) == bytes(header / TCP(sport=4000, dport=port, flags="S", window=64240))
    assert datagram(HERE, THERE, 4000, port, payload) == bytes(header / UDP(sport=4000, dport=port) / payload)
    assert echo(HERE, THERE, payload) == bytes(header / ICMP() / payload)
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / header / ICMP() / payload
    assert ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", echo(HERE, THERE, payload)) == bytes(frame)
