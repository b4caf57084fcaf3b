"""What failovers cost: a course for each, with the phases and every flow as a lane, and how the gaps of many are spread.

The drawings are as wide as where they stand, a telephone or a sheet of paper; each has a table beside it that says the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from reports.entries import Failover
from reports.html.plots import Medium, shortened
from reports.html.svg import Drawing
from reports.html.view import InstanceView, ReportView
from reports.languages import Language
from reports.ledger import Distribution, Lane, distribution

LANE, NAME, AXIS, HEAD = 32.0, 13.0, 24.0, 6.0
CLASS, DOTS = 58.0, 26.0  # height of a row of the distribution, and of the dots in it
LEAST = 1.0  # ms: the left end of the distribution; what the instrument resolves is of this order
PILE = 5  # dots one above the other before they begin again below: equal values stay apart
_STEPS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
LONGEST_NAME = 34  # characters of a flow's name beside its gap, on a telephone
_ARROWS = {"there": "→", "back": "←", "round trip": "⇄"}
_LEFT, _RIGHT = "0%", "100%"
TICKS = 6  # at most so many words below a drawing that may be 300 pixels wide


@dataclass(frozen=True)
class Group:
    """The failovers of one kind in one instance."""

    instance: InstanceView
    kind: str
    failovers: Sequence[Failover]

    @property
    def anchor(self) -> str:
        """Where it stands in the page."""
        return f"failovers-{self.instance.anchor}-{self.kind.replace(' ', '-')}"

    @cached_property
    def classes(self) -> Mapping[str, Spread]:
        """How the gaps of each class of flow are spread; in one failover its worst lane counts."""
        found: dict[str, list[Lane]] = {}
        for one in self.failovers:
            for name in dict.fromkeys(lane.flow_class for lane in one.lanes):
                same = [lane for lane in one.lanes if lane.flow_class == name]
                found.setdefault(name, []).append(max(same, key=lambda lane: lane.gap))
        return {name: Spread(name, tuple(lanes)) for name, lanes in found.items()}

    @property
    def worst(self) -> Failover:
        """The one that comes nearest to a budget, or goes farthest beyond."""
        return max(self.failovers, key=lambda one: max((_share(lane) for lane in one.lanes), default=0.0))

    @property
    def others(self) -> Sequence[Failover]:
        """All but that one."""
        return [one for one in self.failovers if one is not self.worst]

    @property
    def predicted(self) -> float | None:
        """The longest gap (ms) that the tokens foretell for plain flows, where they do."""
        return self.failovers[0].predicted


@dataclass(frozen=True)
class Spread:
    """A class of flow over many failovers: of each, the lane with the longest gap."""

    name: str
    lanes: tuple[Lane, ...]

    @property
    def budget(self) -> float:
        """The longest gap (ms) that is accepted, 0 when nothing is said."""
        return max(lane.budget for lane in self.lanes)

    @cached_property
    def of(self) -> Distribution:
        """The distribution of the gaps (ms)."""
        return distribution(lane.gap for lane in self.lanes)

    @property
    def verdict(self) -> str:
        """Whether every gap was within its budget."""
        return "pass" if all(lane.within_budget for lane in self.lanes) else "fail"


def _share(lane: Lane) -> float:
    return lane.gap / lane.budget if lane.budget else 0.0


def groups(report: ReportView) -> list[Group]:
    """All failovers of the record, those of one kind together, in the order in which they were made."""
    found = []
    for instance in report.instances():
        kinds: dict[str, list[Failover]] = {}
        for one in instance.scenario.failovers:
            kinds.setdefault(one.kind, []).append(one)
        found += [Group(instance, kind, failovers) for kind, failovers in kinds.items()]
    return found


# The course of one failover ---------------------------------------------------------------------------------------------


def course(one: Failover, said: Language, medium: Medium) -> Markup:
    """One failover: its phases, and each flow as a line that has a gap where nothing came."""
    rows = len(one.phases) + len(one.lanes)
    label = said.text("Course of failover {number}: {phases} phases and {lanes} flows over {time}", number=one.number,
                      phases=len(one.phases), lanes=len(one.lanes),
                      time=said.seconds((one.drawn[1] - one.drawn[0]) / 1000))  # fmt: skip
    drawing = Drawing(None, HEAD + LANE * rows + AXIS, label=label, kind="failover", styled=medium == "paper")
    window = _Window(*one.drawn)
    bottom = HEAD + LANE * rows
    for value in window.ticks():
        drawing.line(window.at(value), HEAD, window.at(value), bottom, "event" if value == 0 else "grid")
        text = said.text("fault") if value == 0 else f"{said.number(value)} ms"
        drawing.text(window.at(value), bottom + 15, text, "tick", anchor="middle")
    y = HEAD
    for phase in one.phases:
        _named(drawing, y, said.observation(phase.name).text, f"{said.number(phase.end - phase.begin, 1)} ms")
        width = window.width(phase.begin, phase.end)
        drawing.rect(window.at(phase.begin), y + NAME + 5, width, 7, "phase", round_=1)
        y += LANE
    for lane in one.lanes:
        name = f"{_ARROWS[lane.direction]} {shortened(said.observation(lane.name).text, LONGEST_NAME)}"
        _named(drawing, y, name, _gap_told(lane, said), beyond=not lane.within_budget)
        _draw_lane(drawing, window, y + NAME, lane)
        y += LANE
    return drawing.markup()


def _named(drawing: Drawing, y: float, name: str, value: str, *, beyond: bool = False) -> None:
    drawing.text(_LEFT, y + NAME, f"✗ {name}" if beyond else name, "lane beyond" if beyond else "lane")
    drawing.text(_RIGHT, y + NAME, value, "lane beyond" if beyond else "tick", anchor="end")


def _draw_lane(drawing: Drawing, window: _Window, y: float, lane: Lane) -> None:
    at = window.begin
    for begin, end in lane.silences:
        if begin > at:
            drawing.rect(window.at(at), y + 5, window.width(at, begin), 7, "answered", round_=0)
        longest = math.isclose(begin, lane.gap_begin, abs_tol=0.5)
        look = "bar-fail" if longest and not lane.within_budget else "bar-inconclusive"
        # A thin line where nothing came: the gap is seen without its colour.
        drawing.rect(window.at(begin), y + 7.5, window.width(begin, end), 2, look, round_=0)
        at = max(at, end)
    if at < window.end:
        drawing.rect(window.at(at), y + 5, window.width(at, window.end), 7, "answered", round_=0)
    limit = lane.gap_begin + lane.budget
    if lane.budget and lane.silences and limit < window.end:
        drawing.line(window.at(limit), y + 2, window.at(limit), y + 15, "limit")


def direction(lane: Lane, said: Language) -> str:
    """Which way the packets went."""
    return {"there": said.text("there"), "back": said.text("back"), "round trip": said.text("round trip")}[lane.direction]


def class_name(name: str, said: Language) -> str:
    """What a class of flow is called; the name that budgets have for one that is not known here."""
    return {
        "nat": said.text("translated flows"),
        "tcp": said.text("TCP sessions"),
        "published": said.text("published service"),
        "ipsec": said.text("IPsec tunnel"),
        "sslvpn_udp": said.text("SSL VPN over UDP"),
        "sslvpn_tcp": said.text("SSL VPN over TCP"),
        "administration": said.text("administration"),
        "local": said.text("beside the firewall"),
    }.get(name, name)


def _gap_told(lane: Lane, said: Language) -> str:
    gap = said.number(lane.gap)
    return f"{gap} / {said.number(lane.budget)} ms" if lane.budget else f"{gap} ms"


@dataclass(frozen=True, slots=True)
class _Window:
    """The time (ms from the fault) that a drawing shows, from its left to its right edge."""

    begin: float
    end: float

    def at(self, value: float) -> str:
        """Where a moment is."""
        return _percent((min(max(value, self.begin), self.end) - self.begin) / (self.end - self.begin))

    def width(self, begin: float, end: float) -> str:
        """How wide a span is: never so narrow that it is not seen."""
        shown = (min(end, self.end) - max(begin, self.begin)) / (self.end - self.begin)
        return _percent(max(shown, 0.003))

    def ticks(self) -> Iterator[float]:
        """Round moments, the fault among them, none so near an edge that its word would be cut."""
        span = self.end - self.begin
        step = next((one for one in _STEPS if span / one <= TICKS), span)
        first = math.ceil((self.begin + 0.06 * span) / step) * step
        for number in range(TICKS + 1):
            if (value := first + number * step) <= self.end - 0.06 * span:
                yield value


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


# How many are spread ----------------------------------------------------------------------------------------------------


def spread(group: Group, said: Language, medium: Medium) -> Markup:
    """For each class of flow every gap as a dot, median and p95 as lines, and the budget."""
    classes = list(group.classes.values())
    label = said.text("Longest gaps of {classes} classes of flow in {number} failovers", classes=len(classes),
                      number=len(group.failovers))  # fmt: skip
    bottom = HEAD + CLASS * len(classes)
    drawing = Drawing(None, bottom + AXIS, label=label, kind="spread", styled=medium == "paper")
    scale = _Decades(max(max(one.of.max, one.budget, group.predicted or 0.0) for one in classes))
    for value in scale.ticks():
        drawing.line(scale.at(value), HEAD, scale.at(value), bottom, "grid")
        drawing.text(scale.at(value), bottom + 15, f"{said.number(value)} ms", "tick", anchor="middle")
    for place, one in enumerate(classes):
        y = HEAD + CLASS * place
        told = said.text("median {median}, p95 {p95} ms", median=said.number(one.of.median), p95=said.number(one.of.p95))
        _named(drawing, y, class_name(one.name, said), told, beyond=one.verdict == "fail")
        _draw_spread(drawing, scale, y + NAME + 8, one, said)
    return drawing.markup()


def _draw_spread(drawing: Drawing, scale: _Decades, y: float, one: Spread, said: Language) -> None:
    if one.budget:
        drawing.line(scale.at(one.budget), y - 2, scale.at(one.budget), y + DOTS + 2, "limit")
    for number, lane in enumerate(sorted(one.lanes, key=lambda lane: lane.gap)):
        height = y + DOTS - 3 - (number % PILE) * (DOTS - 6) / (PILE - 1)
        look = "dot" if lane.within_budget else "dot beyond"
        told = f"{said.observation(lane.name).text}: {said.seconds(lane.gap / 1000)}"
        drawing.circle(scale.at(lane.gap), height, 2.6, look, title=told)
    drawing.line(scale.at(one.of.median), y - 2, scale.at(one.of.median), y + DOTS + 2, "median")
    drawing.line(scale.at(one.of.p95), y - 2, scale.at(one.of.p95), y + DOTS + 2, "p95")


@dataclass(frozen=True, slots=True)
class _Decades:
    """From 1 ms to the longest in equal steps for equal factors: a gap of 20 ms and a budget of 5 s are both seen."""

    longest: float

    @property
    def _decades(self) -> float:
        return math.log10(max(self.longest * 1.3, 10 * LEAST) / LEAST)

    def at(self, value: float) -> str:
        """Where a value is."""
        return _percent(0.02 + 0.96 * math.log10(max(value, LEAST) / LEAST) / self._decades)

    def ticks(self) -> Iterator[float]:
        """The powers of ten, but for one that would stand at the very edge."""
        for power in range(6):
            if 0.08 < power / self._decades < 0.95:
                yield LEAST * 10**power
