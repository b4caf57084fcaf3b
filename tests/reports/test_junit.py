"""JUnit XML from the record: every verdict in the words that JUnit has, and the record's own beside it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.entries import Verdict
from reports.junit import render, write
from tests.reports.examples import BASIC, LAB, RUN, outcome, scenario, written


def test_counts_are_those_of_the_cases(tmp_path: Path) -> None:
    suites = render(written(tmp_path, BASIC))
    for suite in suites.iter("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[counted]) == len(suite.findall(f"testcase/{tag}"))
    assert suites.get("tests") == "3"


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
    record = written(tmp_path, [RUN, scenario("a[b]"), outcome("a[b]", verdict, reason="why", detail="why\nand how")])
    (case,) = render(record).iter("testcase")
    told = [child for child in case if child.tag != "properties"]
    assert [child.tag for child in told] == ([tag] if tag else [])
    if tag:
        assert (told[0].get("type"), told[0].get("message"), told[0].text) == (kind, "why", "why\nand how")
    properties = {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}
    assert (properties["scenario"], properties["verdict"]) == ("a", verdict)


def test_what_never_ran_is_an_error(tmp_path: Path) -> None:
    suites = render(written(tmp_path, BASIC[:5]))
    missing = [case.get("name") for case in suites.iter("testcase") if case.find("error[@type='not run']") is not None]
    assert missing == ["SNS-WEB-01[gra11]", "SNS-WEB-02[none]"]


def test_the_suite_says_what_was_tested(tmp_path: Path) -> None:
    suite = next(render(written(tmp_path, BASIC)).iter("testsuite"))
    told = {one.attrib["name"]: one.attrib["value"] for one in suite.findall("properties/property")}
    assert told["deployment.sha256"] == "d" * 64
    assert told["environment"] == "simulated lab"
    assert told["commit"] == "4f1c with uncommitted changes"


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    said = outcome("a", "error", reason="bell \x07", detail="\x1b[31mred\udc80")
    path = write(written(tmp_path, [RUN, LAB, scenario("a"), said]))
    error = ElementTree.parse(path).getroot().find(".//error")  # noqa: S314 - we wrote it
    assert error is not None
    assert (error.get("message"), error.text) == (
        "bell \N{REPLACEMENT CHARACTER}",
        "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}",
    )
