"""What ``rempart gate`` asks of a run: the scenarios of some sites, and the change in the record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from reports.encoding import decode
from reports.entries import Change
from tests.plugins.tree import ROOT, Tree, feature

SCENARIO = """
@SNS-WEB-01
Scenario: The page is there
  Given a page
"""
SENTENCES = """
@given("a page")
def _page(): ...
"""


def _collected(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "features", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_of_a_site_run_its_scenarios_those_of_its_tunnels_and_those_of_no_site() -> None:
    status, told = _collected("--site", "gra11")
    assert status == 0
    assert "SNS-WEB-01[gra11-http]" in told
    assert "SNS-IPSEC-01[sbg7-gra11]" in told
    assert "::SNS-PLAT-07\n" in told
    assert "[sbg7]" not in told
    assert "[web-sbg7]" not in told


def test_a_site_that_the_deployment_does_not_have_is_refused() -> None:
    status, told = _collected("--site", "par1")
    assert status != 0
    assert "--site: no site par1 (there are sbg7, gra11)" in told


def test_what_the_change_cannot_affect_is_left_out_but_not_what_is_drawn_from_the_policy(tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text(json.dumps({"SNS-WEB-01[sbg7-http]": "met none", "SNS-POL-01[sbg7]": "met none"}))
    status, told = _collected("--unaffected", str(tmp_path / "proofs.json"))
    assert status == 0
    assert "SNS-WEB-01[gra11-http]" in told
    assert "SNS-WEB-01[sbg7-http]" not in told
    assert "SNS-POL-01[sbg7]" in told


def test_the_record_has_the_proof_of_what_was_left_out(tmp_path: Path) -> None:
    other = SCENARIO.replace("01", "02").replace("is there", "is not there")
    tree = Tree.plant(tmp_path, {"a.feature": feature(SCENARIO + other)}, SENTENCES)
    (tmp_path / "proofs.json").write_text(json.dumps({"SNS-WEB-02": "met none of sbg7/Filter/05:9 in R", "SNS-WEB-09": ""}))
    done = tree.run(*tree.features, "--unaffected", str(tmp_path / "proofs.json"))
    assert done.status == 0, done.output
    plan = tree.record().plan
    assert plan is not None
    assert (plan.planned, plan.deselected) == (("SNS-WEB-01",), 1)
    assert plan.unaffected == {"SNS-WEB-02": "met none of sbg7/Filter/05:9 in R"}


def test_the_change_stands_in_the_record(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(SCENARIO)}, SENTENCES)
    change = {"entry": "change", "site": "sbg7", "kind": "opens.internet", "needs": "refused", "what": ["any -> Firewall_out"],
              "was": "is refused", "now": "passes", "file": "sbg7/Filter/05", "line": 8}  # fmt: skip
    (tmp_path / "changes.jsonl").write_text(json.dumps(change) + "\n")
    done = tree.run(*tree.features, "--changes", str(tmp_path / "changes.jsonl"))
    assert done.status == 0, done.output
    lines = [json.loads(line) for line in (tree.record().folder / "record.jsonl").read_text().splitlines()]
    (told,) = [decode(line) for line in lines if line["entry"] == "change"]
    assert isinstance(told, Change)
    assert (told.kind, told.what, told.line) == ("opens.internet", ("any -> Firewall_out",), 8)
