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
