"""The tables of a run's failovers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reports.failovers import render
from tests.reports.examples import RUN, scenario, written
from tests.reports.test_record import LANE, TAKEOVER

KILLED = [
    dataclasses.replace(
        TAKEOVER,
        number=number,
        noisiest="pings to gra11, back",
        lanes=(
            dataclasses.replace(LANE, gap=gap),
            dataclasses.replace(LANE, flow_class="tcp", gap=210.0, survived=gap < 90, budget=700),
        ),
    )
    for number, gap in enumerate((70.0, 80.0, 90.0), start=1)
]


def test_each_class_and_each_phase_is_told_by_its_distribution(tmp_path: Path) -> None:
    text = render(written(tmp_path, [RUN, scenario("i"), *KILLED]))
    assert "## i: member killed, 3 times" in text
    assert "| nat | 70.0 | 80.0 | 90.0 | 90.0 | 40 | 250 | – |" in text
    assert "| tcp | 210.0 | 210.0 | 210.0 | 210.0 | 40 | 700 | 2 of 3 |" in text
    assert "| detection | 60.5 | 60.5 | 60.5 | 60.5 |" in text
    assert "TokenTimeout 80. Resolution 2, noise at most 3.5 (pings to gra11, back, before failover 1)." in text
    assert "The tokens foretell a gap of 70 for plain flows." in text


def test_a_scenario_without_failovers_has_no_section(tmp_path: Path) -> None:
    assert "##" not in render(written(tmp_path, [RUN, scenario("i")]))
