"""The record as JUnit XML, for CI systems: one suite per feature, one case per instance of a scenario.

JUnit knows failure, error and skipped only. An inconclusive test, and one that was planned and never ran, is an
``error`` with that type; the property ``verdict`` has the word itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from reports.entries import Verdict
from reports.record import Record, ScenarioRecord

JUNIT = "junit.xml"

_ELEMENTS: dict[Verdict, tuple[str, str]] = {
    "fail": ("failure", "refuted"),
    "inconclusive": ("error", "inconclusive"),
    "error": ("error", "error"),
    "skipped": ("skipped", "skipped"),
    "not applicable": ("skipped", "not applicable"),
}

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(record: Record) -> Path:
    """Write ``junit.xml`` into the run's folder and give its path."""
    path = record.folder / JUNIT
    ElementTree(render(record)).write(path, encoding="utf-8", xml_declaration=True)
    return path


def render(record: Record) -> Element:
    """The ``testsuites`` element."""
    suites = Element("testsuites", name=f"rempart {record.run.deployment}")
    for file, scenarios in record.by_feature():
        _suite(suites, record, file, scenarios)
    if record.not_run:
        _not_run(suites, record)
    totals = [dict(suite.attrib) for suite in suites]
    for name in ("tests", "failures", "errors", "skipped"):
        suites.set(name, str(sum(int(one[name]) for one in totals)))
    suites.set("time", f"{sum(float(one['time']) for one in totals):.3f}")
    indent(suites)
    return suites


def _suite(suites: Element, record: Record, file: str, scenarios: Sequence[ScenarioRecord]) -> None:
    kinds = [_ELEMENTS.get(one.verdict, ("", ""))[0] for one in scenarios]
    suite = SubElement(
        suites,
        "testsuite",
        name=_clean(scenarios[0].start.feature),
        file=file,
        timestamp=scenarios[0].start.at.partition(".")[0],
        tests=str(len(scenarios)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{sum(one.ending.seconds for one in scenarios):.3f}",
    )
    run = record.run
    environment = {True: "simulated lab", False: "real environment", None: "none"}[record.simulated]
    _properties(
        suite,
        {
            "run": run.run,
            "tool": run.tool,
            "commit": f"{run.commit}{' with uncommitted changes' if run.dirty else ''}",
            "deployment": run.deployment,
            "deployment.sha256": run.deployment_hash,
            "environment": environment,
        },
    )
    for one in scenarios:
        _case(suite, one, Path(file).stem)


def _case(suite: Element, one: ScenarioRecord, feature: str) -> None:
    ending = one.ending
    case = SubElement(
        suite,
        "testcase",
        name=one.start.instance,
        classname=feature,
        file=one.start.file,
        line=str(one.start.line),
        time=f"{ending.seconds:.3f}",
    )
    _properties(case, {"scenario": one.start.scenario, "sentence": one.start.name, "verdict": one.verdict})
    if one.verdict in _ELEMENTS:
        tag, kind = _ELEMENTS[one.verdict]
        told = SubElement(case, tag, type=kind, message=_clean(ending.reason))
        where = f"\n{ending.where}: {ending.step}" if ending.step else ""
        told.text = _clean(f"{ending.detail or ending.reason}{where}")


def _not_run(suites: Element, record: Record) -> None:
    names = record.not_run
    number = str(len(names))
    stamp = record.run.at.partition(".")[0]
    suite = SubElement(
        suites, "testsuite", name="planned and not run", timestamp=stamp, tests=number, failures="0", errors=number
    )
    suite.attrib |= {"skipped": "0", "time": "0.000"}
    for name in names:
        case = SubElement(suite, "testcase", name=name, classname="not_run", time="0.000")
        SubElement(case, "error", type="not run", message="the run ended before this scenario began")


def _properties(parent: Element, values: dict[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=_clean(value))


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
