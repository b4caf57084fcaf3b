"""A sweep of TCP ports: one SYN to each, as fast as the wires take them, and who answered what."""

from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab import namespace
from lab.probe import Outcome

if TYPE_CHECKING:
    from lab.host import LabHost

ALL_PORTS = range(1, 65536)
BURST = 256  # SYNs between two looks at the answers; the userspace switch drops when its queue of 2,048 is outrun
SETTLE = 0.5  # s after the last SYN: several round trips of the most distant site
SYN, RST, ACK = 0x02, 0x04, 0x10


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found. Ports that are in neither set stayed silent."""

    sent: int
    answered: frozenset[int]
    refused: frozenset[int]
    source_port: int

    def outcome(self, port: int) -> Outcome:
        """What became of one port."""
        if port in self.answered:
            return Outcome.ANSWERED
        return Outcome.REFUSED if port in self.refused else Outcome.SILENT


def sweep(host: LabHost, address: IPv4Address, ports: Iterable[int] = ALL_PORTS) -> Sweep:
    """Send a SYN from ``host`` to every port of an address. The host's kernel resets what is opened.

    A lost SYN looks like a silent port: compare ``sent`` with what a capture saw arrive.
    """
    wanted = list(ports)
    source_port = random.randrange(61000, 65000)  # noqa: S311 - above the range that the kernel itself uses
    source = _source(host, address)
    base = _sum(source.packed + address.packed + struct.pack("!HH", socket.IPPROTO_TCP, 20))
    answered: set[int] = set()
    refused: set[int] = set()
    with host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.setsockopt(socket.SOL_SOCKET, namespace.SO_RCVBUFFORCE, 8 << 20)
        raw.setblocking(False)

        def collect(seconds: float) -> None:
            deadline = time.monotonic() + seconds
            while select.select([raw], [], [], max(0.0, deadline - time.monotonic()))[0]:
                data = raw.recv(4096)
                segment = data[(data[0] & 15) * 4 :]
                port, to, flags = struct.unpack("!HH9xB", segment[:14])
                if to != source_port or data[12:16] != address.packed:
                    continue
                if flags & RST:
                    refused.add(port)
                elif flags & (SYN | ACK) == SYN | ACK:
                    answered.add(port)

        for first in range(0, len(wanted), BURST):
            for port in wanted[first : first + BURST]:
                _send(raw, _segment(source_port, port, base), address)
            collect(0.002)
        collect(SETTLE)
    return Sweep(len(wanted), frozenset(answered), frozenset(refused), source_port)


def _source(host: LabHost, address: IPv4Address) -> IPv4Address:
    """The address that the host's kernel uses towards another."""
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return IPv4Address(probe.getsockname()[0])


def _send(raw: socket.socket, segment: bytes, address: IPv4Address) -> None:
    while True:
        try:
            raw.sendto(segment, (str(address), 0))
        except BlockingIOError:
            select.select([], [raw], [], 0.1)
        else:
            return


def _segment(source_port: int, port: int, base: int) -> bytes:
    words = struct.pack("!HHIIBBH", source_port, port, 0x52454D50, 0, 5 << 4, SYN, 64240)
    total = base + _sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return words + struct.pack("!HH", ~total & 0xFFFF, 0)


def _sum(data: bytes) -> int:
    return sum(struct.unpack(f"!{len(data) // 2}H", data))
