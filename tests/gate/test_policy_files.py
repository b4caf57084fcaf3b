"""``gate.toml`` and ``expected-changes.toml``: who decides what a change needs, and who answers for which."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.gate.cases import BAD, Case, edited
from tests.provisioning.plans import GUIDE, copy_of

BY_NAME = {case.name: case for case in BAD}
OPENED = BY_NAME["SSH for everybody"]
PORT = BY_NAME["a second port published without a word"]

EXPECTED = """\
[[expected]]
site = "sbg7"
kind = "opens"
from = "Internet"
to = "Firewall_out"
service = "extra"
owner = "web team"
reason = "the new page"
expires = {expires}
"""


def _gate(case: Case, folder: Path, *more: str, expected: str = "", policy: str = "") -> tuple[int, dict[str, Any]]:
    before, after = copy_of(GUIDE, folder / "before"), edited(case, folder / "after")
    if expected:
        (after / "expected-changes.toml").write_text(expected)
    if policy:
        (before / "gate.toml").write_text(policy)
    told = folder / "told.json"
    status = main(["gate", "--static", "--before", str(before), "--after", str(after), "--json", str(told), *more])
    return status, json.loads(told.read_text()) if told.exists() else {}


def _needs(told: dict[str, Any], kind: str) -> set[str]:
    return {change["needs"] for change in told["changes"] if change["kind"] == kind}


def test_a_policy_says_what_each_kind_of_change_needs(tmp_path: Path) -> None:
    policy = '[opens]\ninternet = "approval"\n\n[findings]\nerror = "nothing"\n'
    status, told = _gate(OPENED, tmp_path, policy=policy)
    assert (status, told["verdict"]) == (3, "approval")
    assert told["policy"] == str(tmp_path / "before/guide/gate.toml")
    assert (_needs(told, "opens.internet"), _needs(told, "findings.error")) == ({"approval"}, {"nothing"})


def test_the_policy_is_that_of_before_so_a_change_does_not_judge_itself(tmp_path: Path) -> None:
    after = edited(OPENED, tmp_path)
    (after / "gate.toml").write_text('[opens]\ninternet = "nothing"\n')
    assert main(["gate", "--static", "--before", str(GUIDE), "--after", str(after)]) == 1


def test_a_change_that_somebody_answers_for_needs_nothing_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _gate(PORT, tmp_path, expected=EXPECTED.format(expires="2099-12-31"))
    assert (status, _needs(told, "opens.internet")) == (0, {"nothing"})
    assert "expected by web team: the new page (until 2099-12-31, line 1)" in capsys.readouterr().out


def test_what_goes_beyond_the_expected_is_refused_and_only_that(tmp_path: Path) -> None:
    expected = EXPECTED.replace('"Internet"', '"198.51.100.0/24"').format(expires="2099-12-31")
    status, told = _gate(PORT, tmp_path, expected=expected)
    opened = [change for change in told["changes"] if change["kind"] == "opens.internet"]
    assert (status, {change["needs"] for change in opened}) == (1, {"nothing", "refused"})
    refused = [change for change in opened if change["needs"] == "refused"]
    (answered,) = [change for change in opened if change["needs"] == "nothing"]
    assert answered["what"] == ["198.51.100.0-198.51.100.255 -> Firewall_out, tcp/8080, in by out"]
    assert refused
    assert not any("198.51.100." in change["example"].partition(" -> ")[0] for change in refused)


def test_an_expectation_that_is_over_counts_no_more_and_is_told(tmp_path: Path) -> None:
    status, told = _gate(PORT, tmp_path, expected=EXPECTED.format(expires="2020-12-31"))
    assert status == 1
    assert told["notes"] == ["expected-changes.toml:1: expired on 2020-12-31, and counts no more (web team: the new page)"]


def test_an_expectation_that_did_not_come_about_is_told(tmp_path: Path) -> None:
    expected = EXPECTED.replace('"extra"', '"udp/1000-1010"').format(expires="2099-12-31")
    _, told = _gate(PORT, tmp_path, expected=expected)
    assert told["notes"] == ["expected-changes.toml:1: did not come about (web team: the new page); remove it"]


def test_a_setting_is_answered_for_by_its_path(tmp_path: Path) -> None:
    expected = """\
[[expected]]
kind = "settings"
setting = "access.defaults.*"
owner = "security"
reason = "everybody works from home"
expires = 2099-12-31
"""
    status, told = _gate(BY_NAME["every user may use the VPN"], tmp_path, expected=expected)
    assert (status, _needs(told, "settings.access")) == (0, {"nothing"})


MISTAKEN = """\
[[expected]]
kind = "opened"
form = "Internet"
to = "nobody"
service = "tcp/70000"
in = "elsewhere"
owner = ""
expires = "soon"
"""


def test_every_mistake_of_a_file_is_told_at_once_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = _gate(PORT, tmp_path, expected=MISTAKEN)
    told = capsys.readouterr().err
    assert status == 2
    for mistake in (
        "expected-changes.toml:2: expected[1].kind: unknown kind 'opened' (did you mean 'opens'?)",
        "expected-changes.toml:3: expected[1].form: unknown key (did you mean 'from'?)",
        "expected-changes.toml:7: expected[1].owner: must be a text, between quotes",
        "expected-changes.toml:1: expected[1].reason: missing (add reason)",
        "expected-changes.toml:8: expected[1].expires: must be a day, without quotes, such as 2027-01-31",
    ):
        assert mistake in told


def test_names_that_the_configuration_does_not_have_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = EXPECTED.format(expires="2099-12-31").replace('"Internet"', '"nobody"').replace('"extra"', '"tcp/70000"')
    status, _ = _gate(PORT, tmp_path, expected=expected + 'in = "elsewhere"\n')
    told = capsys.readouterr().err
    assert status == 2
    assert 'expected-changes.toml:1: from: "nobody" is not declared' in told
    assert 'expected-changes.toml:1: service: "tcp/70000" is not tcp/PORT or tcp/FIRST-LAST' in told
    assert 'expected-changes.toml:1: in: "elsewhere" is no interface' in told


@pytest.mark.parametrize(
    "policy, told",
    [
        ('[opens]\ninternet = "maybe"\n', "gate.toml:2: opens.internet: unknown internet 'maybe'"),
        ('[opens]\nintranet = "nothing"\n', "gate.toml:2: opens.intranet: unknown key (did you mean 'internet'?)"),
        ("[opened]\n", "gate.toml:1: opened: unknown key (did you mean 'opens'?)"),
        ("\n[opens\n", "gate.toml:2: TOML: "),
        ("[opens]\ninternet =", "gate.toml:2: TOML: "),
        (f"opens = {'[' * 10_000}", "gate.toml:1: TOML: brackets are nested too deeply (two levels are enough)"),
        (f"\nopens = {'9' * 5000}", "gate.toml:2: TOML: a number has too many digits (write a smaller one)"),
    ],
    ids=["a need", "a key", "a table", "a bracket", "the end", "ten thousand brackets", "a number of 5000 digits"],
)
def test_a_mistaken_policy(policy: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _gate(PORT, tmp_path, policy=policy)[0] == 2
    assert told in capsys.readouterr().err


def test_markdown_and_sarif_tell_the_same(tmp_path: Path) -> None:
    markdown, sarif = tmp_path / "gate.md", tmp_path / "gate.sarif"
    status, told = _gate(OPENED, tmp_path, "--markdown", str(markdown), "--sarif", str(sarif))
    assert status == 1
    assert markdown.read_text().startswith("## Gate: REFUSED\n")
    assert "for example stranger (198.51.100.102) -> Firewall_out (147.135.161.153), tcp/22, in by out" in markdown.read_text()
    run = json.loads(sarif.read_text())["runs"][0]
    assert run["tool"]["driver"]["name"] == "rempart gate"
    assert len(run["results"]) == sum(change["needs"] != "nothing" for change in told["changes"])
    (first, *_) = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("guide/sbg7/ConfigFiles/Filter/05")
    assert place["region"] == {"startLine": 8}


def test_a_tree_takes_its_site_s_place_in_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = edited(OPENED, tmp_path) / "sbg7/ConfigFiles"
    assert main(["gate", "--static", "--before", str(GUIDE), "--after", str(tree), "--site", "sbg7"]) == 1
    assert "sbg7: 0.0.0.1" in capsys.readouterr().out
    assert main(["gate", "--static", "--before", str(GUIDE / "sbg7/ConfigFiles"), "--after", str(tree)]) == 1
    assert main(["gate", "--static", "--before", str(GUIDE), "--after", str(tree)]) == 2
    assert "is a tree alone: say which site's it is, --site sbg7 or gra11" in capsys.readouterr().err


def test_a_revision_against_the_working_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_of(GUIDE, tmp_path)
    monkeypatch.chdir(tmp_path)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.net")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "one")):
        subprocess.run(["git", *arguments], check=True)
    rules = tmp_path / "guide/sbg7/ConfigFiles/Filter/05"
    rules.write_text(rules.read_text().replace("# SSH", "# by SSH"))
    assert main(["gate", "--static", "--before", "HEAD:guide", "--after", "guide"]) == 0
    rules.write_text(rules.read_text().replace("from admin_client on out", "from any on out"))
    assert main(["gate", "--static", "--before", "HEAD:guide", "--after", "guide"]) == 1
