"""Figures as they were measured, and the little arithmetic that a table needs. Pure: nothing here measures."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One cost of Rempart alone. ``budget`` is what the project promised, in the same unit; None when nothing was."""

    name: str
    unit: str
    values: tuple[float, ...]
    budget: float | None
    load: float  # the machine's one-minute load average when it was measured, ours included
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def kept(self) -> bool | None:
        """Whether the median is within the budget; None without one. A budget of 0 is kept by 0 alone."""
        if self.budget is None:
            return None
        return self.median < self.budget or self.median == self.budget == 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One lab of one contestant, up and down once. ``round`` tells which samples were taken next to one another."""

    contestant: str
    services: bool
    sites: int
    hosts: int
    round: int
    up: float  # s, from the start of the process to the probe's answer
    down: float  # s, from the request to the end of the process
    memory: float  # MiB of PSS
    processes: int
    command: float  # ms, one `true` on a host through the contestant's own interface
    load: float
    parts: Mapping[str, float] = field(default_factory=dict)  # MiB of PSS by program, seconds by phase ("up: …")
    attempts: int = 1  # how often it was started until it came up; the figures are the last start's


@dataclass(frozen=True, slots=True)
class Line:
    """``fixed + slope * x``, fitted by least squares."""

    fixed: float
    slope: float


def fit(points: Sequence[tuple[float, float]]) -> Line | None:
    """The least-squares line through the points; None when they have fewer than two different ``x``."""
    if len({x for x, _ in points}) < 2:
        return None
    slope, fixed = statistics.linear_regression([x for x, _ in points], [y for _, y in points])
    return Line(fixed, slope)


def of(samples: Sequence[Sample], contestant: str, *, services: bool, sites: int | None = None) -> list[Sample]:
    """The samples of one contestant in one variant, of one size or of all."""
    return [
        sample
        for sample in samples
        if sample.contestant == contestant and sample.services == services and sites in (None, sample.sites)
    ]


def medians(samples: Sequence[Sample], cost: str) -> list[tuple[float, float]]:
    """Hosts and the median of a cost (a field of :class:`Sample`), size by size."""
    by_size: dict[int, list[float]] = {}
    for sample in samples:
        by_size.setdefault(sample.hosts, []).append(getattr(sample, cost))
    return [(hosts, statistics.median(values)) for hosts, values in sorted(by_size.items())]


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample], cost: str) -> float | None:
    """The median, over rounds that have both, of our cost by theirs. Neighbours in time shared the machine's load."""
    other = {(sample.sites, sample.round): getattr(sample, cost) for sample in theirs}
    ratios = [
        getattr(sample, cost) / other[sample.sites, sample.round] for sample in ours if other.get((sample.sites, sample.round))
    ]
    return statistics.median(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured of one part. ``about`` says where and of what: machine, versions, commit, date."""

    about: Mapping[str, str]
    measures: tuple[Measure, ...] = ()
    samples: tuple[Sample, ...] = ()
    failures: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Run:
        """The run that :meth:`as_data` wrote."""
        return cls(
            about=data["about"],
            measures=tuple(Measure(**{**measure, "values": tuple(measure["values"])}) for measure in data["measures"]),
            samples=tuple(Sample(**sample) for sample in data["samples"]),
            failures=tuple(data["failures"]),
        )


def tell(what: str, seconds: Sequence[float]) -> None:
    """Print a cost on a line: the median, and all that were measured."""
    print(
        f"{what:<90}{statistics.median(seconds):6.2f} s (of {', '.join(f'{one:.2f}' for one in sorted(seconds))})", flush=True
    )
