"""What was measured over time within a scenario: a line of answers for each flow with its silences, and round trips as dots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from markupsafe import Markup

from reports.entries import Series
from reports.html.plots import NAMES, RIGHT, ROW, WIDTH, Medium, Scale, seconds_axis, shortened
from reports.html.svg import Drawing
from reports.html.view import InstanceView
from reports.languages import Language

BESIDES = 3  # times the usual distance between two answers: from there on it is a silence
SHORTEST = 30.0  # ms: below that a silence is the scheduling of a busy machine, and no pixel wide
HEIGHT, AXIS = 96.0, 24.0
WORTH_DRAWING = 5  # round trips: fewer are read more easily than looked at


def drawings(one: InstanceView, said: Language, medium: Medium) -> list[Markup]:
    """The drawings of an instance: the flows that went on during an event together, then each series of round trips."""
    flows = [series for series in one.scenario.series if series.kind == "answers" and series.positions]
    trips = [
        series for series in one.scenario.series if series.kind == "round trips" and len(series.positions) >= WORTH_DRAWING
    ]
    return [*([_answers(flows, said, medium)] if flows else []), *([_round_trips(trips, said, medium)] if trips else [])]


def _answers(flows: Sequence[Series], said: Language, medium: Medium) -> Markup:
    last = max(series.positions[-1] for series in flows)
    scale = Scale(max(last, 0.001))
    label = said.text("Answers of {number} flows over {time}, with their silences", number=len(flows), time=said.seconds(last))
    drawing = Drawing(WIDTH, ROW * len(flows) + AXIS, label=label, kind="answers", styled=medium == "paper")
    seconds_axis(drawing, scale, ROW * len(flows), said)
    for place, series in enumerate(flows):
        y = place * ROW
        drawing.text(0, y + 16, shortened(said.observation(series.what).text, 52), "lane")
        for begin, end in _runs(series):
            drawing.rect(scale.x(begin), y + 6, max(scale.x(end) - scale.x(begin), 1), ROW - 12, "answered", round_=0)
        longest = max(range(len(series.milliseconds)), key=series.milliseconds.__getitem__)
        _silence(drawing, scale, y, series, longest, said)
    return drawing.markup()


def _silence(drawing: Drawing, scale: Scale, y: float, series: Series, place: int, said: Language) -> None:
    length, end = series.milliseconds[place], series.positions[place]
    if length <= _usual(series):
        return
    verdict = "fail" if series.limit and length > series.limit else "inconclusive"
    begin = scale.x(end - length / 1000)
    width = max(scale.x(end) - begin, 1.5)
    drawing.rect(begin, y + 11, width, ROW - 22, f"bar-{verdict}", round_=0)
    text = f"{said.number(length)} ms"
    wide = width > len(text) * 7
    if wide:
        drawing.text(begin + width / 2, y + 9, text, "tick", anchor="middle")
    else:
        drawing.text(begin - 5, y + 17, text, "tick", anchor="end")


def _usual(series: Series) -> float:
    return max(SHORTEST, BESIDES * median(series.milliseconds))


def _runs(series: Series) -> Iterator[tuple[float, float]]:
    """Spans without a silence."""
    begin = end = 0.0
    for at, gap in zip(series.positions, series.milliseconds, strict=True):
        if gap > _usual(series):
            if end > begin:
                yield begin, end
            begin = at
        end = at
    if end > begin:
        yield begin, end


def _round_trips(trips: Sequence[Series], said: Language, medium: Medium) -> Markup:
    longest = max(max(series.milliseconds) for series in trips)
    top = _above(longest)
    most = said.number(longest, 1)
    label = said.text("Round trips of {number} series of pings, up to {time} ms", number=len(trips), time=most)
    drawing = Drawing(WIDTH, (HEIGHT + 6) * len(trips), label=label, kind="round-trips", styled=medium == "paper")
    for row, series in enumerate(trips):
        bottom = (HEIGHT + 6) * row + HEIGHT - 8
        scale = Scale(max(series.positions[-1], 1) + 1)
        drawing.text(0, bottom - HEIGHT / 2 + 8, shortened(said.observation(series.what).text, 46), "lane")
        usual = said.text("median {time} ms", time=said.number(median(series.milliseconds), 1))
        drawing.text(0, bottom - HEIGHT / 2 + 24, usual, "tick")
        for part in (0, 0.5, 1):
            y = bottom - part * (HEIGHT - 24)
            drawing.line(NAMES, y, WIDTH - RIGHT, y, "grid")
            drawing.text(NAMES - 8, y + 3, f"{said.number(part * top, 1 if top < 10 else 0)} ms", "tick", anchor="end")
        for number, value in zip(series.positions, series.milliseconds, strict=True):
            title = f"{said.number(number)}: {said.number(value, 2)} ms"
            drawing.circle(scale.x(number), bottom - value / top * (HEIGHT - 24), 2.6, "dot", title=title)
    return drawing.markup()


def _above(value: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 0.001)))
    return next((step * power for step in (1, 2, 5) if step * power >= value), 10 * power)
