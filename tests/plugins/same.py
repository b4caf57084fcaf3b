"""What two records of the same scenarios must have in common, whoever ran them and when."""

from __future__ import annotations

from reports.record import Record


def steady(record: Record) -> object:
    """What of a record may not depend on who ran what, and when."""
    return [
        (name, one.verdict, one.ending.reason, [step.text for step in one.steps], [file.path for file in one.evidence])
        for _, scenarios in record.by_feature()
        for one in scenarios
        for name in [one.start.instance]
    ]


def plan(record: Record) -> object:
    assert record.plan is not None
    return record.plan.planned, record.plan.deselected, record.plan.features
