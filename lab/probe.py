"""Probes: packets and connections from a host, many at once, with an answer that tells silence from refusal.

All sockets are the host's own (opened in its namespace); one thread of ours drives them. A batch of refusals costs one
time-out, not one each.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lab import namespace

if TYPE_CHECKING:
    from lab.host import LabHost

SO_ERROR = socket.SO_ERROR


class Outcome(Enum):
    """What became of one probe."""

    ANSWERED = "answered"
    REFUSED = "refused"  # somebody said no: a reset, or an ICMP error
    SILENT = "silent"  # nothing came back in time
    UNSENT = "not sent"  # the host itself knew no way there: nobody was asked


# What a connection is told before it waits for anybody comes from the host's own kernel.
_AT_ONCE = {0: Outcome.ANSWERED, errno.ECONNREFUSED: Outcome.REFUSED}


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An address and a port."""

    address: IPv4Address
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Echoes:
    """The result of pings: how many were sent, and the round trips, in seconds, of those that were answered.

    The round trips are by the ping's number, in its order; the first is 1.
    """

    sent: int
    round_trips: Mapping[int, float]

    @property
    def answered(self) -> int:
        """How many came back."""
        return len(self.round_trips)

    @property
    def lost(self) -> int:
        """How many did not."""
        return self.sent - len(self.round_trips)


@runtime_checkable
class Elsewhere(Protocol):
    """A host whose network namespace is out of our reach, and which probes by programs of its own."""

    def connections(self, targets: Sequence[Target], within: float) -> dict[Target, Outcome]:
        """What :func:`connect` returns."""

    def echoes(self, address: IPv4Address, count: int, interval: float, within: float) -> Echoes:
        """What :func:`ping` returns."""


def connect(host: LabHost | Elsewhere, targets: Iterable[Target], *, within: float = 1.0) -> dict[Target, Outcome]:
    """Open TCP connections to all targets at once. ``within`` (s) is the time-out of the whole batch."""
    if isinstance(host, Elsewhere):
        return host.connections(list(dict.fromkeys(targets)), within)
    pending: dict[int, tuple[socket.socket, Target]] = {}
    outcomes: dict[Target, Outcome] = {}
    wanted = list(dict.fromkeys(targets))
    sockets = namespace.inside(host.pid, lambda: [socket.socket() for _ in wanted])
    poller = select.poll()
    try:
        for opened, target in zip(sockets, wanted, strict=True):
            opened.setblocking(False)
            # A reset on close frees the far end (and the firewall's table) at once.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            status = opened.connect_ex((str(target.address), target.port))
            if status == errno.EINPROGRESS:
                pending[opened.fileno()] = (opened, target)
                poller.register(opened, select.POLLOUT)
            else:
                outcomes[target] = _AT_ONCE.get(status, Outcome.UNSENT)
        deadline = time.monotonic() + within
        while pending and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poller.poll(left * 1000):
                opened, target = pending.pop(descriptor)
                poller.unregister(descriptor)
                outcomes[target] = _connected(opened)
    finally:
        for opened in sockets:
            opened.close()
    return {target: outcomes.get(target, Outcome.SILENT) for target in wanted}


def reached(host: LabHost | Elsewhere, target: Target, *, within: float = 1.0) -> bool:
    """Whether a TCP connection to a target is opened within so many seconds."""
    return connect(host, [target], within=within)[target] is Outcome.ANSWERED


def _connected(opened: socket.socket) -> Outcome:
    status = opened.getsockopt(socket.SOL_SOCKET, SO_ERROR)
    if status == 0:
        return Outcome.ANSWERED
    return Outcome.SILENT if status == errno.ETIMEDOUT else Outcome.REFUSED


def ping(
    host: LabHost | Elsewhere,
    address: IPv4Address,
    *,
    count: int = 3,
    interval: float = 0.02,
    within: float = 1.0,
    goes_on: Callable[[int], bool] = lambda _: True,
) -> Echoes:
    """Send ``count`` pings ``interval`` seconds apart; wait up to ``within`` seconds for the last answer.

    One for which there is no way counts as sent, and as lost; when there was none for any, no answer is waited for.
    ``goes_on`` is asked again and again, with how many were answered so far, and may end it before ``count``; not elsewhere.
    """
    if isinstance(host, Elsewhere):
        return host.echoes(address, count, interval, within)
    opened = host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    opened.setsockopt(socket.SOL_SOCKET, namespace.SO_RCVBUFFORCE, 1 << 20)
    identity = struct.unpack("!H", os.urandom(2))[0]
    sent_at: dict[int, float] = {}
    left_us = False
    trips: dict[int, float] = {}
    with opened:
        opened.setblocking(False)
        start = time.monotonic()
        while len(trips) < count:
            if len(sent_at) < count and not goes_on(len(trips)):
                count = len(sent_at)
                continue
            now = time.monotonic()
            due = start + len(sent_at) * interval
            if len(sent_at) < count and now >= due:
                with suppress(OSError):  # no route
                    opened.sendto(echo_request(identity, len(sent_at)), (str(address), 0))
                    left_us = True
                sent_at[len(sent_at)] = now
                continue
            limit = due if len(sent_at) < count else sent_at[count - 1] + (within if left_us else 0.0)
            if (left := limit - now) <= 0:
                break
            if select.select([opened], [], [], left)[0]:
                data = opened.recv(65535)
                body = data[(data[0] & 15) * 4 :]
                kind, _, _, got, sequence = struct.unpack("!BBHHH", body[:8])
                if kind == 0 and got == identity and sequence in sent_at:
                    trips.setdefault(sequence, time.monotonic() - sent_at[sequence])
    return Echoes(len(sent_at), {sequence + 1: trips[sequence] for sequence in sorted(trips)})


def echo_request(identity: int, sequence: int) -> bytes:
    """An ICMP echo request (RFC 792) with a word in it that captures are searched for."""
    body = struct.pack("!HH", identity, sequence) + b"rempart" * 8
    total = sum(struct.unpack(f"!{len(body) // 2}H", body)) + 0x0800
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBH", 8, 0, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + body


def inject(host: LabHost, nic: str, frames: Sequence[bytes]) -> None:
    """Send finished frames from an interface of a host, as they are."""
    with namespace.let_go_of(namespace.packet_socket(host.pid, nic)) as opened:
        for frame in frames:
            opened.send(frame)
