"""A whole matrix: which classes there are, what became of each, and in what prediction and measurement disagree."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab.matrix.trace import FIREWALL, Probe
from provisioning.matrix.comparison import Compared
from provisioning.matrix.measured import REPEATED, Matrix
from provisioning.matrix.passive import Silence
from sns.packet_classes import PacketClass, packet_classes
from sns.prediction import Flow


@dataclass(slots=True)
class Row:
    """What arrives at one site by one way: how many packets passed on, were taken by the firewall, reset, or refused.

    ``unsent`` are those that nothing in the lab can send: a tunnel's other end refuses them, or no VPN user has the address.
    """

    passed: int = 0
    taken: int = 0
    reset: int = 0
    refused: int = 0
    unsent: int = 0

    @property
    def measured(self) -> int:
        """How many were measured."""
        return self.passed + self.taken + self.reset + self.refused


@dataclass(slots=True)
class Results:
    """``rows`` by site and arrival; ``seconds`` is what measuring took, with what it needs and without the lab's start.

    ``through`` are the packets that were put in at a wire and let through, by site; ``passive`` is what the passive members
    did with the like.
    """

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    classes: int = 0
    replies: int = 0
    disagreeing: list[Compared] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    through: dict[str, list[Probe]] = field(default_factory=dict)
    passive: list[Silence] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def measured(self) -> int:
        """How many packets were measured."""
        return sum(row.measured for row in self.rows.values())

    @property
    def disagrees(self) -> bool:
        """Whether anything was measured that the configurations do not say."""
        return bool(self.disagreeing) or any(one.seen for one in self.passive)

    @property
    def incomplete(self) -> bool:
        """Whether something could not be measured."""
        return bool(self.lost) or any(one.arrived != one.sent for one in self.passive)

    @property
    def per_minute(self) -> int:
        """Packets a minute."""
        return round(self.measured / self.seconds * 60) if self.seconds else 0

    def plain(self) -> dict[str, object]:
        """For JSON: sites, arrivals, totals, and each disagreement with its packet, rule and what was seen."""
        return {
            "classes": self.classes,
            "measured": self.measured,
            "replies": self.replies,
            "seconds": round(self.seconds, 2),
            "per_minute": self.per_minute,
            "lost": dict(self.lost),
            "rows": [
                {"site": site, "arrival": arrival, "measured": row.measured, "passed": row.passed, "taken": row.taken,
                 "reset": row.reset, "refused": row.refused, "unsent": row.unsent}
                for (site, arrival), row in self.rows.items()
            ],
            "passive": [
                {"site": one.site, "member": one.member, "sent": one.sent, "arrived": one.arrived, "seen": list(one.seen)}
                for one in self.passive
            ],
            "disagreements": [told(each) for each in self.disagreeing],
        }  # fmt: skip


def told(compared: Compared) -> dict[str, object]:
    """A disagreement in words."""
    trace = compared.trace
    return {
        "site": compared.site,
        "packet": str(compared.flow),
        "put_in": trace.probe.entry,
        "predicted": f"{compared.prediction.verdict}: {compared.prediction.reason}",
        "where": compared.prediction.where,
        "seen": [str(sighting) for sighting in trace.sightings],
        "answered": sorted(set(trace.answers)),
        "counted": list(compared.counted),
        "disagreements": list(compared.disagreements),
    }


def whole(matrix: Matrix, sites: Sequence[str], *, every_end: bool = False, one_in: int = 1, enough: int = REPEATED) -> Results:
    """Measure the classes of these sites; ``one_in`` n leaves only each n-th, ``every_end`` adds all of their ends.

    ``enough`` is how many that disagree twice are as good as all of them.

    Raises LabError.
    """
    begun, results = time.monotonic(), Results()
    asked: list[tuple[str, Flow]] = []
    for site in sites:
        for one in packet_classes(matrix.journeys.configurations[site], matrix.hosts, one_in=one_in):
            results.classes += 1
            asked += ((site, flow) for flow in _flows(one, every_end))
    for compared in matrix.measure(_sendable(matrix, asked, results.rows), enough=enough):
        if compared.trace.lost:
            results.lost[compared.trace.lost] += 1
            continue
        _count(results.rows[compared.site, compared.flow.arrival], compared)
        results.replies += compared.trace.replied is not None
        _through(results, compared)
        if compared.disagreements:
            results.disagreeing.append(compared)
    results.seconds = time.monotonic() - begun
    return results


def _through(results: Results, compared: Compared) -> None:
    """Keep it if it came in by a wire, and the firewall let it through."""
    last, probe = compared.trace.last, compared.trace.probe
    if last is not None and probe.entry == f"{compared.site}:{compared.flow.arrival}" and compared.flow.arrival != FIREWALL:
        results.through.setdefault(compared.site, []).append(probe)


def _flows(one: PacketClass, every_end: bool) -> Iterator[Flow]:
    if every_end:
        yield from one.flows()
    else:
        yield one.flow()


def _sendable(
    matrix: Matrix, asked: Sequence[tuple[str, Flow]], rows: dict[tuple[str, str], Row]
) -> Iterator[tuple[str, Flow]]:
    for site, flow in asked:
        row = rows.setdefault((site, flow.arrival), Row())
        if matrix.ways.probe(site, flow) is None:
            row.unsent += 1
        else:
            yield site, flow


def _count(row: Row, compared: Compared) -> None:
    """By what was measured, not by what was predicted."""
    last = compared.trace.last
    if last is not None and last.into is not False:
        if last.point == f"{compared.site}:{FIREWALL}":
            row.taken += 1
        else:
            row.passed += 1
    elif "reset" in compared.trace.answers:
        row.reset += 1
    else:
        row.refused += 1
