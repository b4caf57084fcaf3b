"""Figures as tables that people read. Pure: a run in, Markdown out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.figures import Measure, Run, Sample, fit, medians, of, ratio

OURS = "rempart"
TO_BEAT = "munet"
PHASE = "up: "  # what a sample's part is called that is time, not memory
_PROGRAMS = 14  # the largest; the others hold little


def marks(part: str) -> tuple[str, str]:
    """What stands in a document before and after the tables of a part."""
    return f"<!-- {part}: begin -->", f"<!-- {part}: end -->"


def recorded(document: str, part: str, tables: str) -> str:
    """The document with these tables between the marks of their part. Raises ValueError when it lacks a mark."""
    before, after = marks(part)
    head, begin, rest = document.partition(before)
    _, end, tail = rest.partition(after)
    if not begin or not end:
        raise ValueError(f"the document lacks the marks {before} and {after}")
    return f"{head}{before}\n\n{tables.strip()}\n\n{after}{tail}"


def number(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """The median, and the range when there is more than one value."""
    middle = number(statistics.median(values))
    return middle if len(values) < 2 else f"{middle} ({number(min(values))}–{number(max(values))})"


def one_line(measure: Measure) -> str:
    """A measure, for a terminal."""
    budget = "" if measure.budget is None else f", budget {number(measure.budget)} {measure.unit}".rstrip()
    return f"{_SIGNS[measure.kept]} {measure.name}: {spread(measure.values)} {measure.unit}".rstrip() + budget


_SIGNS = {True: "✓", False: "✗", None: "·"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; figures to the right, the first column to the left."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def markdown(run: Run) -> str:
    """All tables of a run, under the line that says when and where it was."""
    where = ", ".join(f"{name} {value}" for name, value in run.about.items())
    parts = [f"Measured: {where}. Figures are medians (smallest–largest).\n"]
    if run.measures:
        parts.append(_promises(run.measures))
    if run.samples:
        parts += filter(None, [_goal(run.samples), *_growth(run.samples)])
    if run.failures:
        parts.append("Not measured:\n\n" + "".join(f"- {failure}\n" for failure in run.failures))
    return "\n".join(parts)


def _promises(measures: Sequence[Measure]) -> str:
    rows = [
        [
            measure.name + (f" ({measure.note})" if measure.note else ""),
            f"{spread(measure.values)} {measure.unit}".rstrip(),
            "" if measure.budget is None else f"{number(measure.budget)} {measure.unit}".rstrip(),
            _SIGNS[measure.kept],
            str(len(measure.values)),
            f"{measure.load:.1f}",
        ]
        for measure in measures
    ]
    return "### What was promised\n\n" + table(["cost", "median", "promise", "", "n", "load"], rows)


def _goal(samples: Sequence[Sample]) -> str:
    """Whether start-up and growth per host beat munet, with all services running: answered by the figures themselves."""
    rows = []
    for services, title in ((True, "all services in both"), (False, f"all services in Rempart, none in {TO_BEAT}")):
        ours, theirs = of(samples, OURS, services=True), of(samples, TO_BEAT, services=services)
        sizes = sorted({sample.sites for sample in ours} & {sample.sites for sample in theirs})
        starts = {sites: _ratio_at(ours, theirs, sites) for sites in sizes}
        for sites, part in starts.items():
            if part is not None:
                rows.append([f"start, {sites} site{'s' if sites > 1 else ''}, {title}", f"{part:.2f}", _SIGNS[part < 1]])
        for cost, what in (("up", "start per host more"), ("memory", "memory per host more")):
            own, other = fit(medians(ours, cost)), fit(medians(theirs, cost))
            if own and other:
                part = own.slope / other.slope
                rows.append([f"{what}, {title}", f"{part:.2f}", _SIGNS[part < 1]])
    return f"### Rempart by {TO_BEAT}\n\nBelow 1 Rempart costs less.\n\n" + table(["cost", "ratio", ""], rows) if rows else ""


def _ratio_at(ours: Sequence[Sample], theirs: Sequence[Sample], sites: int) -> float | None:
    return ratio([sample for sample in ours if sample.sites == sites], theirs, "up")


def _growth(samples: Sequence[Sample]) -> list[str]:
    names = sorted({sample.contestant for sample in samples}, key=lambda name: (name != OURS, name != TO_BEAT, name))
    parts = []
    for services, title in ((True, "With all services running"), (False, "Wires and addresses only, no service")):
        chosen = [sample for sample in samples if sample.services == services]
        if not chosen:
            continue
        load = statistics.median(sample.load for sample in chosen)
        rounds = len({sample.round for sample in chosen})
        parts.append(
            f"### {title}\n\n{rounds} interleaved rounds; median load {load:.1f}.\n\n{_sizes(chosen, names, services=services)}"
        )
        parts.append(_slopes(chosen, names, services=services))
        for name in names:
            own = of(chosen, name, services=services)
            if again := sum(sample.attempts - 1 for sample in own):
                parts.append(
                    f"{name} had to be started again {again} times for {len(own)} labs: it failed on its own way up.\n"
                )
    parts.append(_where(samples, names))
    return [part for part in parts if part]


def _sizes(samples: Sequence[Sample], names: Sequence[str], *, services: bool) -> str:
    sizes = sorted({sample.sites for sample in samples})
    groups = (of(samples, name, services=services, sites=sites) for sites in sizes for name in names)
    head = ["", "up, s", "down, s", "memory (PSS), MiB", "processes", "a command, ms"]
    return table(head, [_size(group) for group in groups if group])


def _size(group: Sequence[Sample]) -> list[str]:
    first = group[0]
    return [
        f"{first.sites} site{'s' if first.sites > 1 else ''}, {first.hosts} hosts: {first.contestant}",
        *(spread([getattr(sample, cost) for sample in group]) for cost in ("up", "down", "memory")),
        number(statistics.median(sample.processes for sample in group)),
        spread([sample.command for sample in group]),
    ]


def _slopes(samples: Sequence[Sample], names: Sequence[str], *, services: bool) -> str:
    ours = of(samples, OURS, services=services)
    rows = []
    for name in names:
        own = of(samples, name, services=services)
        cells = [name]
        for cost, scale in (("up", 1000.0), ("down", 1000.0), ("memory", 1.0)):
            line = fit(medians(own, cost))
            cells.append("" if line is None else f"{number(line.slope * scale)} (fixed {number(line.fixed * scale)})")
        for cost in ("up", "memory"):
            part = None if name == OURS else ratio(ours, own, cost)
            cells.append("" if part is None else f"{part:.2f}")
        rows.append(cells)
    slopes = ("per host, least squares", "up, ms", "down, ms", "memory, MiB")
    return table([*slopes, "whole lab, up, ours by theirs", "whole lab, memory, ours by theirs"], rows)


def _where(samples: Sequence[Sample], names: Sequence[str]) -> str:
    """What memory and time go to, at the largest size with all services."""
    running = [sample for sample in samples if sample.services]
    if not running:
        return ""
    sites = max(sample.sites for sample in running)
    found = {name: of(running, name, services=True, sites=sites) for name in names}
    chosen = {name: group for name, group in found.items() if group}
    names = list(chosen)

    def middle(name: str, part: str) -> float:
        return statistics.median(sample.parts.get(part, 0.0) for sample in chosen[name])

    parts = dict.fromkeys(part for group in chosen.values() for sample in group for part in sample.parts)
    programs = sorted(
        (part for part in parts if not part.startswith(PHASE)), key=lambda part: max(middle(name, part) for name in names)
    )
    memory = [[program, *(number(middle(name, program)) for name in names)] for program in programs[: -_PROGRAMS - 1 : -1]]
    phases = [
        [f"{name}: {part.removeprefix(PHASE)}", number(middle(name, part))]
        for name in names
        for part in dict.fromkeys(part for sample in chosen[name] for part in sample.parts if part.startswith(PHASE))
    ]
    title = f"### Where they go: {sites} site{'s' if sites > 1 else ''}, all services"
    tables = (table(["memory (PSS), MiB", *names], memory), table(["start, phase by phase", "s"], phases))
    return f"{title}\n\n" + "\n".join(tables)
