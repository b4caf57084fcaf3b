"""The record as JUnit XML, for CI systems: one suite per scenario, one case per instance of it.

Two published schemas are kept to at once, the Apache Ant one (``JUnit.xsd``) and that of Jenkins' xUnit plug-in
(``junit-10.xsd``), which refuses whole files. Both allow properties in suites only, so a suite is a scenario.

JUnit knows failure, error and skipped only. An inconclusive test, and one that was planned and never ran, is an
``error`` with that type; a failure that is waived is ``skipped`` with that type, and its message says until when. The same
record gives the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reports.entries import Standing
from reports.html.view import view
from reports.record import Record, ScenarioRecord

_ELEMENTS: dict[Standing, tuple[str, str]] = {
    "fail": ("failure", "refuted"),
    "waived": ("skipped", "waived"),
    "inconclusive": ("error", "inconclusive"),
    "error": ("error", "error"),
    "skipped": ("skipped", "skipped"),
    "not applicable": ("skipped", "not applicable"),
}

_NOT_RUN = ("error", "not run")
_COUNTED = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(record: Record) -> bytes:
    """The document, in UTF-8."""
    suites = Element("testsuites")
    about = _about(record)
    for feature in view(record).features:
        for scenario in feature.scenarios:
            _suite(suites, record, about, [one.scenario for one in scenario.instances])
    if record.not_run:
        _never_ran(suites, record, about)
    indent(suites)
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _about(record: Record) -> dict[str, str]:
    run = record.run
    return {
        "run": run.run,
        "tool": run.tool,
        "commit": f"{run.commit}{' with uncommitted changes' if run.dirty else ''}",
        "deployment": run.deployment,
        "deployment.sha256": run.deployment_hash,
        **({"shard": f"{record.shard.number} of {record.shard.of}"} if record.shard else {}),
        "environment": {True: "simulated lab", False: "real environment", None: "none"}[record.simulated],
    }


def _suite(suites: Element, record: Record, about: dict[str, str], same: Sequence[ScenarioRecord]) -> None:
    start = same[0].start
    package = Path(start.file).stem
    name = f"{start.scenario} {start.name}"
    suite = _empty(suites, name, package, same[0].start.at, sum(one.ending.seconds for one in same))
    controls = (f"{one.catalogue} {one.control}" for one in record.supports if one.scenario == start.scenario)
    own = {"scenario": start.scenario, "controls": "; ".join(controls), "feature": f"{start.file}:{start.line}"}
    _properties(suite, own | about)
    for one in same:
        case = _case(suite, one.start.instance, f"{package}.{start.scenario}", one.ending.seconds)
        if one.verdict in _ELEMENTS:
            _tell(case, _ELEMENTS[one.verdict], one)
    _close(suite)


def _tell(case: Element, kind: tuple[str, str], one: ScenarioRecord) -> None:
    ending = one.ending
    message = f"{one.waived} | {ending.reason}" if one.waived else ending.reason
    told = SubElement(case, kind[0], type=kind[1], message=_clean(message))
    where = f"\n{ending.where}: {ending.step}" if ending.step else ""
    told.text = _clean(f"{ending.detail or ending.reason}{where}")


def _never_ran(suites: Element, record: Record, about: dict[str, str]) -> None:
    suite = _empty(suites, "planned and not run", "not_run", record.run.at, 0.0)
    _properties(suite, about)
    for name in record.not_run:
        case = _case(suite, name, f"not_run.{name.partition('[')[0]}", 0.0)
        tag, kind = _NOT_RUN
        SubElement(case, tag, type=kind, message="the run ended before this scenario began")
    _close(suite)


def _empty(suites: Element, name: str, package: str, at: str, seconds: float) -> Element:
    """A suite without its counts. ``hostname`` is what the Ant schema wants where the host is not told."""
    return SubElement(
        suites,
        "testsuite",
        id=str(len(suites)),
        name=_token(name),
        package=_token(package),
        hostname="localhost",
        timestamp=at.partition(".")[0],
        time=f"{seconds:.3f}",
    )


def _case(suite: Element, name: str, kind: str, seconds: float) -> Element:
    return SubElement(suite, "testcase", classname=_token(kind), name=_token(name), time=f"{seconds:.3f}")


def _close(suite: Element) -> None:
    cases = suite.findall("testcase")
    found = Counter(child.tag for case in cases for child in case)
    suite.set("tests", str(len(cases)))
    for counted, tag in _COUNTED:
        suite.set(counted, str(found[tag]))
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")


def _properties(parent: Element, values: dict[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=_clean(value))


def _token(text: str) -> str:
    """The text as XML Schema's ``token``: one line, single spaces."""
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
