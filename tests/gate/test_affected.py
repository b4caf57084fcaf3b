"""Which scenarios a change cannot affect: those that are known to have met none of its rules on the configuration before."""

from __future__ import annotations

import dataclasses
import subprocess
from datetime import date
from pathlib import Path

import pytest

from cli import gate_coverage
from cli.configurations import NothingToRead
from provisioning.deployment import load
from provisioning.gate.affected import unaffected
from provisioning.gate.changes import Change
from provisioning.gate.files import load_policy
from provisioning.gate.static import Side, static
from reports.coverage import met
from reports.entries import Coverage, End, Plan, Verdict
from reports.record import Record, ScenarioRecord
from steps.plugins.run_header import hashes
from tests.gate.cases import BAD, edited
from tests.provisioning.plans import GUIDE, change, copy_of
from tests.reports.examples import LAB, RUN, outcome, scenario, written

MET = {
    "SNS-WEB-01[sbg7-http]": {"sbg7": {"Filter/05:11"}},
    "SNS-MGMT-04[sbg7]": {"sbg7": {"Filter/05:8", "Filter/05:9"}},
    "SNS-IPSEC-01[sbg7-gra11]": {"sbg7": {"Filter/05:14"}, "gra11": {"Filter/05:9"}},
    "SNS-WEB-01[gra11-http]": {"gra11": {"Filter/05:9"}},
}


def _change(kind: str = "opens.internet", met_before: str = "Filter/05:9", site: str = "sbg7") -> Change:
    return Change(site, kind, "nothing", ("any -> Firewall_out",), "was", "now", None, met=met_before)


def test_who_met_none_of_the_rules_is_not_affected_and_the_proof_names_them() -> None:
    proof = "met none of sbg7/Filter/05:9 in R"
    assert unaffected([_change()], MET, "R") == {"SNS-WEB-01[sbg7-http]": proof, "SNS-IPSEC-01[sbg7-gra11]": proof}


def test_a_scenario_of_two_sites_has_to_have_met_none_at_both() -> None:
    found = unaffected([_change(), _change(site="gra11")], MET, "R")
    assert list(found) == ["SNS-WEB-01[sbg7-http]"]


@pytest.mark.parametrize(
    "other",
    [_change("settings.vpn", ""), _change("others.unmodelled", ""), _change("others.logging", ""), _change("opens.tunnel", "")],
    ids=lambda one: one.kind,
)
def test_what_packets_do_not_tell_or_no_rule_decided_may_affect_all(other: Change) -> None:
    assert unaffected([_change(), other], MET, "R") == {}


def test_what_is_said_of_a_configuration_affects_nobody() -> None:
    assert unaffected([_change(), _change("findings.error", "")], MET, "R") == unaffected([_change()], MET, "R")


def test_the_rule_that_packets_met_before_is_that_of_the_slot_before(tmp_path: Path) -> None:
    after = edited(next(case for case in BAD if case.name == "SSH for everybody"), tmp_path)
    found, _ = static(Side.of(load(GUIDE)), Side.of(load(after)), load_policy(None), (), date(2026, 1, 1))
    assert {one.met for one in found if one.flow} == {"Filter/05:9"}


# Where it is known from ---------------------------------------------------------------------------------------------------

HEAD = subprocess.run(["git", "-C", str(GUIDE), "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def _ran(folder: Path, deployment: Path, **header: object) -> Record:
    """The record of a run on a deployment."""
    described = {"deployment_files": hashes(deployment), "commit": HEAD, "dirty": False, **header}
    run = dataclasses.replace(RUN, **described)  # type: ignore[arg-type]
    name = "SNS-WEB-01[sbg7]"
    plan, end = Plan(planned=(name,)), End(status=0, seconds=1.0, counts={"pass": 1})
    return written(folder, [run, plan, LAB, scenario(name), outcome(name), end])


@pytest.fixture
def _code_as_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written beside this test is not its affair."""
    monkeypatch.setattr(gate_coverage, "_CODE", ("tests/__init__.py",))


@pytest.mark.usefixtures("_code_as_committed")
def test_the_newest_run_of_the_same_plan_and_files_is_gone_by(tmp_path: Path) -> None:
    other = copy_of(GUIDE, tmp_path)
    change(other / "sbg7/ConfigFiles/Filter/05", "# SSH", "# by SSH")
    runs = tmp_path / "runs"
    for name, deployment in (("20260101-a", GUIDE), ("20260102-b", GUIDE), ("20260103-c", other)):
        _ran(runs / name, deployment)
    (runs / "20260104-d").mkdir()
    found = gate_coverage.find(load(GUIDE), None, runs)
    assert found is not None
    assert found.folder == runs / "20260102-b"
    assert gate_coverage.find(load(GUIDE), None, tmp_path / "none") is None


@pytest.mark.usefixtures("_code_as_committed")
@pytest.mark.parametrize(
    "header, told",
    [
        ({"deployment_files": {"deployment.toml": "0" * 64}}, "is of another plan or configuration than the one before"),
        ({"dirty": True}, "nobody can say of which code it is"),
        ({"commit": "0" * 40}, "the scenarios are not those of commit 000000000000 any more"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path, header: dict[str, object], told: str) -> None:
    _ran(tmp_path / "run", GUIDE, **header)
    with pytest.raises(NothingToRead, match=told):
        gate_coverage.find(load(GUIDE), tmp_path / "run", None)
    assert gate_coverage.find(load(GUIDE), None, tmp_path) is None


def _seen(name: str, *places: str, verdict: Verdict = "pass", whole: bool = True, first: str = "") -> ScenarioRecord:
    coverage = [Coverage(instance=name, site="sbg7", touched=dict.fromkeys(places, 1), whole=whole)]
    start = dataclasses.replace(scenario(name), steps=(first or f"Given {name}", "Then all is well"))
    return ScenarioRecord(start, coverage=coverage, outcome=outcome(name, verdict))


def _met(*scenarios: ScenarioRecord) -> dict[str, dict[str, frozenset[str]]]:
    return met(Record(folder=Path(), run=RUN, scenarios={one.start.instance: one for one in scenarios}))


def test_only_what_passed_and_is_whole_tells_what_a_scenario_met() -> None:
    found = _met(_seen("passed", "Filter/05:3"), _seen("failed", "Filter/05:3", verdict="fail"), _seen("in part", whole=False))
    assert found == {"passed": {"sbg7": {"Filter/05:3"}}}


def test_what_one_scenario_started_may_go_on_in_the_next_that_begins_alike() -> None:
    flows = "Given flows of every class run through the firewall"
    one, other = _seen("SNS-HA-04[sbg7]", "Filter/05:3", first=flows), _seen("SNS-HA-05[sbg7]", first=flows)
    elsewhere = _seen("SNS-HA-05[gra11]", first=flows)
    found = _met(one, other, elsewhere)
    assert [found[name]["sbg7"] for name in ("SNS-HA-04[sbg7]", "SNS-HA-05[sbg7]", "SNS-HA-05[gra11]")] == [
        {"Filter/05:3"}, {"Filter/05:3"}, frozenset(),
    ]  # fmt: skip
    assert _met(_seen("SNS-HA-04[sbg7]", whole=False, first=flows), other) == {}
