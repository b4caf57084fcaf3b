"""What a failover cost each flow, as the record keeps it, and how it is spread over many failovers.

All times are milliseconds; those of one failover count from its event, the moment at which the fault was there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Direction = Literal["there", "back", "round trip"]
"""``there``: from the side that began the flow; ``back``: to it. ``round trip`` where only answers can be told from silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the failover, such as detection, election, addresses, sessions, tunnel: from ``begin`` to ``end`` (ms)."""

    name: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One flow in one direction.

    ``sent``, ``lost``, ``duplicated`` and ``reordered`` count packets (or messages of a stream). ``gap`` is the longest time
    (ms) between two packets in a row, less the pace at which they were sent, and ``gap_begin`` when it began. ``silences``
    are all that were longer than the instrument's resolution, as pairs of begin and end. ``back_after`` is the end of the
    last of them: 0 when there was none, None when service never came back. ``survived`` is None for what is no connection.
    ``budget`` is the longest gap (ms) that the deployment accepts, 0 when it says nothing.
    """

    name: str
    flow_class: str
    direction: Direction
    sent: int
    lost: int
    duplicated: int
    reordered: int
    gap: float
    gap_begin: float
    back_after: float | None
    survived: bool | None
    budget: float
    silences: tuple[tuple[float, float], ...] = ()

    @property
    def within_budget(self) -> bool:
        """Whether the longest gap is one that the deployment accepts."""
        return not self.budget or self.gap <= self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """How late (ms) the machine itself woke a process of the instrument's priority, measured beside the flows."""

    median: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values over many failovers; ``p95`` is the smallest value that 95 of 100 do not exceed."""

    count: int
    min: float
    median: float
    p95: float
    max: float


def distribution(values: Iterable[float]) -> Distribution:
    """How the values are spread. Raises ValueError when there is none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no value, so no distribution")
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Distribution(len(ordered), ordered[0], median, ordered[math.ceil(0.95 * len(ordered)) - 1], ordered[-1])


class _Failover(Protocol):
    @property
    def lanes(self) -> tuple[Lane, ...]: ...


def gaps_by_class(failovers: Sequence[_Failover]) -> dict[str, Distribution]:
    """For each class of flow how its longest gap is spread over the failovers; in one failover its worst lane counts."""
    worst: dict[str, list[float]] = {}
    for failover in failovers:
        gaps: dict[str, float] = {}
        for lane in failover.lanes:
            gaps[lane.flow_class] = max(lane.gap, gaps.get(lane.flow_class, 0.0))
        for name, gap in gaps.items():
            worst.setdefault(name, []).append(gap)
    return {name: distribution(values) for name, values in worst.items()}
