"""Planted sessions: of the established ones, only those that the policy allows go on, and none that it refuses comes back.

Every session talks to an echo server all along, in numbered messages. The product reassesses established connections when a
filter policy is applied, and on the passive member after a synchronisation (documentation.stormshield.eu, "asynchronous
reloading of filter rules": synchronous is the default).
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import TracebackType

from lab.host import LabHost
from lab.invariants.violation import Violation

GOES_ON = "a refused session goes on"
COMES_BACK = "a refused session comes back through failover"
ENDED = "an allowed session ended"
SPOKEN_EVERY = 0.05  # s between two messages of a session
ON_ITS_WAY = 0.5
"""Seconds after a policy was applied in which answers to what had passed before may still arrive."""
_LENGTH = 13  # bytes of a message: its number and a line feed


@dataclass(frozen=True, slots=True)
class Plan:
    """A session to be planted: from a host to the echo server of another.

    ``device`` is the one that it must leave by: the tunnel of a VPN user, who has another address after each connection.
    ``rebuilt``: what carries it is made anew by both ends, so that it goes on even when both members lost all they knew.
    """

    name: str
    host: LabHost
    kind: socket.SocketKind
    address: IPv4Address
    port: int
    device: str = ""
    rebuilt: bool = False


class Session:
    """One planted session. ``answered`` is when its last answer came; ``refused`` since when the policy refuses it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.number = 0
        self.answered = 0.0
        self.broken = ""
        self.refused: float | None = None
        self.late_answers: list[float] = []
        self._rest = b""
        self._socket = plan.host.socket(kind=plan.kind)
        self._socket.setblocking(False)
        if plan.kind is socket.SOCK_STREAM:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not plan.device:
            self._socket.connect_ex((str(plan.address), plan.port))

    def speak(self) -> None:
        """Send the next message; what TCP does not take now is not sent later."""
        if self.plan.device:
            self._speak_by_the_device()
            return
        try:
            self._socket.send(b"%012d\n" % self.number)
        except OSError as why:
            self._note(why)
        self.number += 1

    def _speak_by_the_device(self) -> None:
        """Not connected, and bound to the device each time: it may be another one by now."""
        with suppress(OSError):  # it is not there, or has no address yet
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.plan.device.encode())
            self._socket.sendto(b"%012d\n" % self.number, (str(self.plan.address), self.plan.port))
        self.number += 1

    def listen(self, not_before: float) -> None:
        """Take the answers that came; none of them came before ``not_before`` (monotonic s)."""
        while not self.broken:
            try:
                data = self._socket.recv(4096)
            except OSError as why:
                self._note(why)
                return
            self._take(data, not_before)

    def _take(self, data: bytes, at: float) -> None:
        if not data:
            self.broken = "closed by the other end"
            return
        self._rest += data
        if len(self._rest) >= _LENGTH:
            self._rest = self._rest[len(self._rest) // _LENGTH * _LENGTH :]
            self.answered = at
            if self.refused is not None and at > self.refused + ON_ITS_WAY:
                self.late_answers.append(at)

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _note(self, why: OSError) -> None:
        """Of a datagram an ICMP error says little; a session of TCP is over, unless it is only being opened."""
        opening = (errno.EAGAIN, errno.ENOTCONN, errno.EALREADY)
        if self.plan.kind is socket.SOCK_STREAM and why.errno not in opening:
            self.broken = self.broken or str(why)


class Sessions:
    """All planted sessions, kept talking by one thread from entering the context to its end."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sessions", daemon=True)

    def __enter__(self) -> Sessions:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self.end(list(self._sessions))

    def plant(self, plan: Plan) -> Session:
        """Open a session; it stands once it is ``answered``."""
        session = Session(plan)
        with self._lock:
            self._sessions.append(session)
        return session

    def end(self, sessions: Collection[Session]) -> None:
        """End these."""
        with self._lock:
            self._sessions = [session for session in self._sessions if session not in sessions]
        for session in sessions:
            session.close()

    def _run(self) -> None:
        earlier = time.monotonic()
        while not self._over.wait(SPOKEN_EVERY):
            with self._lock:
                for session in self._sessions:
                    session.listen(earlier)  # if we are late, it may have come just after we looked last
                    session.speak()
            earlier = time.monotonic()


def judge_refused(session: Session, taken_over: Callable[[float], float | None]) -> Violation | None:
    """Whether a session that the policy refuses was answered. ``taken_over`` tells the last takeover since a moment."""
    if session.refused is None or not session.late_answers:
        return None
    first, takeover = session.late_answers[0], taken_over(session.refused)
    back = takeover is not None and takeover < first
    since = f"{(first - session.refused) * 1000:.0f} ms after the policy that refuses it was applied"
    evidence = (f"the last takeover was {(first - takeover) * 1000:.0f} ms before",) if back and takeover else ()
    return Violation(
        COMES_BACK if back else GOES_ON,
        ON_ITS_WAY,
        first,
        session.late_answers[-1] - first,
        (session.plan.host.name,),
        f"{session.plan.name} was answered {len(session.late_answers)} times, first {since}",
        evidence,
    )


def judge_allowed(session: Session, since: float) -> Violation | None:
    """Whether a session that the policy allows is over: not answered since a moment (monotonic s)."""
    if session.answered > since and not session.broken:
        return None
    silent = time.monotonic() - session.answered if session.answered else 0.0
    what = f"{session.plan.name} is over: {session.broken or f'no answer for {silent:.1f} s'}"
    return Violation(ENDED, 0, session.answered or since, silent, (session.plan.host.name,), what)
