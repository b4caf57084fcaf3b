"""Flows that go on while something happens to the network: numbered pings, and numbered requests on one TCP session.

One thread of ours drives all of them; their sockets are the hosts' own. Each flow sends something every
:data:`INTERVAL` and notes when each answer came, so that the longest silence is known to about that interval.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING

from lab.probe import echo_request

if TYPE_CHECKING:
    from lab.host import LabHost

INTERVAL = 0.010  # s between two pings or requests: outages are measured to this
CONNECTS_WITHIN = 3.0  # s
_STATUS = b"HTTP/1.1 2"  # how each answer to a request begins


class Flow:
    """One flow. ``sent`` counts what was sent, ``arrivals`` are the times of the answers, on the monotonic clock.

    ``broken`` says why the session ended before its time; empty while it goes on. Pings have none to lose.
    """

    def __init__(self, name: str, opened: socket.socket) -> None:
        self.name = name
        self.socket = opened
        self.sent = 0
        self.arrivals: list[float] = []
        self.broken = ""
        self.begun = self.ended = time.monotonic()

    @property
    def longest_silence(self) -> float:
        """Seconds between two answers in a row, the flow's own start and end included."""
        return max(later - earlier for earlier, later in pairwise([self.begun, *self.arrivals, self.ended]))

    def answers_since(self, moment: float) -> int:
        """How many answers came after a moment of the monotonic clock."""
        return sum(1 for arrival in reversed(self.arrivals) if arrival > moment)

    def send(self) -> None:
        """Send the next of its packets or requests."""
        raise NotImplementedError

    def receive(self) -> None:
        """Take what has come."""
        raise NotImplementedError


class Pings(Flow):
    """Echo requests to an address, numbered."""

    def __init__(self, name: str, host: LabHost, address: IPv4Address) -> None:
        super().__init__(name, host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        self.address = address
        self._identity: int = struct.unpack("!H", os.urandom(2))[0]

    def send(self) -> None:
        """An echo request; one that finds no route is sent for nothing."""
        number, self.sent = self.sent, self.sent + 1
        try:
            self.socket.sendto(echo_request(self._identity, number & 0xFFFF), (str(self.address), 0))
        except OSError:
            return

    def receive(self) -> None:
        """An ICMP packet of the host; counted when it answers one of ours."""
        data = self.socket.recv(65535)
        body = data[(data[0] & 15) * 4 :]
        if body[0] == 0 and int.from_bytes(body[4:6], "big") == self._identity:
            self.arrivals.append(time.monotonic())


class Requests(Flow):
    """HTTP requests on one TCP session that is never closed; ``request`` makes the one of a number.

    Raises OSError when the session cannot be opened.
    """

    def __init__(self, name: str, host: LabHost, address: IPv4Address, port: int, request: Callable[[int], bytes]) -> None:
        super().__init__(name, host.socket())
        self._request = request
        self._waiting = b""
        self._tail = b""
        self.socket.settimeout(CONNECTS_WITHIN)
        self.socket.connect((str(address), port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def send(self) -> None:
        """A request; what TCP does not take yet waits."""
        if self.broken:
            return
        self._waiting += self._request(self.sent)
        self.sent += 1
        try:
            self._waiting = self._waiting[self.socket.send(self._waiting) :]
        except BlockingIOError:
            return
        except OSError as why:
            self.broken = str(why)

    def receive(self) -> None:
        """Bytes of the session, in which answers are counted by their first line."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as why:
            self.broken = str(why)
            return
        if not data:
            self.broken = "closed by the other end"
            return
        text = self._tail + data
        self.arrivals += [time.monotonic()] * text.count(_STATUS)
        self._tail = text[-(len(_STATUS) - 1) :]


class Flows:
    """Flows that run side by side, from entering the context until :meth:`stop` or its end."""

    def __init__(self, flows: list[Flow]) -> None:
        self.flows = flows
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flows", daemon=True)

    def __enter__(self) -> Flows:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        for flow in self.flows:
            flow.socket.close()

    def stop(self) -> None:
        """End all flows; what they saw stays. Stopping twice is no error."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        for flow in self.flows:
            flow.begun = due
        while not self._over.is_set():
            now = time.monotonic()
            if now >= due:
                for flow in self.flows:
                    flow.send()
                due = max(due + INTERVAL, now)  # what a busy machine made late is not sent in a burst
            listening = {flow.socket: flow for flow in self.flows if not flow.broken}
            for ready in select.select(list(listening), [], [], max(0.0, due - time.monotonic()))[0]:
                listening[ready].receive()
        for flow in self.flows:
            flow.ended = time.monotonic()
