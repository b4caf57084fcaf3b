"""One packet of a set, as a person would choose it: between hosts that have a name, TCP before others, by a port of use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from sns.addresses import AddressSet
from sns.boxes import Box
from sns.prediction import Flow
from sns.resolution import PROTOCOL_NUMBERS
from sns.space import Space

_SOURCE_PORT = 40000  # one that hosts draw for their own connections
_PORTS = (80, 443, 22, 53, 8080, 1)
_PROTOCOLS = tuple(PROTOCOL_NUMBERS[name] for name in ("tcp", "udp", "icmp"))


def example(space: Space, boxes: Sequence[Box], hosts: Mapping[IPv4Address, str]) -> Flow:
    """A packet of some boxes (at least one). ``hosts`` are addresses that people know, best first.

    All packets of a cell meet the same fate, so each is as good as any other.
    """
    chosen = max(boxes, key=lambda box: len(_ends(space, box, hosts)))
    plain = _plain(space, chosen)
    flow = space.example(plain)
    changed: dict[str, Any] = dict(_ends(space, chosen, hosts))
    if flow.source_port is not None:
        runs = list(space.source_ports.runs(plain.source_port))
        changed["source_port"] = _within(runs, (_SOURCE_PORT,), flow.source_port)
    if flow.destination_port is not None:
        spans = [
            (first, last) for _, first, last in space.services.spans(plain.service) if first is not None and last is not None
        ]
        changed["destination_port"] = _within(spans, _PORTS, flow.destination_port)
    return replace(flow, **changed)


def named(flow: Flow, hosts: Mapping[IPv4Address, str]) -> str:
    """A packet in words: ``stranger (198.51.100.102) -> web-sbg7 (10.200.0.10), tcp/22, in by out``."""
    ends = [f"{hosts[end]} ({end})" if end in hosts else str(end) for end in (flow.source, flow.destination)]
    part = flow.destination_port if flow.destination_port is not None else flow.icmp_type
    service = flow.protocol if part is None else f"{flow.protocol}{' type ' if flow.protocol == 'icmp' else '/'}{part}"
    return f"{ends[0]} -> {ends[1]}, {service}, in by {flow.arrival}"


def _plain(space: Space, box: Box) -> Box:
    """The part of a box of one protocol, the first that it has of those that answer."""
    for number in _PROTOCOLS:
        if service := box.service & space.services.protocol(number):
            return box._replace(service=service)
    return box


def _ends(space: Space, box: Box, hosts: Mapping[IPv4Address, str]) -> dict[str, IPv4Address]:
    """The ends of a box that are a known host, two different ones."""
    found: dict[str, IPv4Address] = {}
    for end, mask in (("source", box.source), ("destination", box.destination)):
        addresses = AddressSet(space.addresses.runs(mask))
        host = next((address for address in hosts if address in addresses and address not in found.values()), None)
        if host is not None:
            found[end] = host
    return found


def _within(runs: Sequence[tuple[int, int]], wanted: Sequence[int], otherwise: int) -> int:
    return next((port for port in wanted if any(first <= port <= last for first, last in runs)), otherwise)
