"""Who may speak to serverd: logins, the sessions they open, and the one session that may change the configuration."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from lab.appliance.serverd.replies import PRIVILEGE, TAKEN, Refusal, Reply

LEVELS = (
    "modify", "mon_write", "base", "contentfilter", "log", "filter", "vpn", "log_read", "pki", "object", "user", "admin",
    "network", "route", "maintenance", "asq", "pvm", "vpn_read", "filter_read", "globalobject", "globalfilter",
)  # fmt: skip
"""The privileges of ``admin``, as old firmware names them."""

MOST_SESSIONS = 16


@dataclass(frozen=True, slots=True)
class Guard:
    """``webadmin``'s protection against guessing: so many failures within a time ban an address for a time (seconds)."""

    enabled: bool = True
    attempts: int = 3
    within: float = 60.0
    banned: float = 60.0


@dataclass(slots=True)
class Session:
    """One client's session. ``level`` are its privileges now: ``modify`` comes and goes."""

    number: int
    user: str
    cookie: str
    client: IPv4Address
    level: frozenset[str]
    heard: float
    download: bytes | None = None
    upload: Callable[[bytes], Reply] | None = None
    joining: tuple[IPv4Address, str] | None = None  # the cluster that is to be joined, and its password

    @property
    def shown_level(self) -> str:
        """Its privileges as the protocol writes them."""
        return ",".join(level for level in LEVELS if level in self.level)

    def need(self, level: str) -> None:
        """Raise Refusal when the session may not do what needs this privilege."""
        if level not in self.level:
            hint = ": take it with MODIFY ON, or MODIFY ON FORCE from whoever has it" if level == "modify" else ""
            raise Refusal(f"Not enough privilege ({level}){hint}", 205, PRIVILEGE)


@dataclass(slots=True)
class Sessions:
    """All logins and sessions of one appliance. Safe to use from several threads; times are of ``clock``, in seconds."""

    clock: Callable[[], float] = time.monotonic
    guard: Guard = Guard()
    idle: float = 300.0
    _logins: dict[str, str] = field(default_factory=dict)  # cookie -> user
    _sessions: dict[int, Session] = field(default_factory=dict)
    _failures: dict[IPv4Address, list[float]] = field(default_factory=dict)
    _banned: dict[IPv4Address, float] = field(default_factory=dict)
    _next: int = 1
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def banned_for(self, client: IPv4Address) -> int:
        """For how many seconds more an address may not try; 0 when it may."""
        with self._lock:
            left = self._banned.get(client, 0.0) - self.clock()
        return max(0, round(left + 0.5)) if left > 0 and self.guard.enabled else 0

    def failed(self, client: IPv4Address) -> None:
        """An address gave a wrong password."""
        with self._lock:
            now = self.clock()
            recent = [at for at in self._failures.get(client, ()) if now - at < self.guard.within]
            self._failures[client] = [*recent, now]
            if len(recent) + 1 >= self.guard.attempts:
                self._banned[client] = now + self.guard.banned
                del self._failures[client]

    def logged_in(self, client: IPv4Address, user: str) -> str:
        """The cookie of a login that succeeded."""
        with self._lock:
            self._failures.pop(client, None)
            cookie = secrets.token_urlsafe(24)
            self._logins[cookie] = user
            return cookie

    def open(self, cookie: str, client: IPv4Address, wanted: Iterable[str] = ()) -> Session | None:
        """A session for a login; None without one. It may modify when nobody else does, and it asked for no less."""
        with self._lock:
            user = next((user for known, user in self._logins.items() if hmac.compare_digest(known, cookie)), None)
            if user is None:
                return None
            self._forget_idle()
            if len(self._sessions) >= MOST_SESSIONS:
                raise Refusal("Maximum number of authentication user reached for that level", 204, TAKEN)
            asked = frozenset(wanted) & frozenset(LEVELS) or frozenset(LEVELS)
            level = asked | {"base"} if self.modifier is None else (asked | {"base"}) - {"modify"}
            session = Session(self._next, user, cookie, client, level, self.clock())
            self._sessions[session.number] = session
            self._next += 1
            return session

    def find(self, number: str, cookie: str) -> Session | None:
        """The session of this number, for the bearer of its cookie. Raises TimeoutError when it was idle for too long."""
        with self._lock:
            session = self._sessions.get(int(number)) if number.isascii() and number.isdecimal() else None
            if session is None or not hmac.compare_digest(session.cookie, cookie):
                return None
            if self.clock() - session.heard > self.idle:
                self.close(session)
                raise TimeoutError
            session.heard = self.clock()
            return session

    def close(self, session: Session) -> None:
        """End a session and its login."""
        with self._lock:
            self._sessions.pop(session.number, None)
            self._logins.pop(session.cookie, None)

    @property
    def modifier(self) -> Session | None:
        """The session that may modify."""
        return next((one for one in self.all() if "modify" in one.level), None)

    def take_modify(self, session: Session, *, force: bool) -> None:
        """Give a session the privilege to modify. Raises Refusal when another one has it and ``force`` is not given."""
        with self._lock:
            self._forget_idle()
            other = self.modifier
            if other is session:
                return
            if other is not None:
                if not force:
                    who = f"{other.user} from {other.client} (session {other.number})"
                    raise Refusal(f"Maximum number of authentication user reached for that level: {who} has it", 204, TAKEN)
                other.level -= {"modify"}
            session.level |= {"modify"}

    def give_modify(self, session: Session) -> None:
        """A session gives the privilege back."""
        with self._lock:
            session.level -= {"modify"}

    def all(self) -> tuple[Session, ...]:
        """The open sessions, oldest first."""
        with self._lock:
            return tuple(self._sessions.values())

    def _forget_idle(self) -> None:
        for session in self.all():
            if self.clock() - session.heard > self.idle:
                self.close(session)
