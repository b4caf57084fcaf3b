"""What every end of a flow may ask of the instrument, and the ends of flows without a connection: UDP and ICMP echo."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from lab import namespace
from lab.flows.memory import Memory
from lab.flows.message import TOS, decode, encode, prepare, received
from lab.flows.plan import BACK, THERE, Flow

FAR_PORT = 47420
"""Where the far ends listen, beside the host's own servers; packets with our mark are redirected to it there."""

_SOL_RAW, _ICMP_FILTER = 255, 1
_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_HEADERS = 28  # bytes of IPv4 and ICMP before the message


class Instrument(Protocol):
    """The process that drives all flows."""

    memory: Memory

    def listen(self, descriptor: int, act: Callable[[], None]) -> None:
        """Call ``act`` whenever something can be read (or has gone wrong)."""

    def forget(self, descriptor: int) -> None:
        """Do not listen any more."""

    def now(self) -> int:
        """The time (ns) of the clock that everything is measured by."""

    def tell(self, flow: int, event: str, why: str = "") -> None:
        """Something happened to a connection."""


class End:
    """One flow as the instrument drives it: :meth:`send` is called at every beat."""

    def __init__(self, instrument: Instrument, number: int, flow: Flow) -> None:
        self.instrument = instrument
        self.number = number
        self.flow = flow
        self._next = [0, 0]

    def send(self, now: int) -> None:
        """Send the next message in each direction in which there are any."""
        raise NotImplementedError

    def lane(self, direction: int) -> int:
        """The lane of a direction."""
        return 2 * self.number + direction

    def next_message(self, direction: int, now: int) -> bytes:
        """The next message of a direction, which counts as sent."""
        number = self._next[direction]
        self._next[direction] = number + 1
        self.instrument.memory.sent(self.lane(direction), number, now)
        return encode(self.number, direction, number, self.flow.size)

    def take(self, data: bytes, at: int) -> None:
        """A message that came; what is not ours is left alone."""
        found = decode(data)
        if found is not None and found[0] == self.number:
            self.instrument.memory.arrived(self.lane(found[1]), found[2], at)


class Exchange:
    """The far ends of all datagrams of one host: they have one socket, for the redirection leads to one port."""

    def __init__(self, instrument: Instrument, far: int) -> None:
        self.socket = namespace.inside(far, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        prepare(self.socket).bind(("", FAR_PORT))
        self._instrument = instrument
        self.origins: dict[int, tuple[str, int]] = {}
        instrument.listen(self.socket.fileno(), self._read)

    def _read(self) -> None:
        for data, origin, at in received(self.socket):
            found = decode(data)
            if found is not None:
                self.origins[found[0]] = origin
                self._instrument.memory.arrived(2 * found[0] + found[1], found[2], at)


class Datagrams(End):
    """UDP between two hosts."""

    def __init__(self, instrument: Instrument, number: int, flow: Flow, exchange: Exchange) -> None:
        super().__init__(instrument, number, flow)
        self._exchange = exchange
        self._near = namespace.inside(flow.near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        prepare(self._near).setsockopt(socket.IPPROTO_IP, socket.IP_TOS, TOS)
        instrument.listen(self._near.fileno(), self._read)

    def send(self, now: int) -> None:
        """One each way; a packet that finds no way counts as sent, and will be lost."""
        if self.flow.there:
            leave_by(self._near, self.flow.device)
            post(self._near, self.next_message(THERE, now), (self.flow.address, self.flow.port))
        origin = self._exchange.origins.get(self.number)
        if self.flow.back and origin is not None:
            post(self._exchange.socket, self.next_message(BACK, now), origin)

    def _read(self) -> None:
        for data, _, at in received(self._near):
            self.take(data, at)


class Pings(End):
    """ICMP echo: requests from the near host, answered by the far host's kernel; both are seen when they arrive."""

    def __init__(self, instrument: Instrument, number: int, flow: Flow) -> None:
        super().__init__(instrument, number, flow)
        self._near = _raw(flow.near, _ECHO_REPLY)
        self._far = _raw(flow.far, _ECHO_REQUEST)
        self._identity: int = struct.unpack("!H", os.urandom(2))[0]
        instrument.listen(self._near.fileno(), self._read_near)
        instrument.listen(self._far.fileno(), self._read_far)

    def send(self, now: int) -> None:
        """A request."""
        post(self._near, _echo_request(self._identity, self.next_message(THERE, now)), (self.flow.address, 0))

    def _read_far(self) -> None:
        for data, _, at in received(self._far):
            found = decode(data[_HEADERS:])
            if found is not None and found[0] == self.number:
                self.instrument.memory.arrived(self.lane(THERE), found[2], at)
                self.instrument.memory.sent(self.lane(BACK), found[2], at)

    def _read_near(self) -> None:
        for data, _, at in received(self._near):
            found = decode(data[_HEADERS:])
            if found is not None and found[0] == self.number:
                self.instrument.memory.arrived(self.lane(BACK), found[2], at)


def post(opened: socket.socket, data: bytes, where: tuple[str, int]) -> None:
    """Send a packet, or lose it where there is no way: that is what is measured."""
    try:
        opened.sendto(data, where)
    except OSError:
        return


def leave_by(opened: socket.socket, device: str) -> None:
    """Bind a socket to a device, which may be another one of the same name than before; one that is not there is none."""
    if device:
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        except OSError:
            return


def _raw(pid: int, kind: int) -> socket.socket:
    opened = namespace.inside(pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    opened.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << kind) & 0xFFFFFFFF))
    return prepare(opened)


def _echo_request(identity: int, body: bytes) -> bytes:
    head = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identity, 0)
    total = sum(struct.unpack(f"!{(len(head) + len(body)) // 2}H", head + body))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF, identity, 0) + body
