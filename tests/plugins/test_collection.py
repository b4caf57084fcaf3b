"""Feature files become tests, and what is wrong with one is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.tree import Finished, Tree

WEB = """
Feature: The web site is published
  @SNS-WEB-01 @each_site
  Scenario: A stranger gets the page
    Given a host
    Then all is well

  Rule: Only what is published answers
    @SNS-WEB-02 @disruptive
    Scenario Outline: A stranger may not use <service>
      Given a host
      Then all is well

      Examples:
        | service |
        | ssh     |
        | telnet  |
"""
VPN = """
Feature: Tunnels join the sites
  @SNS-IPSEC-01 @each_tunnel @each_pool
  Scenario: They do
    Given a host
    Then all is well
"""
SENTENCES = """
@given("a host")
def _host(request):
    for axis in ("site", "tunnel", "pool"):
        assert axis not in request.fixturenames or request.getfixturevalue(axis)

@then("all is well")
def _well(scene, record):
    record.observe("all", expected="well", observed="well")

import pytest
@pytest.fixture
def scene(): ...
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree.plant(tmp_path_factory.mktemp("tree"), {"web.feature": WEB, "vpn.feature": VPN}, SENTENCES, complete=True)


ALL = [
    "features/vpn.feature::SNS-IPSEC-01[sbg7-gra11-udp]",
    "features/vpn.feature::SNS-IPSEC-01[sbg7-gra11-tcp]",
    "features/web.feature::SNS-WEB-01[sbg7]",
    "features/web.feature::SNS-WEB-01[gra11]",
    "features/web.feature::SNS-WEB-02[ssh]",
    "features/web.feature::SNS-WEB-02[telnet]",
]


@pytest.mark.parametrize(
    "arguments, chosen",
    [
        (["features"], ALL),
        ([], ALL),
        (["features/web.feature"], ALL[2:]),
        (["features/web.feature::SNS-WEB-01"], ALL[2:4]),
        (["features/web.feature::SNS-WEB-01[gra11]"], ALL[3:4]),
        (["-m", "SNS-WEB-02"], ALL[4:]),
        (["-m", "not disruptive"], ALL[:4]),
        (["-k", "stranger and page"], ALL[2:4]),
        (["-k", "IPSEC"], ALL[:2]),
        (["--scenario", "SNS-WEB-02", "--scenario", "SNS-IPSEC-01"], ALL[:2] + ALL[4:]),
    ],
)
def test_scenarios_are_chosen_as_any_other_test(tree: Tree, arguments: list[str], chosen: list[str]) -> None:
    done = tree.run("--collect-only", "-q", *arguments)
    assert done.status == 0, done.output
    assert [line for line in done.output.splitlines() if "::" in line] == chosen
    assert not tree.runs, "collecting records nothing"


STEPS = "\n    Given a host\n    Then all is well"


@pytest.mark.parametrize(
    "arguments, chosen",
    [([], ["SNS-A-01"]), (["--campaign"], ["SNS-A-01", "SNS-A-02"]), (["--scenario", "SNS-A-02"], ["SNS-A-02"])],
)
def test_a_campaign_runs_when_it_is_asked_for(tmp_path: Path, arguments: list[str], chosen: list[str]) -> None:
    feature = f"Feature: x\n  @SNS-A-01\n  Scenario: y{STEPS}\n  @SNS-A-02 @campaign\n  Scenario: z{STEPS}"
    done = Tree.plant(tmp_path, {"a.feature": feature}).run("--collect-only", "-q", *arguments)
    assert [line.rpartition("::")[2] for line in done.output.splitlines() if "::" in line] == chosen


def test_an_unknown_id_is_refused_and_its_neighbours_named(tree: Tree) -> None:
    done = tree.run("--scenario", "SNS-WEB-09")
    assert done.status == 4
    assert "no scenario here has the id SNS-WEB-09 (there are SNS-WEB-01, SNS-WEB-02)" in done.output


MISUSES = {
    "empty": ("", "empty.feature:1: there is no feature in this file"),
    "none": ("Feature: x", "none.feature:1: this feature has no scenario"),
    "syntax": ("Feature: x\n  Scenario: y\n    Given a\n  Feature: z", "syntax.feature:4: Multiple features"),
    "samename": (
        f"Feature: x\n  @SNS-A-01\n  Scenario: y{STEPS}\n  @SNS-A-02\n  Scenario: y{STEPS}",
        "samename.feature:7: scenario 'y' has the same name as the one at line 3",
    ),
    "sameid": (
        f"Feature: x\n  @SNS-B-01\n  Scenario: y{STEPS}\n  @SNS-B-01\n  Scenario: z{STEPS}",
        "sameid.feature:7: @SNS-B-01 is already the scenario at features/sameid.feature:3",
    ),
    "stepless": (
        "Feature: x\n  @SNS-C-01\n  Scenario: y",
        "stepless.feature:3: scenario 'y' has no step, so it would always pass",
    ),
    "mistyped": (
        "Feature: x\n  @SNS-D-01\n  Scenario: y\n    Giiven a host\n    Then all is well",
        "mistyped.feature:4: 'Giiven a host' is no step: a scenario has steps only (is the keyword mistyped?)",
    ),
    "nested": (
        f"Feature: x\n  Some words: these.\n\n  wen it rains\n  @SNS-E-01\n  Scenario: y{STEPS}",
        "nested.feature:4: 'wen it rains' would be read as description (is the keyword mistyped?)",
    ),
    "block": (
        f"Feature: x\n  Senario: not one\n  @SNS-O-01\n  Scenario: y{STEPS}",
        "block.feature:2: 'Senario: not one' would be read as description (is the keyword mistyped?)",
    ),
    "idless": (
        f"Feature: x\n  Scenario: y{STEPS}",
        "idless.feature:2: scenario 'y' needs one id tag such as @SNS-IPSEC-03, and has none",
    ),
    "twoids": (
        f"Feature: x\n  @SNS-F-01 @SNS-F-02\n  Scenario: y{STEPS}",
        "twoids.feature:3: scenario 'y' needs one id tag such as @SNS-IPSEC-03, and has @SNS-F-01 @SNS-F-02",
    ),
    "featureid": (
        f"@SNS-G-01\nFeature: x\n  @SNS-G-02\n  Scenario: y{STEPS}",
        "featureid.feature:1: @SNS-G-01: an id belongs to one scenario, not to all of them",
    ),
    "unknowntag": (
        f"Feature: x\n  @SNS-H-01 @each_sight\n  Scenario: y{STEPS}",
        "unknowntag.feature:2: unknown tag @each_sight (known: @SNS-AREA-NN @each_site",
    ),
    "unknownneed": (
        f"Feature: x\n  @SNS-I-01 @needs_magic\n  Scenario: y{STEPS}",
        "unknownneed.feature:2: unknown tag @needs_magic",
    ),
    "star": ("Feature: x\n  @SNS-J-01\n  Scenario: y\n    Given a host\n    * all is well", "star.feature:5: '*' says"),
    "rows": (
        f"Feature: x\n  @SNS-K-01\n  Scenario Outline: y <z>{STEPS}\n  Examples:\n    | z |\n    | 1 |\n    | 1 |",
        "rows.feature:9: this row is the same as the one at line 8",
    ),
    "cells": (
        f"Feature: x\n  @SNS-L-01\n  Scenario Outline: y <z>{STEPS}\n  Examples:\n    | z |\n    | é/ |",
        "cells.feature:8: 'é/' would be part of the test's name: use plain ASCII, no / [ ] ::",
    ),
    "rowless": (
        f"Feature: x\n  @SNS-M-01\n  Scenario Outline: y{STEPS}\n  Examples:",
        "rowless.feature:6: these examples have no row, so the scenario would never run",
    ),
    "exampletag": (
        f"Feature: x\n  @SNS-N-01\n  Scenario Outline: y <z>{STEPS}\n  @each_site\n  Examples:\n    | z |\n    | 1 |",
        "exampletag.feature:6: @each_site does not go on Examples",
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder: Path = tmp_path_factory.mktemp("misused")
    return Tree.plant(folder, {f"{name}.feature": text for name, (text, _) in MISUSES.items()}).run()


@pytest.mark.parametrize("name", MISUSES)
def test_a_misused_feature_file_is_refused_with_its_line(refused: Finished, name: str) -> None:
    assert f"features/{MISUSES[name][1]}" in refused.output


def test_all_misused_files_are_told_at_once_without_a_traceback(refused: Finished) -> None:
    assert refused.status == 2
    assert "Traceback" not in refused.output
    assert f"{len(MISUSES)} errors" in refused.output


def test_an_id_is_unique_across_files(tmp_path: Path) -> None:
    one = f"Feature: x\n  @SNS-A-01\n  Scenario: y{STEPS}"
    done = Tree.plant(tmp_path, {"a.feature": one, "b.feature": one}).run()
    assert "features/b.feature:3: @SNS-A-01 is already the scenario at features/a.feature:3" in done.output


def test_other_tests_are_left_alone_and_leave_no_record(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": f"Feature: x\n  @SNS-A-01\n  Scenario: y{STEPS}"}, unusable="broken")
    (tmp_path / "test_plain.py").write_text("def test_one(): pass\ndef test_two(): assert 1 == 2\n")
    done = tree.run("test_plain.py")
    assert done.status == 1
    assert "assert 1 == 2" in done.output
    assert not tree.runs
