"""A run with control catalogues and deviations: what its record holds, what is waived, and what is refused before it starts."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.entries import Deviation, Support
from tests.plugins.tree import Tree, feature
from tests.reports.test_controls import WAIVER, WRITTEN

SENTENCES = """
@when("it does something")
def _act(environment): ...

@when("the site does something")
def _site_acts(environment, site): ...

@then("all is well")
def _well(record):
    record.observe("all", expected="well", observed="well")

@then("it is refuted")
def _refuted():
    raise Refuted(expected="an answer", observed="none")
"""
HOLDS = "@SNS-WEB-01 @each_site\nScenario: It answers\n  When the site does something\n  Then all is well"
FAILS = "@SNS-WEB-01 @each_site\nScenario: It answers\n  When the site does something\n  Then it is refuted"
OTHERS = (
    "@SNS-WEB-02\nScenario: It does more\n  When it does something\n  Then all is well",
    "@SNS-HA-01\nScenario: It goes on\n  When it does something\n  Then all is well",
)
LONG = WAIVER.replace("SNS-WEB-01[sbg7]", "SNS-WEB-01").replace("2027-03-31", "9999-12-31")
OVER = LONG.replace("9999-12-31", "2026-01-31")


def _plant(folder: Path, first: str, waivers: str = "") -> Tree:
    tree = Tree.plant(folder, {"a.feature": feature(first, *OTHERS)}, SENTENCES)
    controls = folder / "reports" / "controls"
    controls.mkdir(parents=True)
    for name, text in WRITTEN.items():
        (controls / name).write_text(text, encoding="utf-8")
    if waivers:
        (folder / "deployments" / "guide" / "deviations.toml").write_text(waivers, encoding="utf-8")
    return tree


def test_the_record_holds_what_the_planned_scenarios_support(tmp_path: Path) -> None:
    tree = _plant(tmp_path, HOLDS, LONG)
    assert tree.run().status == 0
    record = tree.record()
    assert [(one.scenario, one.catalogue, one.control) for one in record.supports] == [("SNS-WEB-01", "One 1", "1")]
    assert [one.scenario for one in record.unmapped] == ["SNS-HA-01", "SNS-WEB-02", "SNS-HA-01"]
    assert [one.subject for one in record.deviations] == ["SNS-WEB-01"]
    assert isinstance(record.supports[0], Support)
    assert isinstance(record.deviations[0], Deviation)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "in parallel"])
def test_a_waived_failure_does_not_fail_the_run_and_is_no_pass(tmp_path: Path, workers: tuple[str, ...]) -> None:
    tree = _plant(tmp_path, FAILS, LONG)
    ran = tree.run("features/a.feature", "-x", *workers)
    assert ran.status == 0, ran.output
    assert "2 passed, 2 waived" in ran.output
    assert "waived until 9999-12-31 by Ada: the new server comes in spring" in ran.output
    record = tree.record()
    assert record.counts() == {"pass": 2, "waived": 2}
    assert [one.outcome.verdict for one in record.scenarios.values() if one.outcome and one.waiver] == ["fail", "fail"]
    assert record.end is not None
    assert (record.end.status, record.end.counts) == (0, {"pass": 2, "waived": 2})
    skipped = ElementTree.parse(record.folder / "junit.xml").findall(".//skipped")  # noqa: S314 - written by this test's run
    assert [one.get("type") for one in skipped] == ["waived", "waived"]


def test_a_waiver_of_an_instance_accepts_no_other(tmp_path: Path) -> None:
    tree = _plant(tmp_path, FAILS, LONG.replace("SNS-WEB-01", "SNS-WEB-01[gra11]"))
    assert tree.run().status == 1
    assert tree.record().counts() == {"pass": 2, "fail": 1, "waived": 1}


def test_an_expired_waiver_is_a_failure_that_says_so(tmp_path: Path) -> None:
    tree = _plant(tmp_path, FAILS, OVER)
    ran = tree.run()
    assert ran.status == 1
    assert "the waiver expired on 2026-01-31 by Ada: the new server comes in spring" in ran.output
    assert tree.record().counts() == {"pass": 2, "fail": 2}


@pytest.mark.parametrize(
    "file, right, wrong, message",
    [
        ("reports/controls/claims.toml", "SNS-WEB-01", "SNS-WEB-99", "claims.toml:4: claims.scenarios: there is no scenario"),
        ("deployments/guide/deviations.toml", "SNS-WEB-01", "SNS-WEB-99", "deviations.toml:3: waivers.scenario: there is no"),
        ("deployments/guide/deviations.toml", "[[waivers]]", "[[waivers]", "deviations.toml:2: is not TOML"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    tmp_path: Path, file: str, right: str, wrong: str, message: str
) -> None:
    tree = _plant(tmp_path, HOLDS, LONG)
    path = tmp_path / file
    path.write_text(path.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    ran = tree.run()
    assert ran.status == 4
    assert message in ran.output
    assert "Traceback" not in ran.output
    assert tree.environment_log == []


def test_a_scenario_of_another_feature_file_is_known(tmp_path: Path) -> None:
    tree = _plant(tmp_path, HOLDS, LONG.replace("SNS-WEB-01", "SNS-FAR-01"))
    (tmp_path / "features" / "far.feature").write_text(feature("@SNS-FAR-01\nScenario: It is far\n  Then all is well"))
    ran = tree.run()
    assert ran.status == 0, ran.output
