"""Which rules the scenarios of a run exercised, and which none did."""

from __future__ import annotations

from pathlib import Path

from reports.coverage import told, untouched
from reports.entries import Coverage, Plan, Rules, Scenario
from reports.record import Record, ScenarioRecord
from tests.reports.examples import RUN


def _record(touched: dict[str, int], *, deselected: int = 0, campaign: int = 0) -> Record:
    start = Scenario(instance="SNS-WEB-01[sbg7-http]", scenario="SNS-WEB-01", name="", feature="", rule="", file="", line=1,
                     tags=(), steps=())  # fmt: skip
    scenario = ScenarioRecord(start, coverage=[Coverage(instance=start.instance, site="sbg7", touched=touched)])
    rules = Rules(site="sbg7", places={"Filter/05:3": "pass from any to any", "VPN/01:5": "tunnel from a to b with c"})
    plan = Plan(planned=(start.instance,), deselected=deselected, campaign=campaign)
    return Record(folder=Path(), run=RUN, plan=plan, rules=[rules], scenarios={start.instance: scenario})


def test_what_no_scenario_touches_is_listed_by_site() -> None:
    record = _record({"Filter/05:3": 2})
    assert untouched(record) == {"sbg7": {"VPN/01:5": "tunnel from a to b with c"}}
    assert list(told(record, 100)) == ["1 of 2 rules, tunnels, rights and routes were exercised, not:", "  sbg7: VPN/01:5"]


def test_where_all_is_touched_one_line_says_so() -> None:
    assert list(told(_record({"Filter/05:3": 2, "VPN/01:5": 1}), 100)) == [
        "2 of 2 rules, tunnels, rights and routes were exercised"
    ]


def test_a_part_of_the_scenarios_says_nothing_of_the_whole() -> None:
    assert list(told(_record({}, deselected=3), 100)) == []


def test_the_campaign_which_nobody_asked_for_is_no_missing_part() -> None:
    assert list(told(_record({"Filter/05:3": 2, "VPN/01:5": 1}, deselected=3, campaign=3), 100)) != []
