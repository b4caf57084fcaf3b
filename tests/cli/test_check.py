"""``rempart check`` as its users call it: on a deployment, on a tree, on two members' trees, for a person or a code host."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from cli.main import main
from sns.checks.run import CHECKS
from tests.provisioning.plans import GUIDE, change, copy_of
from tests.sns import trees

SARIF = {
    # What the standard (OASIS SARIF 2.1.0, sections 3.13, 3.14, 3.19, 3.27-3.30) requires of the parts that are written.
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": {"type": "object", "required": ["name", "rules"]}},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"type": "object", "required": ["text"]},
                                "locations": {"type": "array", "minItems": 1},
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_the_guides_deployment_has_nothing_that_the_appliance_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", str(GUIDE)])
    told = capsys.readouterr().out

    assert status == 0
    assert f"{GUIDE}/sbg7/ConfigFiles/network:29: warning: Address: the HA link (ha) takes its address by DHCP" in told
    assert told.splitlines()[-1].startswith("0 errors, 2 warnings, ")


@pytest.mark.parametrize("level, status", [("error", 0), ("warning", 1), ("note", 1), ("never", 0)])
def test_the_level_from_which_on_it_fails(level: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(GUIDE), "--fail-on", level]) == status
    assert "2 warnings" in capsys.readouterr().out


def test_what_plan_and_tree_disagree_on_is_told_beside_what_is_wrong_in_the_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "sbg7/ConfigFiles/object", "ubuntu-webserver=10.200.0.10", "ubuntu-webserver=10.200.0.11")
    change(folder / "gra11/ConfigFiles/route", "DefaultRoute=Firewall_out_router", "DefaultRoute=NOBODY")

    assert main(["check", str(folder)]) == 1
    errors = [line for line in capsys.readouterr().out.splitlines() if ": error: " in line]
    assert errors[0].startswith(f'{folder}/gra11/ConfigFiles/route:2: error: DefaultRoute: unknown host or router "NOBODY"')
    assert [error.partition(": error: ")[2] for error in errors[1:]] == [
        (
            "sites.sbg7.published[1]: no rule of the active slot leads tcp 80 to web"
            " (publish it in ConfigFiles/Filter, or take it out of the plan) [refused]"
        ),
        "destination: ubuntu-webserver is 10.200.0.11, which no host of the plan has [refused]",
    ]


def test_a_tree_and_the_other_members(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = trees.write(tmp_path / "one", trees.GUIDE)
    other = trees.write(tmp_path / "other", {**trees.GUIDE, "uac": "[Defaults]\nopenvpn=pass\n"})

    assert main(["check", str(one), "--peer", str(other), "--fail-on", "warning"]) == 1
    assert f"{one}/uac:2: warning: line: differs from {other}" in capsys.readouterr().out


def test_sarif_names_each_check_and_gives_the_same_finding_the_same_fingerprint_on_another_line(tmp_path: Path) -> None:
    first, moved = tmp_path / "first.sarif", tmp_path / "moved.sarif"
    folder = copy_of(GUIDE, tmp_path)
    main(["check", str(folder), "--format", "sarif", "--output", str(first)])
    change(folder / "sbg7/ConfigFiles/network", "[ethernet2]", "# a line more\n[ethernet2]")
    main(["check", str(folder), "--format", "sarif", "--output", str(moved)])
    before, after = (json.loads(path.read_text()) for path in (first, moved))

    jsonschema.validate(before, SARIF)
    rules = before["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.id for check in CHECKS]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in before["runs"][0]["results"])
    prints = [{r["partialFingerprints"]["finding/v1"] for r in each["runs"][0]["results"]} for each in (before, after)]
    assert prints[0] == prints[1]
    assert before != after


def test_json_has_for_each_result_what_a_person_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = trees.write(tmp_path, {**trees.GUIDE, "Filter/05": "[Filter]\npass from any to any\n"})

    assert main(["check", str(tree), "--format", "json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    (found,) = [result for result in results if result["check"] == "any-to-any"]
    assert (found["file"], found["line"]) == (f"{tree}/Filter/05", 2)
    assert found["level"] == "warning"
    assert found["controls"] == ["ANSSI SNS R33", "ANSSI hygiene 22"]
    assert all(result[field] for result in results for field in ("message", "reason", "field"))


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "rempart: check DIR: which deployment folder or ConfigFiles tree?"),
        (["nowhere"], "rempart: nowhere: no such file or folder (give a folder, a backup, or REV:path of a git"),
        ([str(GUIDE), "--peer", "x"], "rempart: check --peer: give the ConfigFiles trees of both members"),
        ([f"{GUIDE}/sbg7/ConfigFiles", "--peer", "nowhere"], "rempart: nowhere: no such file or folder"),
        ([str(GUIDE), "--output", "nowhere/x"], "rempart: nowhere/x: No such file or directory"),
    ],
)
def test_nothing_to_check(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_every_check_is_in_the_list_and_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--list"]) == 0
    listed = capsys.readouterr().out
    page = (Path(__file__).resolve().parents[2] / "docs/checking.md").read_text()

    assert [check.id for check in CHECKS if check.id not in listed or f"`{check.id}`" not in page] == []
