"""A sweep of TCP ports: one SYN to each, as fast as the wires take them, and who answered what.

Both are read at the target's own wire: a SYN that was lost on its way is seen to be missing and sent again, so a port is
only called silent when its SYN arrived and nothing came back.
"""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab.probe import Outcome

if TYPE_CHECKING:
    from lab.capture import Frame, Tap
    from lab.host import LabHost

ALL_PORTS = range(1, 65536)
WINDOW = 512  # SYNs on their way at once: a port of the userspace switch queues 277 (212,992 bytes of 768), distance the rest
BURST = 32  # SYNs sent between two looks at what has arrived; no window is smaller
ARRIVES_WITHIN = 0.1  # s for a SYN to arrive, ten times the longest way
PAUSE = 0.0003  # s between two looks
ROUNDS = 8  # at the most; what one round lost, the next sends again, with half as many on their way
SYN, RST, ACK = 0x02, 0x04, 0x10

_SEGMENT = struct.Struct("!HHIIBBHHH")
_SEQUENCE, _WINDOW = 0x52454D50, 64240


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found. ``reached`` are the ports whose SYN arrived; those in neither other set stayed silent."""

    reached: frozenset[int]
    answered: frozenset[int]
    refused: frozenset[int]

    def outcome(self, port: int) -> Outcome:
        """What became of one port. Raises KeyError for one that was not reached: nothing is known of it."""
        if port not in self.reached:
            raise KeyError(port)
        if port in self.answered:
            return Outcome.ANSWERED
        return Outcome.REFUSED if port in self.refused else Outcome.SILENT


def sweep(host: LabHost, address: IPv4Address, wire: Tap, ports: Iterable[int] = ALL_PORTS) -> Sweep:
    """Send a SYN from ``host`` to every port of an address, ``wire`` being the capture of the target's own interface.

    The host's kernel resets what is opened. Ports that are not ``reached`` after :data:`ROUNDS` rounds are left out.
    """
    missing = set(ports)
    source_port = random.randrange(61000, 65000)  # noqa: S311 - above the range that the kernel itself uses
    seen = _Seen(address, source_port)
    with host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # it only sends
        raw.connect((str(address), 0))
        base = _sum(_source(host, address).packed + address.packed + struct.pack("!HH", socket.IPPROTO_TCP, 20))
        for number in range(ROUNDS):
            window = max(WINDOW >> number, BURST)
            for burst in _bursts(sorted(missing)):
                seen.await_all_but(window - BURST, wire)
                _send(raw, source_port, base, burst)
                seen.sent += len(burst)
            seen.await_all_but(0, wire)
            missing -= seen.reached
            if not missing:
                break
        time.sleep(ARRIVES_WITHIN)  # for the last answers
        seen.read(wire)
    return Sweep(frozenset(seen.reached), frozenset(seen.answered), frozenset(seen.refused))


class _Seen:
    """What passed at the target's wire so far, of what was ``sent``."""

    def __init__(self, address: IPv4Address, source_port: int) -> None:
        self.sent = 0
        self.reached: set[int] = set()
        self.answered: set[int] = set()
        self.refused: set[int] = set()
        self._address = address.packed
        self._source_port = source_port.to_bytes(2, "big")
        self._cursor = 0

    def read(self, wire: Tap) -> None:
        """Take in what is new. Raises CaptureIncomplete when the capture lost frames."""
        self._take_all(wire.since(self._cursor))

    def await_all_but(self, most: int, wire: Tap) -> None:
        """Read until no more than ``most`` are on their way; those that keep us waiting too long are lost."""
        last, arrived = time.monotonic(), len(self.reached)
        while self.sent - len(self.reached) > most:
            self._take_all(wire.so_far(self._cursor))
            now = time.monotonic()
            if len(self.reached) > arrived:
                last, arrived = now, len(self.reached)
            elif now - last > ARRIVES_WITHIN:
                self.sent = len(self.reached)
            else:
                time.sleep(PAUSE)

    def _take_all(self, frames: Collection[Frame]) -> None:
        self._cursor += len(frames)
        for frame in frames:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        """TCP in IPv4 without options: the firewall's stack and ours write none into these segments' IP headers."""
        data = frame.data
        if data[12:15] != b"\x08\x00\x45" or data[23] != socket.IPPROTO_TCP:
            return
        if data[34:36] == self._source_port and data[30:34] == self._address:
            if data[47] == SYN:
                self.reached.add(int.from_bytes(data[36:38], "big"))
        elif data[36:38] == self._source_port and data[26:30] == self._address:
            port = int.from_bytes(data[34:36], "big")
            if data[47] & RST:
                self.refused.add(port)
            elif data[47] & (SYN | ACK) == SYN | ACK:
                self.answered.add(port)


def _bursts(ports: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ports[first : first + BURST] for first in range(0, len(ports), BURST))


def _send(raw: socket.socket, source_port: int, base: int, ports: Iterable[int]) -> None:
    flags = 5 << 4, SYN
    base += source_port + (_SEQUENCE >> 16) + (_SEQUENCE & 0xFFFF) + (flags[0] << 8 | flags[1]) + _WINDOW
    for port in ports:
        total = base + port
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        raw.send(_SEGMENT.pack(source_port, port, _SEQUENCE, 0, *flags, _WINDOW, ~total & 0xFFFF, 0))


def _source(host: LabHost, address: IPv4Address) -> IPv4Address:
    """The address that the host's kernel uses towards another."""
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return IPv4Address(probe.getsockname()[0])


def _sum(data: bytes) -> int:
    return sum(struct.unpack(f"!{len(data) // 2}H", data))
