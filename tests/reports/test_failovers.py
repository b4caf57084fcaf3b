"""Failovers as they are drawn: each phase and flow of one, each gap of many, and the same in tables and in French."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.html import page
from reports.html.failovers import Group, course, groups, spread
from reports.html.view import view
from reports.languages import language
from reports.record import Record
from tests.reports.examples import written
from tests.reports.failovers import CAMPAIGN, INSTANCE, TOO_LONG, failover
from tests.reports.runs import MIXED

ENGLISH, FRENCH = language("en"), language("fr")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return written(tmp_path_factory.mktemp("run"), (*MIXED[:-1], *CAMPAIGN, MIXED[-1]))


@pytest.fixture(scope="module")
def killed(record: Record) -> Group:
    first, second = groups(view(record))
    assert (first.kind, second.kind) == ("member killed", "switch")
    assert first.instance.name == INSTANCE
    return first


def test_the_one_that_is_shown_first_went_farthest_beyond_its_budget(killed: Group) -> None:
    assert killed.worst.number == 17
    assert len(killed.others) == 29
    nat = killed.classes["nat"]
    assert (nat.of.count, nat.of.max, nat.budget, nat.verdict) == (30, TOO_LONG, 250, "fail")
    assert {one.verdict for name, one in killed.classes.items() if name != "nat"} == {"pass"}


def test_a_course_has_every_phase_and_every_flow_with_its_gap(killed: Group) -> None:
    drawn = str(course(killed.worst, ENGLISH, "screen"))
    for phase in killed.worst.phases:
        assert f">{phase.name}<" in drawn
    assert drawn.count('class="phase"') == len(killed.worst.phases)
    assert "✗ → UDP to the Internet" in drawn
    assert "412 / 250 ms" in drawn
    assert "→ UDP beside the firewall" in drawn
    assert drawn.count("bar-fail") == 2, "both directions of the flow that was silent for too long"


def test_a_gap_is_as_wide_as_it_was_long() -> None:
    lane = replace(failover(1).lanes[0], gap=170.0, gap_begin=0.0, silences=((0.0, 170.0),))
    drawn = str(course(replace(failover(1), lanes=(lane,), phases=(), drawn=(-200.0, 1500.0)), ENGLISH, "screen"))
    assert re.search(r'class="bar-inconclusive" x="11\.76%" y="[\d.]+" width="10\.00%"', drawn)
    (limit,) = re.findall(r'class="limit" x1="([\d.]+)%"', drawn)
    assert float(limit) == pytest.approx(100 * 450 / 1700, abs=0.01)


def test_a_flow_that_never_came_back_has_nothing_after_its_silence() -> None:
    lane = replace(failover(1).lanes[0], gap=1500.0, gap_begin=0.0, silences=((0.0, 1500.0),), back_after=None)
    drawn = str(course(replace(failover(1), lanes=(lane,), phases=()), ENGLISH, "screen"))
    assert drawn.count('class="answered"') == 1


def test_each_failover_is_a_dot_in_each_class(killed: Group) -> None:
    drawn = str(spread(killed, ENGLISH, "screen"))
    assert drawn.count("<circle") == 30 * len(killed.classes)
    assert drawn.count('class="dot beyond"') == 1
    assert drawn.count('class="median"') == drawn.count('class="p95"') == drawn.count('class="limit"') == len(killed.classes)


def test_the_page_says_it_in_tables_too(record: Record) -> None:
    shown = page.render(record)
    assert shown.count(">The same as a table<") == 31
    assert shown == page.render(record)
    paper = page.render(record, medium="paper")
    assert "The same as a table" not in paper
    assert len(re.findall(r'class="failover"', paper)) == 2, "on paper the one nearest to its budgets, of each kind"


def test_a_record_without_failovers_has_no_such_part(tmp_path: Path) -> None:
    assert 'id="failovers"' not in page.render(written(tmp_path, MIXED))


def test_french_readers_find_no_english_beside_the_flows_own_names(killed: Group) -> None:
    for drawn in (course(killed.worst, FRENCH, "screen"), spread(killed, FRENCH, "screen")):
        words = re.findall(r"<text[^>]*>([^<]*)<", str(drawn))
        assert not [word for word in words if word in ("detection", "fault", "translated flows") or word.startswith("median ")]
