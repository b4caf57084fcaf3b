"""A sweep of TCP ports: one SYN to each, as fast as a wire takes them, and who answered what.

They are put on the firewall's own wire, past everything that could lose them, by as many as a system call takes; how many
arrived is counted at its interface, before its rules, and what comes late of a sending that was given up is not counted for
another. So a port is only called silent when its SYN arrived and nothing came back, and all silence of a sweep costs one
time-out.
"""

from __future__ import annotations

import ctypes
import random
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab import namespace
from lab.matrix import points
from lab.matrix.packets import TTL
from lab.probe import Outcome

ALL_PORTS = range(1, 65536)
CHUNK = 256  # SYNs of one system call: a quarter of what a CPU lets wait for a network namespace (netdev_max_backlog)
ARRIVES_WITHIN = 0.05  # s for a chunk to be counted: it is, before the system call returns, unless the machine is busy
ANSWERS_WITHIN = 0.15  # s for the last answers, ten times the longest way
ROUNDS = 4  # of one SYN alone, until it is given up
SYN, RST, ACK = 0x02, 0x04, 0x10

_FRAME = struct.Struct("!6s6sH BBHHHBBH4s4s HHIIBBHHH")
_SIZE = _FRAME.size
_IDENTIFICATION_AT, _HEADER_CHECKSUM_AT, _PORT_AT, _CHECKSUM_AT = 18, 24, 36, 50
_IPV4 = 0x0800
_SEQUENCE, _WINDOW = 0x52454D50, 64240
_libc = ctypes.CDLL(None, use_errno=True)


class _Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("parts", ctypes.POINTER(_Part)),
        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int),
    ]  # fmt: skip


class _Message(ctypes.Structure):
    _fields_ = [("header", _Header), ("sent", ctypes.c_uint)]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a wire: an interface, and a process of the network namespace that it is in."""

    pid: int
    interface: str


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


def sweep(near: End, far: End, source: IPv4Address, address: IPv4Address, ports: Iterable[int] = ALL_PORTS) -> Sweep:
    """Send a SYN from ``source`` to every port of an address, from the near end of a wire to whoever has the far one.

    ``source`` is a host's beyond the near end, whose kernel resets what is opened. Ports that are not ``reached`` after
    :data:`ROUNDS` rounds are left out.
    """
    sending = _Sending(near, far, source, address)
    try:
        reached: set[int] = set()
        wanted = list(ports)
        for first in range(0, len(wanted), CHUNK):
            reached |= sending.deliver(wanted[first : first + CHUNK])
            sending.look()
        deadline = time.monotonic() + ANSWERS_WITHIN
        while time.monotonic() < deadline:
            sending.look()
            time.sleep(0.005)
    finally:
        sending.close()
    return Sweep(frozenset(reached), frozenset(sending.answered), frozenset(sending.refused))


class _Sending:
    def __init__(self, near: End, far: End, source: IPv4Address, address: IPv4Address) -> None:
        self.answered: set[int] = set()
        self.refused: set[int] = set()
        self._source_port = random.randrange(61000, 65000)  # noqa: S311 - above the range that the kernel itself uses
        self._answers = address.packed + source.packed
        self._identification = random.randrange(1 << 16)  # noqa: S311 - of the last sending
        self._frame, self._base = _frame(points.hardware_address(far.pid, far.interface), source, address, self._source_port)
        self._frames = bytearray(self._frame * CHUNK)
        self._messages = self._laid_out()
        self._socket = namespace.packet_socket(near.pid, near.interface, buffer=16 << 20)
        self._socket.setblocking(False)
        self._arrivals = points.Arrivals(far.pid, far.interface)
        self._begin()

    def _laid_out(self) -> ctypes.Array[_Message]:
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._frames))
        self._parts = (_Part * CHUNK)(*(_Part(start + number * _SIZE, _SIZE) for number in range(CHUNK)))
        messages = (_Message * CHUNK)()
        for message, part in zip(messages, self._parts, strict=True):
            message.header.parts, message.header.count = ctypes.pointer(part), 1
        return messages

    def deliver(self, ports: Sequence[int], round_: int = 1) -> set[int]:
        """Send to these ports until all have arrived, by halves when some have not; those that did."""
        self.send(ports)
        arrived, deadline = self._arrivals.count(), time.monotonic() + ARRIVES_WITHIN
        while arrived < len(ports) and time.monotonic() < deadline:
            time.sleep(0.0005)
            arrived += self._arrivals.count()
        whole = arrived >= len(ports)
        if not whole and len(ports) == 1 and round_ < ROUNDS:
            return self.deliver(ports, round_ + 1)  # of one port alone any SYN will do, however late
        if not whole or round_ > 1:
            self._begin()  # some of these may still be on their way
        if whole:
            return set(ports)
        middle = len(ports) // 2
        return self.deliver(ports[:middle]) | self.deliver(ports[middle:]) if middle else set()

    def _begin(self) -> None:
        """What is sent from now on has an identification of its own and is counted by it: not what is late of before."""
        self._identification = (self._identification + 1) & 0xFFFF
        self._arrivals.only(self._identification)
        frame = bytearray(self._frame)
        (checksum,) = struct.unpack_from("!H", frame, _HEADER_CHECKSUM_AT)
        total = (~checksum & 0xFFFF) + self._identification
        struct.pack_into("!H", frame, _IDENTIFICATION_AT, self._identification)
        struct.pack_into("!H", frame, _HEADER_CHECKSUM_AT, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
        self._frames[:] = frame * CHUNK
        self._arrivals.count()

    def send(self, ports: Sequence[int]) -> None:
        """Put one SYN to each port on the wire."""
        pack, frames = struct.pack_into, self._frames
        for place, port in enumerate(ports):
            total = self._base + port
            total = (total & 0xFFFF) + (total >> 16)
            total = (total & 0xFFFF) + (total >> 16)
            pack("!H", frames, place * _SIZE + _PORT_AT, port)
            pack("!H", frames, place * _SIZE + _CHECKSUM_AT, ~total & 0xFFFF)
        _libc.sendmmsg(self._socket.fileno(), self._messages, len(ports), 0)  # what it does not send does not arrive

    def look(self) -> None:
        """Take in what was answered: TCP in IPv4 without options, which the stacks write none into these segments."""
        while True:
            try:
                data = self._socket.recv(128)
            except BlockingIOError:
                return
            if data[26:34] != self._answers or data[23] != socket.IPPROTO_TCP:
                continue
            port, source_port = struct.unpack_from("!HH", data, 34)
            if source_port != self._source_port:
                continue
            if data[47] & RST:
                self.refused.add(port)
            elif data[47] & (SYN | ACK) == SYN | ACK:
                self.answered.add(port)

    def close(self) -> None:
        self._socket.close()
        self._arrivals.close()


def _frame(mac: bytes, source: IPv4Address, address: IPv4Address, source_port: int) -> tuple[bytes, int]:
    """A SYN to port 0 without its checksum or identification, and the sum that the checksum of one to a port is made of."""
    addresses = _sum(source.packed + address.packed)
    head = 0x4500 + 40 + (TTL << 8 | socket.IPPROTO_TCP) + addresses
    head = (head & 0xFFFF) + (head >> 16)
    flags = 5 << 4, SYN
    frame = _FRAME.pack(
        mac, points.OUR_MAC, _IPV4,
        0x45, 0, 40, 0, 0, TTL, socket.IPPROTO_TCP, ~((head & 0xFFFF) + (head >> 16)) & 0xFFFF, source.packed, address.packed,
        source_port, 0, _SEQUENCE, 0, *flags, _WINDOW, 0, 0,
    )  # fmt: skip
    base = addresses + socket.IPPROTO_TCP + 20 + source_port
    return frame, base + (_SEQUENCE >> 16) + (_SEQUENCE & 0xFFFF) + (flags[0] << 8 | flags[1]) + _WINDOW


def _sum(data: bytes) -> int:
    return sum(struct.unpack(f"!{len(data) // 2}H", data))
