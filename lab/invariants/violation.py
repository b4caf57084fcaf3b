"""What an invariant says: that it was broken, that it held, or that for some of the time nobody can tell."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What became of an invariant during a watch."""

    HELD = "held"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True)
class Violation:
    """An invariant that did not hold. Times are in seconds of the monotonic clock.

    ``lasted`` is for how long, ``bound`` for how long it may (0: never). ``excuse`` is why it proves nothing against the
    pair: the machine itself stood still meanwhile; empty when there is none.
    """

    invariant: str
    bound: float
    began: float
    lasted: float
    members: tuple[str, ...]
    what: str
    evidence: tuple[str, ...] = ()
    excuse: str = ""

    def __str__(self) -> str:
        at = time.time() - time.monotonic() + self.began
        moment = f"{time.strftime('%H:%M:%S', time.localtime(at))}.{at % 1 * 1000:03.0f}"
        bound = f"at most {self.bound * 1000:.0f} ms" if self.bound else "never"
        lines = [f"{self.invariant}: {self.what} (at {moment}; allowed: {bound})", *self.evidence]
        return "\n    ".join([*lines, f"inconclusive: {self.excuse}"] if self.excuse else lines)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time (monotonic s) when something was not observed, and why."""

    began: float
    ended: float
    why: str

    @property
    def seconds(self) -> float:
        """How long."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant over one watch of ``seconds``. ``unobserved`` are the stretches that its verdict says nothing about.

    One that is looked at only at certain moments has the number of ``looks``.
    """

    site: str
    name: str
    seconds: float
    violations: tuple[Violation, ...] = ()
    unobserved: tuple[Stretch, ...] = ()
    looks: int | None = None

    @property
    def verdict(self) -> Verdict:
        """Broken by one violation without excuse; held only when it was seen, and seen all the time."""
        if any(not violation.excuse for violation in self.violations):
            return Verdict.BROKEN
        unsure = self.violations or self.unobserved or self.looks == 0
        return Verdict.INCONCLUSIVE if unsure else Verdict.HELD

    def __str__(self) -> str:
        over = f"over {self.seconds:.1f} s" if self.looks is None else f"in {self.looks} looks"
        unseen = sum(stretch.seconds for stretch in self.unobserved)
        missing = f", {unseen:.2f} s of them unobserved ({self.unobserved[0].why})" if self.unobserved else ""
        return f"{self.site}: {self.name}: {self.verdict.value} {over}{missing}"
