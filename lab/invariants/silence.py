"""The passive member never forwards, and says nothing on the data networks: by its own word it is passive, by the wire not."""

from __future__ import annotations

from collections.abc import Mapping

from lab.invariants.duty import Duty
from lab.invariants.violation import Violation
from lab.invariants.wires import Said

NAME = "the passive member speaks"
ON_ITS_WAY = 0.020
"""Seconds after a gate was shut in which a frame that had passed it may still be seen at the port."""
_SHOWN = 3  # frames of one rest that a message shows


class Silence:
    """Takes what the members send on their data ports; ``duties`` tell when each may not."""

    name = NAME

    def __init__(self, duties: Mapping[str, Duty]) -> None:
        self._duties = duties
        self.violations: list[Violation] = []
        self._frames: dict[int, int] = {}
        self._known: dict[int, Violation] = {}

    def take(self, said: Said) -> None:
        """One frame more."""
        rest = self._duties[said.host].resting(said.at, ON_ITS_WAY)
        if rest is None:
            return
        key = id(rest)
        if key not in self._known:
            self._known[key] = Violation(self.name, ON_ITS_WAY, said.at, 0, (said.host,), "")
            self.violations.append(self._known[key])
        known, count = self._known[key], self._frames.get(key, 0) + 1
        self._frames[key] = count
        known.lasted = said.at - rest.since
        known.what = f"{said.host} sent {count} frame{'s' * (count > 1)} while it may send none: {rest.why}"
        if count <= _SHOWN:
            known.evidence = (*known.evidence, f"{known.lasted * 1000:.0f} ms after its gate was shut: {said}")
