"""What is kept of pings, to be drawn."""

from __future__ import annotations

from collections.abc import Callable

from lab.probe import Echoes
from reports.entries import Series
from steps.measuring import record_round_trips


class Recorder:
    """Takes the place of a scenario's recorder."""

    def __init__(self) -> None:
        self.written: list[Series] = []

    def write(self, make: Callable[[str, int], Series]) -> None:
        self.written.append(make("SNS-A-01", 1))


def test_a_ping_that_was_lost_leaves_a_hole_among_the_others() -> None:
    recorder = Recorder()
    record_round_trips(recorder, "round trips", Echoes(4, {1: 0.010, 3: 0.0125, 4: 0.011}))  # type: ignore[arg-type]
    (series,) = recorder.written
    assert series.positions == (1, 3, 4)
    assert series.milliseconds == (10.0, 12.5, 11.0)
