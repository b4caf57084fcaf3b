"""``rempart preflight`` as its users call it: for a person, a program, a code host, a change ticket."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from cli.main import main
from provisioning.preflight.rule import rules
from tests.cli.test_check import SARIF
from tests.provisioning.plans import AS_PRINTED, GUIDE, MINIMAL, copy_of
from tests.provisioning.test_deployment_mistakes import MISTAKES, change

PAGE = Path(__file__).resolve().parents[2] / "docs/preflight.md"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's keys, nobody's clouds."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_CLIENT_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        ([str(GUIDE)], 0, "0 error, 0 warning, 14 information; no cloud was asked (--cloud NAME)"),
        ([str(AS_PRINTED)], 1, "12 error, 29 warning, 14 information; no cloud was asked (--cloud NAME)"),
        ([str(AS_PRINTED), "--fail-on", "never"], 0, "no cloud was asked (--cloud NAME)"),
        ([str(MINIMAL), "--runbook", str(AS_PRINTED / "runbook.sh")], 1, "no cloud was asked (--cloud NAME)"),
        ([str(MINIMAL), "--fail-on", "warning"], 0, "no cloud was asked (--cloud NAME)"),
    ],
)
def test_for_a_person(arguments: list[str], status: int, last: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", *arguments]) == status
    assert capsys.readouterr().out.splitlines()[-1].endswith(last)


def test_a_page_is_looked_at_as_a_runbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("Prose: hasyn\n\n> ```bash\n> ssh admin@<ip>\n> hasyn\n> ```\n\n```toml\nhasyn = 1\n```\n")

    assert main(["preflight", str(MINIMAL), "--runbook", str(page)]) == 1
    told = capsys.readouterr().out
    assert f"{page}:5: error: hasyn: 'hasyn': did you mean 'hasync'? (write the command's name) [S6]\n" in told
    assert f"{page}:5: warning: hasyn: hasyn: behind 'ssh admin@<ip>', it runs here" in told


def test_json_has_each_place_and_the_fact_that_the_rule_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    main(["preflight", str(AS_PRINTED), "--format", "json"])
    told = json.loads(capsys.readouterr().out)

    assert told["counts"] == {"error": 12, "warning": 29, "information": 14}
    found = {finding["rule"]: finding for finding in told["findings"]}
    assert (found["S6"]["file"], found["S6"]["line"]) == (f"{AS_PRINTED}/runbook.sh", 40)
    assert [place["line"] for place in found["S6"]["also"]] == [59]
    assert found["S6"]["source"] == rules()["S6"].source


def test_sarif_names_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    main(["preflight", str(AS_PRINTED), "--format", "sarif"])
    document = json.loads(capsys.readouterr().out)

    jsonschema.validate(document, SARIF)
    driver = document["runs"][0]["tool"]["driver"]
    assert driver["name"] == "rempart preflight"
    assert [rule["id"] for rule in driver["rules"]] == [*rules(), "plan"]
    assert {result["level"] for result in document["runs"][0]["results"]} == {"error", "warning", "note"}


def test_markdown_is_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["preflight", str(AS_PRINTED), "--format", "md"])
    told = capsys.readouterr().out.splitlines()

    assert told[0] == "# Preflight of guide-as-printed"
    rows = [line for line in told if line.startswith("| ")][2:]
    assert len(rows) == len(rules())
    assert {row.count(" | ") for row in rows} == {4}
    assert "<dns" not in "".join(told)  # a placeholder is no tag of the page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "rempart: preflight DIR: which deployment folder?"),
        (["nowhere"], "rempart: nowhere/deployment.toml:1: deployment: no such folder"),
        ([str(GUIDE), "--runbook", "nowhere"], "rempart: nowhere: No such file or directory"),
        ([str(GUIDE), "--cloud", "nowhere"], "rempart: --cloud nowhere: "),
    ],
)
def test_nothing_to_look_at(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_plan_with_a_mistake_is_looked_at_all_the_same(
    mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What reading finds is told, by its own words or by a rule's; nothing of it breaks the rules."""
    before, after, _, message = MISTAKES[mistake]
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", before, after)

    assert main(["preflight", str(folder)]) == 1
    told = capsys.readouterr().out
    assert message.partition(":")[0] in told
    assert "0.0.0.0" not in told.replace("0.0.0.0/0", ""), "a rule speaks of what stands for a value that was refused"


def test_every_rule_is_in_the_list_and_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(rules())

    rows = [f"| {one.id} | {one.severity} | {one.title} | {one.source} | {one.remedy} |" for one in rules().values()]
    assert [row for row in rows if row not in PAGE.read_text()] == []
    assert PAGE.read_text().count("| O1 |") == 1
