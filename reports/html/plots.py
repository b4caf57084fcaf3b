"""What people would rather look at than read: when each scenario ran, and how long flows were silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from reports.entries import Observation
from reports.html.svg import Drawing
from reports.html.view import FeatureView, InstanceView, ReportView, moment
from reports.languages import Language

Medium = Literal["screen", "paper"]

WIDTH, NAMES, RIGHT, ROW, AXIS = 960.0, 320.0, 24.0, 26.0, 28.0
_AT_MOST = re.compile(r"at most (\d+) ms")
_NAMED = "the longest silence of "
_SILENCE = re.compile(r"(\d+) ms")
_STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


def timeline(report: ReportView, said: Language, medium: Medium) -> Markup:
    """The course of the run: a row for each use case, a bar for each scenario; "" when nothing ran."""
    rows = [(feature, spans) for feature in report.features if (spans := list(_spans(feature)))]
    begin = moment(report.record.run.at)
    if not rows or begin is None:
        return Markup()
    last = max(end for _, spans in rows for _, _, end in spans) - begin
    scale = Scale(max(last, 0.001))
    label = said.text("Course of the run: {number} scenarios in {time}", number=len(report.record.scenarios),
                      time=said.seconds(last))  # fmt: skip
    drawing = Drawing(WIDTH, ROW * len(rows) + AXIS, label=label, kind="timeline", styled=medium == "paper")
    seconds_axis(drawing, scale, ROW * len(rows), said)
    for place, (feature, spans) in enumerate(rows):
        y = place * ROW
        drawing.text(0, y + 16, shortened(said.sentence(feature.name).text, 54), "lane")
        for one, start, end in spans:
            x = scale.x(start - begin)
            width = max(scale.x(end - begin) - x - 0.6, 1.4)
            took = f"{one.name} · {said.text(one.verdict)} · {said.seconds(one.seconds)}"
            drawing.rect(x, y + 5, width, ROW - 10, f"bar-{one.verdict.replace(' ', '-')}", round_=1, title=took)
    return drawing.markup()


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest time without an answer on a flow, and the longest that was accepted, both in milliseconds."""

    instance: InstanceView
    flow: str
    longest: int
    budget: int

    @property
    def verdict(self) -> str:
        """Whether the budget was kept."""
        return "pass" if self.longest <= self.budget else "fail"


def silences_of(report: ReportView) -> list[Silence]:
    """Every observation of a longest silence against a budget."""
    return [found for one in report.instances() for seen in one.scenario.observations if (found := _silence(one, seen))]


def _silence(one: InstanceView, seen: Observation) -> Silence | None:
    budget, longest = _AT_MOST.fullmatch(str(seen.expected)), _SILENCE.fullmatch(str(seen.observed))
    if budget is None or longest is None or not seen.what.startswith(_NAMED):
        return None
    return Silence(one, seen.what.removeprefix(_NAMED), int(longest[1]), int(budget[1]))


def silences(report: ReportView, said: Language, medium: Medium) -> Markup:
    """How long each flow was silent when members changed, beside its budget; "" when no scenario measured that."""
    found = silences_of(report)
    if not found:
        return Markup()
    groups: dict[str, list[Silence]] = {}
    for one in found:
        groups.setdefault(one.instance.name, []).append(one)
    height = ROW * (len(groups) + 0.0) + 18.0 * len(found) + AXIS
    longest = max(max(one.longest, one.budget) for one in found)
    scale = Scale(longest * 1.08)
    label = said.text("Longest silences of {number} flows, in milliseconds", number=len(found))
    drawing = Drawing(WIDTH, height, label=label, kind="silences", styled=medium == "paper")
    _milliseconds_axis(drawing, scale, height - AXIS, said)
    y = 0.0
    for name, flows in groups.items():
        start = flows[0].instance.scenario.start
        drawing.text(0, y + 17, f"{name}  {said.sentence(start.name).text}", "lane strong")
        y += ROW
        for one in flows:
            drawing.text(12, y + 12, shortened(said.observation(one.flow).text, 52), "tick")
            drawing.rect(scale.x(0), y + 3, max(scale.x(one.longest) - scale.x(0), 1.5), 11, f"bar-{one.verdict}", round_=1)
            drawing.text(scale.x(one.longest) + 5, y + 12, f"{said.number(one.longest)} ms", "tick")
            drawing.line(scale.x(one.budget), y + 1, scale.x(one.budget), y + 16, "limit")
            y += 18.0
    return drawing.markup()


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to the place on the drawing, between the names and the right edge."""

    longest: float

    def x(self, value: float) -> float:
        """The place of a value."""
        return NAMES + value / self.longest * (WIDTH - NAMES - RIGHT)

    def ticks(self) -> Iterator[float]:
        """Round values, about eight of them."""
        step = next((one for one in _STEPS if self.longest / one <= 9), self.longest / 8)
        value = 0.0
        while value <= self.longest:
            yield value
            value += step


def seconds_axis(drawing: Drawing, scale: Scale, bottom: float, said: Language) -> None:
    """Lines at round seconds, and below them which."""
    for value in scale.ticks():
        drawing.line(scale.x(value), 0, scale.x(value), bottom, "grid")
        drawing.text(scale.x(value), bottom + 16, said.tick(value) if value else "0", "tick", anchor="middle")


def _milliseconds_axis(drawing: Drawing, scale: Scale, bottom: float, said: Language) -> None:
    for second in Scale(scale.longest / 100).ticks():
        value = second * 100
        drawing.line(scale.x(value), 0, scale.x(value), bottom, "grid")
        drawing.text(scale.x(value), bottom + 16, f"{said.number(value)} ms" if value else "0", "tick", anchor="middle")


def _spans(feature: FeatureView) -> Iterator[tuple[InstanceView, float, float]]:
    for one in feature.instances():
        start, end = moment(one.scenario.start.at), moment(one.scenario.ending.at)
        if start is not None and end is not None:
            yield one, start, end


def shortened(text: str, length: int) -> str:
    """The text in so many characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
