"""Values over time, kept in the record so that they can be drawn: how long round trips took."""

from __future__ import annotations

from lab.probe import Echoes
from reports.entries import Series
from steps.plugins.recording import ScenarioRecorder


def record_round_trips(record: ScenarioRecorder, what: str, echoes: Echoes) -> None:
    """Keep how long each answered ping took."""
    record.write(
        lambda instance, step: Series(
            instance=instance,
            step=step,
            what=what,
            kind="round trips",
            positions=tuple(echoes.round_trips),
            milliseconds=tuple(round(trip * 1000, 3) for trip in echoes.round_trips.values()),
        )
    )
