"""What two records of the same scenarios must have in common, whoever ran them and when."""

from __future__ import annotations

from reports.record import Record


def told(record: Record) -> object:
    """What of each scenario may not depend on who ran what, and when."""
    return [
        (one.start.instance, one.verdict, one.ending.reason, [step.text for step in one.steps])
        for _, scenarios in record.by_feature()
        for one in scenarios
    ]


def evidence(record: Record) -> dict[str, list[str]]:
    """The files that were kept of each scenario. In a lab they depend on which wires carried something meanwhile."""
    return {name: [file.path for file in one.evidence] for name, one in record.scenarios.items()}


def plan(record: Record) -> object:
    """What was to be run."""
    assert record.plan is not None
    return record.plan.planned, record.plan.deselected, record.plan.features
