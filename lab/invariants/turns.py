"""Two who should take turns and speak at once instead: from what each said, with nothing but the times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.invariants.violation import Violation
from lab.invariants.wires import Said

Left = Callable[[str, float, float], bool]
"""Whether a host left between two moments, and came back: by its own word."""


@dataclass(slots=True)
class Presence:
    """A speaker who went on without a longer pause, from its first frame to its last."""

    first: Said
    last: Said


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two who were present at once: the later of their beginnings to the earlier of their ends. Monotonic s."""

    began: float
    ended: float
    before: Presence  # who was there first
    newcomer: Presence

    @property
    def seconds(self) -> float:
        """How long both went on."""
        return self.ended - self.began


@dataclass(slots=True)
class Overlaps:
    """Follows speakers through frames given in the order of their times.

    A pause of more than ``apart`` seconds ends a presence, and so does one in which the speaker ``left``: two quick changes
    of turn are so told from two who speak at once.
    """

    apart: float
    left: Left
    _present: dict[str, Presence] = field(default_factory=dict)

    def take(self, said: Said) -> Overlap | None:
        """The longest overlap that the speaker of this frame is in now, as far as it is certain."""
        mine = self._present.get(said.host)
        if mine is None or said.at - mine.last.at > self.apart or self.left(said.host, mine.last.at, said.at):
            mine = self._present[said.host] = Presence(said, said)
        else:
            mine.last = said
        found = [_overlap(mine, other) for host, other in self._present.items() if host != said.host]
        return max((one for one in found if one.seconds > 0), key=lambda one: one.seconds, default=None)


def _overlap(mine: Presence, other: Presence) -> Overlap:
    before, newcomer = sorted((mine, other), key=lambda one: one.first.at)
    return Overlap(newcomer.first.at, min(mine.last.at, other.last.at), before, newcomer)


class Turns:
    """An invariant: what ``speaking`` names is done by one at a time. ``bound`` gives the bound (s) at a moment."""

    def __init__(self, name: str, speaking: str, overlaps: Overlaps, bound: Callable[[float], float]) -> None:
        self.name = name
        self.violations: list[Violation] = []
        self._speaking = speaking
        self._overlaps = overlaps
        self._bound = bound
        self._known: dict[tuple[int, int], Violation] = {}

    def take(self, said: Said) -> None:
        """One frame more."""
        found = self._overlaps.take(said)
        if found is None or found.seconds <= (bound := self._bound(found.began)):
            return
        key = id(found.before), id(found.newcomer)
        if key not in self._known:
            members = (found.before.first.host, found.newcomer.first.host)
            evidence = (f"the newcomer's first: {found.newcomer.first}", f"the other's last so far: {found.before.last}")
            self._known[key] = Violation(self.name, bound, found.began, found.seconds, members, "", evidence)
            self.violations.append(self._known[key])
        known = self._known[key]
        known.lasted = found.seconds
        known.what = f"{' and '.join(known.members)} both {self._speaking} for {known.lasted * 1000:.0f} ms"
