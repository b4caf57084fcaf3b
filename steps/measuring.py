"""Values over time, kept in the record so that they can be drawn: when answers came, and how long round trips took."""

from __future__ import annotations

from itertools import pairwise

from lab.flows import Flow
from lab.probe import Echoes
from reports.entries import Series
from steps.plugins.recording import ScenarioRecorder


def record_answers(record: ScenarioRecorder, flow: Flow, *, limit: float) -> None:
    """Keep when each answer of a flow came, and how long after the one before it; ``limit`` (ms) is the accepted silence."""
    silences = list(pairwise((flow.begun, *flow.arrivals, flow.ended)))
    record.write(
        lambda instance, step: Series(
            instance=instance,
            step=step,
            what=flow.name,
            kind="answers",
            positions=tuple(round(at - flow.begun, 3) for _, at in silences),
            milliseconds=tuple(round((at - before) * 1000) for before, at in silences),
            limit=limit,
        )
    )


def record_round_trips(record: ScenarioRecorder, what: str, echoes: Echoes) -> None:
    """Keep how long each answered ping took."""
    record.write(
        lambda instance, step: Series(
            instance=instance,
            step=step,
            what=what,
            kind="round trips",
            positions=tuple(range(1, echoes.answered + 1)),
            milliseconds=tuple(round(trip * 1000, 3) for trip in echoes.round_trips),
        )
    )
