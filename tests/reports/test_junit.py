"""JUnit XML from the record: every verdict in the words that JUnit has, in a form that its usual readers accept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from reports.entries import Entry, Verdict
from reports.junit import render
from tests.reports.examples import BASIC, LAB, RUN, outcome, scenario, written
from tests.reports.junit_schema import breaches
from tests.reports.runs import CONTROLS, MIXED


def _suites(folder: Path, entries: Sequence[Entry]) -> Element:
    return ElementTree.fromstring(render(written(folder, entries)))  # noqa: S314 - we wrote it


def _properties(suite: Element) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}


@pytest.mark.parametrize("entries", [BASIC, BASIC[:5], MIXED, [RUN]], ids=["basic", "cut short", "mixed", "nothing ran"])
def test_it_keeps_to_the_schemas_of_ant_and_of_jenkins(tmp_path: Path, entries: Sequence[Entry]) -> None:
    assert list(breaches(_suites(tmp_path, entries))) == []


@pytest.mark.parametrize(
    "damage, breach",
    [
        (lambda case: case.set("file", "a.feature"), "<testcase> file='a.feature'"),
        (lambda case: case.insert(0, Element("properties")), "<testcase> holds properties failure "),
        (lambda case: case.set("time", "1 s"), "<testcase> time='1 s'"),
        (lambda case: case.attrib.pop("classname"), "<testcase> has no classname"),
        (lambda case: case.append(Element("attachment")), "<attachment> is not known"),
    ],
)
def test_those_schemas_refuse_what_their_readers_refuse(tmp_path: Path, damage: object, breach: str) -> None:
    suites = _suites(tmp_path, BASIC)
    damage(suites.find(".//testcase[failure]"))  # type: ignore[operator]
    assert breach in list(breaches(suites))


def test_counts_are_those_of_the_cases(tmp_path: Path) -> None:
    suites = _suites(tmp_path, MIXED)
    for suite in suites.iter("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[counted]) == len(suite.findall(f"testcase/{tag}"))
    assert len([*suites.iter("testcase")]) == 8


def test_no_two_cases_and_no_two_properties_of_a_suite_share_a_name(tmp_path: Path) -> None:
    suites = _suites(tmp_path, MIXED)
    keys = Counter((case.get("classname"), case.get("name")) for case in suites.iter("testcase"))
    assert max(keys.values()) == 1
    for suite in suites:
        assert len(_properties(suite)) == len([*suite.iter("property")])


@pytest.mark.parametrize(
    "verdict, tag, kind",
    [
        ("pass", None, None),
        ("fail", "failure", "refuted"),
        ("inconclusive", "error", "inconclusive"),
        ("error", "error", "error"),
        ("skipped", "skipped", "skipped"),
        ("not applicable", "skipped", "not applicable"),
    ],
)
def test_each_verdict_has_its_element(tmp_path: Path, verdict: Verdict, tag: str | None, kind: str | None) -> None:
    said = outcome("a[b]", verdict, reason="why", detail="why\nand how")
    (case,) = _suites(tmp_path, [RUN, scenario("a[b]"), said]).iter("testcase")
    assert [child.tag for child in case] == ([tag] if tag else [])
    if tag:
        assert (case[0].get("type"), case[0].get("message"), case[0].text) == (kind, "why", "why\nand how")


def test_what_never_ran_is_an_error(tmp_path: Path) -> None:
    suites = _suites(tmp_path, BASIC[:5])
    missing = [case.get("name") for case in suites.iter("testcase") if case.find("error[@type='not run']") is not None]
    assert missing == ["SNS-WEB-01[gra11]", "SNS-WEB-02[none]"]


def test_each_suite_says_which_scenario_on_what_configuration_for_which_controls(tmp_path: Path) -> None:
    suite = next(_suites(tmp_path, [*BASIC[:2], *CONTROLS, *BASIC[2:]]).iter("testsuite"))
    told = _properties(suite)
    assert told["scenario"] == "SNS-WEB-01"
    assert told["feature"] == "features/web.feature:5"
    assert told["controls"] == "ANSSI SNS 4.3 R29; ISO 27001:2022 8.20"
    assert told["deployment.sha256"] == "d" * 64
    assert told["environment"] == "simulated lab"
    assert told["commit"] == "4f1c with uncommitted changes"


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    said = outcome("a", "error", reason="bell \x07", detail="\x1b[31mred\udc80")
    error = _suites(tmp_path, [RUN, LAB, scenario("a"), said]).find(".//error")
    assert error is not None
    assert (error.get("message"), error.text) == (
        "bell \N{REPLACEMENT CHARACTER}",
        "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}",
    )
