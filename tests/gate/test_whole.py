"""The gate from its call to its word: a change measured in a lab of its own, the scenarios that it can affect, the record."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import gate_coverage
from cli.main import main
from reports.entries import Coverage, End, Plan
from reports.record import read
from steps.plugins.run_header import hashes
from tests.gate.test_affected import HEAD
from tests.provisioning.plans import MINIMAL, change, copy_of
from tests.reports.examples import LAB, RUN, outcome, scenario, written

pytestmark = pytest.mark.lab

ROOT = MINIMAL.parents[1]
RULES, OBJECTS = "sbg7/ConfigFiles/Filter/05", "sbg7/ConfigFiles/object"
PUBLISHED, MANAGEMENT, OTHERS = "Filter/05:9", "Filter/05:7", "Filter/05:11"  # and who is refused by which
MET = {"SNS-MGMT-04[sbg7]": MANAGEMENT, "SNS-WEB-03[sbg7-http]": OTHERS}
OF_NO_SITE = {"SNS-PLAT-07", "SNS-PLAT-08"}
ALWAYS = {"SNS-POL-01[sbg7]", *OF_NO_SITE}  # the first draws what it sends from the policy


@pytest.fixture(scope="module")
def coverage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the deployment in which one scenario met the rule that refuses the management, one that for all the rest."""
    collect = [sys.executable, "-m", "pytest", "features", "--collect-only", "-q", "--deployment", str(MINIMAL)]
    told = subprocess.run([*collect, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [line.partition("::")[2] for line in told.splitlines() if "::" in line and "[none]" not in line]
    lines = [RUN_OF_MINIMAL, Plan(planned=tuple(names)), LAB]
    for name in names:
        met = {PUBLISHED: 1, MET.get(name, PUBLISHED): 1}
        of_site = [] if name in OF_NO_SITE else [Coverage(instance=name, site="sbg7", touched=met, whole=True)]
        lines += [dataclasses.replace(scenario(name), steps=(f"Given {name}",)), *of_site, outcome(name)]
    folder = tmp_path_factory.mktemp("run")
    written(folder, [*lines, End(status=0, seconds=1.0, counts={"pass": len(names)})])
    return folder


RUN_OF_MINIMAL = dataclasses.replace(RUN, deployment_files=hashes(MINIMAL), commit=HEAD, dirty=False)


@pytest.fixture(autouse=True)
def _code_as_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written beside this test is not its affair."""
    monkeypatch.setattr(gate_coverage, "_CODE", ("tests/__init__.py",))


def _gate(after: Path, coverage: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    told, runs = folder / "told.json", folder / "runs"
    words = ("--before", str(MINIMAL), "--after", str(after), "--coverage", str(coverage), "--runs", str(runs))
    return main(["gate", *words, "--json", str(told)]), json.loads(told.read_text())


def _flow(told: dict[str, Any]) -> dict[str, Any]:
    (flow,) = [one for one in told["changes"] if one["example"]]
    return flow


def test_a_bad_change_is_refused_with_its_flow_measured_and_the_scenario_that_it_breaks(tmp_path: Path, coverage: Path) -> None:
    after = copy_of(MINIMAL, tmp_path)
    change(after / RULES, "from admin_client on out to Firewall_out port ssh", "from any on out to Firewall_out port ssh")

    status, told = _gate(after, coverage, tmp_path)

    flow, run = _flow(told), told["scenarios"]
    assert (status, told["verdict"], told["errors"]) == (1, "refused", [])
    assert (flow["kind"], flow["needs"], flow["wrong"], flow["unmeasured"]) == ("opens.internet", "refused", "", "")
    assert flow["seen_before"] == "arrived, and came out nowhere"
    assert flow["seen_after"].startswith("came out sbg7:firewall as 198.51.100.102")
    assert {*run["ran"]} == {"SNS-MGMT-04[sbg7]", *ALWAYS}
    assert run["failed"] == {"SNS-MGMT-04[sbg7]": "expected the stranger's SSH: silent, observed answered"}
    assert run["unaffected"]["SNS-EGRESS-01[web-sbg7]"] == f"met none of sbg7/{MANAGEMENT} in {RUN.run}"
    record = read(Path(run["record"]).parent)
    assert record.complete
    assert record.plan is not None
    assert record.plan.unaffected == run["unaffected"]


def test_a_change_that_somebody_answers_for_and_that_breaks_nothing_is_accepted(tmp_path: Path, coverage: Path) -> None:
    after = copy_of(MINIMAL, tmp_path)
    change(after / OBJECTS, "ntp=123/udp", "extra=8080/udp\nntp=123/udp")
    change(after / RULES, "[Filter]\n", "[Filter]\npass from admin_client on out to Firewall_out port extra\n")
    (after / "expected-changes.toml").write_text(EXPECTED)

    status, told = _gate(after, coverage, tmp_path)

    flow, run = _flow(told), told["scenarios"]
    assert (status, told["verdict"], told["errors"]) == (0, "accepted", [])
    assert (flow["needs"], flow["answered"]) == ("nothing", "web team: the new page (until 2099-12-31, line 1)")
    assert (flow["wrong"], flow["unmeasured"], run["failed"], run["unclear"]) == ("", "", {}, {})
    assert {*run["ran"]} == {"SNS-WEB-03[sbg7-http]", *ALWAYS}


EXPECTED = """\
[[expected]]
kind = "opens"
from = "admin_client"
to = "Firewall_out"
service = "extra"
owner = "web team"
reason = "the new page"
expires = 2099-12-31
"""
