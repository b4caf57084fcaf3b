"""Waiting without sleeping for a fixed time: look first, then look again, until it is so or the time is up.

peers = eventually(appliance.security_associations, until=len, within=3, phase="the tunnel")
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Generic, Protocol, TypeVar

from steps.verdict import Prediction, Refuted

T = TypeVar("T")

SHORTEST_PAUSE = 0.005
"""Seconds between two looks at least."""
LONGEST_PAUSE = 0.050
"""Seconds between two looks at the most: no wait is reported more than this too long."""
PRECISION = 0.05
"""Of the time that a wait has lasted: by so much it may be too long, and who waits for long looks seldom."""
REST = 4
"""Times what a look took: looking is not to be the load that keeps what is waited for from coming."""


class Clock(Protocol):
    """Time as ``eventually`` needs it; tests bring their own."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


@dataclass(slots=True)
class Limit:
    """How long waits may last at the most, whatever they ask for, and the longest that there was (s).

    Scenarios that are run again and again on what is known to work wait no longer than a few times what they took then.
    """

    at_most: float = inf
    longest: float = 0.0

    def of(self, within: float) -> float:
        """The time for a wait that asks for this much."""
        return min(within, self.at_most)

    def took(self, seconds: float) -> None:
        """A wait lasted so long."""
        self.longest = max(self.longest, seconds)


LIMIT = Limit()
"""Of all waits of this process; nothing limits them unless somebody says so."""


@dataclass(frozen=True, slots=True)
class Sighting(Generic[T]):
    """The last look: what was seen, whether it satisfied, after how many looks and seconds."""

    seen: T
    satisfied: bool
    attempts: int
    seconds: float


def watch(
    observe: Callable[[], T], *, until: Callable[[T], object] = bool, within: float, clock: Clock = SYSTEM_CLOCK
) -> Sighting[T]:
    """Look until ``until`` holds of what is seen, for at most ``within`` seconds; the last look is at the deadline.

    What ``observe`` raises is not caught: an observation that may fail says so in what it returns.
    """
    within, begun, attempts = LIMIT.of(within), clock.now(), 0
    while True:
        asked = clock.now()
        seen = observe()
        attempts += 1
        satisfied = bool(until(seen))
        looked = clock.now()
        elapsed = looked - begun
        # A look that began before the deadline is not the last one: it may have been slow, and seen the past.
        if satisfied or asked - begun >= within:
            LIMIT.took(elapsed)
            return Sighting(seen, satisfied, attempts, elapsed)
        pause = min(max(SHORTEST_PAUSE, PRECISION * elapsed, REST * (looked - asked)), LONGEST_PAUSE)
        clock.pause(max(0.0, min(pause, within - elapsed)))


def eventually(
    observe: Callable[[], T],
    *,
    within: float,
    phase: str,
    until: Callable[[T], object] = bool,
    expected: object = "",
    prediction: Prediction | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> T:
    """What was seen once ``until`` held of it (by default: once it is true or not empty).

    ``within`` is in seconds. Raises Refuted naming ``phase``, the thing waited for, and the last thing seen.
    """
    sighting = watch(observe, until=until, within=within, clock=clock)
    if sighting.satisfied:
        return sighting.seen
    raise late(sighting, within=within, phase=phase, expected=expected, prediction=prediction)


def late(
    sighting: Sighting[T], *, within: float, phase: str, expected: object = "", prediction: Prediction | None = None
) -> Refuted:
    """The refutation that says what was late, and what was last seen of it."""
    looks = "1 look" if sighting.attempts == 1 else f"{sighting.attempts} looks"
    return Refuted(
        expected=f"{expected or phase} within {within:g} s",
        observed=f"{sighting.seen!r} after {sighting.seconds:.2f} s and {looks}",
        prediction=prediction,
        phase=phase,
    )
