"""The ledger of a run's failovers as tables in Markdown: how the cost of each class of flow is spread, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.entries import Failover
from reports.ledger import Distribution, Lane, distribution, gaps_by_class
from reports.record import Record


def render(record: Record) -> str:
    """A section for each scenario instance that has failovers; times in milliseconds."""
    simulated = "simulated lab" if record.simulated else "the deployment itself"
    lines = [
        f"# Failovers of run {record.run.run}",
        "",
        f"{record.run.at}, {record.run.platform}, {simulated}. Times in ms.",
        "",
    ]
    for name, scenario in record.scenarios.items():
        if scenario.failovers:
            lines += [*_section(name, scenario.failovers), ""]
    return "\n".join(lines)


def _section(name: str, failovers: Sequence[Failover]) -> Iterator[str]:
    first = failovers[0]
    tokens = ", ".join(f"{token} {value}" for token, value in first.tokens.items())
    yield f"## {name}: {first.kind}, {len(failovers)} times"
    yield ""
    loudest = max(failovers, key=lambda one: one.noise)
    where = f" ({loudest.noisiest}, before failover {loudest.number})" if loudest.noisiest else ""
    yield f"{tokens}. Resolution {first.resolution:g}, noise at most {loudest.noise:g}{where}."
    yield f"The machine woke the instrument late by {_late(failovers)}."
    if first.predicted is not None:
        yield f"The tokens foretell a gap of {first.predicted:g} for plain flows."
    yield ""
    yield "| class | min | median | p95 | max | lost, at most | budget | sessions that survived |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for flow_class, spread in gaps_by_class(failovers).items():
        lanes = [lane for one in failovers for lane in one.lanes if lane.flow_class == flow_class]
        lost, budget = max(lane.lost for lane in lanes), lanes[0].budget
        yield f"| {flow_class} | {_spread(spread)} | {lost} | {budget:g} | {_survived(lanes)} |"
    yield ""
    yield "| phase | min | median | p95 | max |"
    yield "| --- | --- | --- | --- | --- |"
    for phase in dict.fromkeys(phase.name for one in failovers for phase in one.phases):
        lasted = distribution(part.end - part.begin for one in failovers for part in one.phases if part.name == phase)
        yield f"| {phase} | {_spread(lasted)} |"


def _spread(spread: Distribution) -> str:
    return f"{spread.min:.1f} | {spread.median:.1f} | {spread.p95:.1f} | {spread.max:.1f}"


def _survived(lanes: Sequence[Lane]) -> str:
    sessions = [lane.survived for lane in lanes if lane.survived is not None]
    return f"{sum(sessions)} of {len(sessions)}" if sessions else "–"


def _late(failovers: Sequence[Failover]) -> str:
    late = [one.scheduling for one in failovers]
    return f"{distribution(one.median for one in late).median:.2f} (median), at most {max(one.max for one in late):.2f}"
