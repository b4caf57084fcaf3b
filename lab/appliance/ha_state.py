"""Who of the two members forwards: the election, as a machine that only looks at what it is told and at the time it is given.

The order is the product's (sns.md 6): forced mode, then quality, then priority; between equals the active one stays.
What the product does when only the HA link is cut is not known; here a member takes over only when its peer is silent on the
HA link *and* on every data segment, so that a cut link alone never makes two active members.
Who works and hears nothing at all on the data networks, though it asks its neighbours, is deaf: it gives way.

All times are seconds of one monotonic clock that the caller reads; nothing here sleeps, sends or opens a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from lab.appliance.ha_timers import Timers

_NEVER = float("-inf")


class Mode(Enum):
    """What a member does. Only an ACTIVE one lets packets through."""

    STARTING = "starting"
    PASSIVE = "passive"
    ACTIVE = "active"
    YIELDING = "yielding"  # gate already closed, waiting for the peer to be active


class Forced(Enum):
    """The administrator's word, which comes before everything else."""

    NONE = "none"
    ACTIVE = "active"
    PASSIVE = "passive"


class Cause(Enum):
    """Why a mode changed, in the words of the event log."""

    BOOT = "the agent starts"
    PEER_ACTIVE = "the peer is active"
    ELECTED = "elected: neither was active"
    LOST_ELECTION = "the peer is elected"
    PEER_ABSENT = "no peer was heard at start"
    PEER_SILENT = "the peer is silent on the HA link and on every data segment"
    PEER_YIELDED = "the peer hands over"
    BETTER_QUALITY = "the peer's quality is better"
    BETTER_PRIORITY = "the peer's priority is higher"
    FORCED = "forced by the administrator"
    SWITCHED = "switch asked by the administrator"
    HANDED_OVER = "the peer took over"
    NOT_TAKEN = "the peer did not take over"
    TWO_ACTIVE = "both were active and the peer comes first"
    KEPT = "both were active and the peer gave way"
    STALLED = "the agent stood still for longer than its lease"
    DEAF = "nothing comes in on any data network, though the neighbours are asked"


_FORCE_RANK = {Forced.PASSIVE: 0, Forced.NONE: 1, Forced.ACTIVE: 2}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member brings to the election. ``quality`` is in percent (see :func:`quality`)."""

    serial: str
    priority: int
    quality: int
    forced: Forced = Forced.NONE

    @property
    def rank(self) -> tuple[int, int, int]:
        """Compared first to last; the higher comes first."""
        return _FORCE_RANK[self.forced], self.quality, self.priority

    def precedes(self, other: Standing) -> bool:
        """Whether this member wins when neither has the advantage of being active; the lower serial breaks a tie."""
        return self.rank > other.rank or (self.rank == other.rank and self.serial < other.serial)


@dataclass(frozen=True, slots=True)
class Report:
    """What a member says of itself, in every heartbeat and beacon.

    ``boot`` (wall clock, nanoseconds) and ``sequence`` order the reports of one member. ``hears`` tells whether it hears its
    peer by any way. ``digest`` is the hash of its configuration; the last two times are seconds since 1970, 0 for never.
    """

    standing: Standing
    mode: Mode
    hears: bool
    boot: int = 0
    sequence: int = 0
    digest: bytes = bytes(16)
    last_sync: int = 0
    last_change: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of mode (or ACTIVE to ACTIVE, when a conflict was won), with its cause and what was measured."""

    before: Mode
    after: Mode
    cause: Cause
    detail: str = ""


class CannotSwitch(Exception):
    """The active role cannot be handed over now; the message says why and what to do."""


@dataclass(slots=True)
class Member:
    """One member of the pair. Every ``hear``, ``stand`` and ``tick`` may return the transition that it caused."""

    standing: Standing
    timers: Timers
    now: float
    first: bool = True  # of the two, the one that does not wait longer when both start without hearing each other
    mode: Mode = Mode.STARTING
    cause: Cause = Cause.BOOT
    since: float = field(init=False)
    asks: bool = False  # whether it knows neighbours on the data networks that would answer
    peer: Report | None = None
    heard_link: float = _NEVER
    heard_segments: dict[str, float] = field(default_factory=dict)
    sensed: float = field(init=False)  # when anything last came in on a data network
    deaf: bool = False
    _ticked: float = field(init=False)
    _conflict_since: float | None = None
    _unled_since: float | None = None
    _outranked_since: float | None = None
    _worsened: bool = False
    _yield_after: float = _NEVER
    _hears_again: float = _NEVER

    def __post_init__(self) -> None:
        self.since = self._ticked = self.sensed = self.now

    # What it hears ----------------------------------------------------------------------------------------------

    def hear(self, report: Report, now: float, segment: str | None = None) -> Transition | None:
        """The peer's report arrived, on the HA link or (``segment`` given) as a beacon on a data segment."""
        if segment is None:
            self.heard_link = now
        else:
            self.heard_segments[segment] = now
        if self.peer is None or (report.boot, report.sequence) >= (self.peer.boot, self.peer.sequence):
            self.peer = report
        return self._judge(now)

    def sense(self, now: float) -> Transition | None:
        """A frame came in on a data network, of whomever: this member is not deaf."""
        self._wake(now)
        if self.deaf:
            self.deaf, self._hears_again = False, now
        self.sensed = now
        return self._judge(now)

    def tick(self, now: float) -> Transition | None:
        """Time passed. What was heard meanwhile must have been passed to ``hear`` before."""
        self._wake(now)
        return self._judge(now)

    def _wake(self, now: float) -> None:
        """Silence counts only while we ourselves were running: on a loaded machine the peer is not dead because we slept."""
        asleep = now - self._ticked - 2 * self.timers.heartbeat
        self._ticked = now
        if asleep <= 0:
            return
        self.heard_link = min(now, self.heard_link + asleep)
        self.sensed = min(now, self.sensed + asleep)
        for segment in self.heard_segments:
            self.heard_segments[segment] = min(now, self.heard_segments[segment] + asleep)

    # What is done to it -----------------------------------------------------------------------------------------

    def stand(self, standing: Standing, now: float) -> Transition | None:
        """Our own quality, priority or forced mode changed."""
        self._worsened = self._worsened or standing.rank < self.standing.rank
        self.standing = standing
        return self._judge(now)

    def stalled(self, now: float) -> Transition | None:
        """The agent did not run for longer than the lease: the gate has shut by itself, and the peer may be active."""
        if self.mode is not Mode.ACTIVE:
            return None
        return self._become(Mode.PASSIVE, Cause.STALLED, now)

    def switch(self, now: float) -> Transition:
        """Hand the active role over. Raises CannotSwitch when there is nobody who would keep it."""
        peer = self._peer_on_link(now)
        if self.mode is not Mode.ACTIVE:
            raise CannotSwitch(f"this member is {self.mode.value}: only the active one hands over (do it on the peer)")
        if peer is None:
            raise CannotSwitch("the peer does not answer on the HA link")
        if peer.mode is not Mode.PASSIVE:
            raise CannotSwitch(f"the peer is {peer.mode.value}, not passive")
        if peer.standing.rank < self.standing.rank:
            raise CannotSwitch(
                f"the peer comes after us in forced mode, quality or priority ({_describe(peer.standing)} against "
                f"{_describe(self.standing)}) and would hand back at once (use 'force')"
            )
        return self._become(Mode.YIELDING, Cause.SWITCHED, now)

    # What it says -----------------------------------------------------------------------------------------------

    def report(self, now: float) -> Report:
        """What goes out next; the caller fills in order, digest and times."""
        return Report(replace(self.standing, quality=0) if self.deaf else self.standing, self.mode, self.hears(now))

    def hears(self, now: float) -> bool:
        """Whether the peer is heard by any way."""
        return self.link_alive(now) or bool(self.segments_alive(now))

    def link_alive(self, now: float) -> bool:
        """Whether the peer is heard on the HA link."""
        return now - self.heard_link < self.timers.dead

    def segments_alive(self, now: float) -> tuple[str, ...]:
        """The data segments where the peer's beacons are heard."""
        return tuple(name for name, at in self.heard_segments.items() if now - at < self.timers.dead)

    # What follows -----------------------------------------------------------------------------------------------

    def _judge(self, now: float) -> Transition | None:
        match self.mode:
            case Mode.STARTING:
                return self._starting(now)
            case Mode.PASSIVE:
                return self._passive(now)
            case Mode.ACTIVE:
                return self._active(now)
            case Mode.YIELDING:
                return self._yielding(now)

    def _starting(self, now: float) -> Transition | None:
        peer = self._peer_on_link(now)
        if peer is not None:
            if peer.mode in (Mode.ACTIVE, Mode.YIELDING):
                return self._become(Mode.PASSIVE, Cause.PEER_ACTIVE, now)
            if self._may_lead() and self.standing.precedes(peer.standing):
                return self._become(Mode.ACTIVE, Cause.ELECTED, now)
            return self._become(Mode.PASSIVE, Cause.LOST_ELECTION, now)
        if self.segments_alive(now):
            return self._become(Mode.PASSIVE, Cause.PEER_ACTIVE, now, "seen on a data segment; the HA link is silent")
        wait = self.timers.start + (0.0 if self.first else self.timers.dead)
        if now - self.since >= wait and self._may_lead():
            return self._become(Mode.ACTIVE, Cause.PEER_ABSENT, now, f"waited {_milliseconds(now - self.since)}")
        return None

    def _passive(self, now: float) -> Transition | None:
        peer = self._peer_on_link(now)
        if peer is None or peer.mode is Mode.ACTIVE:
            self._unled_since = None
        if not self._may_lead():
            return None
        if peer is not None:
            return self._passive_beside(peer, now)
        if self.segments_alive(now) or self.standing.quality == 0 or now - self._hears_again < self.timers.dead:
            return None
        silent = now - max(self.heard_link, *self.heard_segments.values(), self.since - self.timers.dead)
        return self._become(Mode.ACTIVE, Cause.PEER_SILENT, now, f"silent for {_milliseconds(silent)}")

    def _passive_beside(self, peer: Report, now: float) -> Transition | None:
        """The peer lives. While it is active we never push; we follow when it yields, or lead when nobody does."""
        if peer.mode is Mode.YIELDING:
            return self._become(Mode.ACTIVE, Cause.PEER_YIELDED, now)
        if peer.mode is Mode.ACTIVE or not self.standing.precedes(peer.standing):
            return None
        if self._unled_since is None:
            self._unled_since = now
        if now - self._unled_since < 2 * self.timers.heartbeat:
            return None
        return self._become(Mode.ACTIVE, Cause.ELECTED, now)

    def _active(self, now: float) -> Transition | None:
        if self._hears_nobody(now):
            self.deaf = True
            return self._become(Mode.PASSIVE, Cause.DEAF, now, f"for {_milliseconds(now - self.sensed)}")
        peer = self.peer if self.hears(now) else None
        if peer is not None and peer.mode is Mode.ACTIVE:
            return self._conflict(peer, now)
        if self._conflict_since is not None:
            lasted = _milliseconds(now - self._conflict_since)
            self._conflict_since = None
            return self._become(Mode.ACTIVE, Cause.KEPT, now, f"both active for {lasted}")
        cause = self._reason_to_yield(now)
        return None if cause is None else self._become(Mode.YIELDING, cause, now)

    def _hears_nobody(self, now: float) -> bool:
        """Whether it should give way for being deaf: not to a peer that is no better, nor when its cables are pulled."""
        peer = self._peer_on_link(now)
        in_vain = self.asks and now - self.sensed >= self.timers.deaf
        better = peer is None or peer.standing.quality > 0
        return in_vain and better and self.standing.quality > 0 and self.standing.forced is not Forced.ACTIVE

    def _conflict(self, peer: Report, now: float) -> Transition | None:
        """Both are active. The order decides at once; but who cannot be heard by a deaf peer must give way in the end."""
        if self._conflict_since is None:
            self._conflict_since = now
        if peer.standing.precedes(self.standing):
            return self._become(Mode.PASSIVE, Cause.TWO_ACTIVE, now, _describe(peer.standing))
        if not peer.hears and now - self._conflict_since >= self.timers.dead:
            return self._become(Mode.PASSIVE, Cause.TWO_ACTIVE, now, "the peer does not hear us and will not give way")
        return None

    def _reason_to_yield(self, now: float) -> Cause | None:
        peer = self._peer_on_link(now)
        ours = self.standing
        if peer is None or peer.mode is not Mode.PASSIVE or not peer.hears or peer.standing.rank <= ours.rank:
            self._outranked_since = None
            self._worsened = False
            return None
        if self._outranked_since is None:
            self._outranked_since = now
        theirs = peer.standing
        forced = theirs.forced is not ours.forced
        urgent = self._worsened or forced
        if now < self._yield_after or (not urgent and now - self._outranked_since < self.timers.settle):
            return None
        if forced:
            return Cause.FORCED
        return Cause.BETTER_QUALITY if theirs.quality > ours.quality else Cause.BETTER_PRIORITY

    def _yielding(self, now: float) -> Transition | None:
        peer = self._peer_on_link(now)
        if peer is not None and peer.mode is Mode.ACTIVE:
            return self._become(Mode.PASSIVE, Cause.HANDED_OVER, now, f"after {_milliseconds(now - self.since)}")
        if now - self.since < self.timers.patience:
            return None
        self._yield_after = now + self.timers.settle
        return self._become(Mode.ACTIVE, Cause.NOT_TAKEN, now, f"waited {_milliseconds(now - self.since)}")

    def _may_lead(self) -> bool:
        """A member forced passive stays so, whatever happens to its peer; a deaf one until something comes in."""
        return self.standing.forced is not Forced.PASSIVE and not self.deaf

    def _peer_on_link(self, now: float) -> Report | None:
        return self.peer if self.link_alive(now) else None

    def _become(self, mode: Mode, cause: Cause, now: float, detail: str = "") -> Transition:
        transition = Transition(self.mode, mode, cause, detail)
        self._conflict_since = self._unled_since = self._outranked_since = None
        self._worsened = False
        self.mode, self.cause, self.since = mode, cause, now
        if mode is Mode.ACTIVE:
            self.sensed = now  # a passive member asks nobody
        if mode is Mode.ACTIVE and self.peer is not None and self.peer.mode is Mode.YIELDING:
            # What it said was for us and is done; its next word will be passive.
            self.peer = replace(self.peer, mode=Mode.PASSIVE)
        return transition


def quality(carriers: Mapping[str, bool], weights: Mapping[str, int]) -> int:
    """Percent of the data links that carry, weighted; 100 when there is nothing to weigh. A weight not given is 100."""
    total = sum(weights.get(name, 100) for name in carriers)
    if total == 0:
        return 100
    alive = sum(weights.get(name, 100) for name, carrier in carriers.items() if carrier)
    return round(100 * alive / total)


def _describe(standing: Standing) -> str:
    forced = "" if standing.forced is Forced.NONE else f"forced {standing.forced.value}, "
    return f"{forced}quality {standing.quality} %, priority {standing.priority}, serial {standing.serial}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
