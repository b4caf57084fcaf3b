"""The record in the Heimdall Data Format (the "exec JSON" of InSpec), for auditors who collect results in Heimdall.

A control there is a scenario here, a result an instance of it. Heimdall has fewer words, and chooses a control's from its
results: what is inconclusive or never ran is an ``error`` there, because beside a result that passed anything milder would
make the control "Passed"; and a waived failure stays ``failed`` with its waiver beside it, because a waiver that skips would
make it "Not Applicable".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from reports.entries import Json, Standing
from reports.html.facts import limits
from reports.html.view import ReportView, ScenarioView, view
from reports.languages import language
from reports.record import Record, ScenarioRecord

_STATUS: dict[Standing, str] = {
    "pass": "passed",
    "fail": "failed",
    "waived": "failed",
    "inconclusive": "error",
    "error": "error",
    "skipped": "skipped",
    "not applicable": "skipped",
}

IMPACT = 0.5
"""Of every scenario that applies: a record rates none above another. 0 says that nothing of it applies."""


def render(record: Record) -> bytes:
    """The document, in UTF-8. The same record gives the same bytes."""
    run = record.run
    where = {True: "simulated lab", False: "real environment", None: "no environment"}[record.simulated]
    document = {
        "platform": {"name": run.deployment, "release": where, "target_id": run.deployment_hash},
        "profiles": [_profile(record, where)],
        "statistics": {"duration": record.end.seconds if record.end else None},
        "version": run.tool,
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _profile(record: Record, where: str) -> Json:
    run = record.run
    report = view(record)
    controls = [_control(record, scenario) for feature in report.features for scenario in feature.scenarios]
    controls += _never_ran(record)
    said = "\n".join(f"{one['id']} {one['title']}" for one in controls)
    return {
        "name": f"rempart-{run.deployment}",
        "title": f"Rempart: deployment {run.deployment}, {where}",
        "version": run.tool,
        "sha256": hashlib.sha256(said.encode()).hexdigest(),
        "summary": " ".join(limits(record, language("en"))),
        "status": "loaded",
        "supports": [],
        "attributes": [
            {"name": name, "options": {"value": value}}
            for name, value in (
                ("run", run.run),
                ("configuration-sha256", run.deployment_hash),
                ("commit", run.commit),
                ("operator", run.operator),
            )
        ],
        "groups": _groups(report),
        "controls": controls,
    }


def _groups(report: ReportView) -> list[Json]:
    return [
        {"id": feature.file, "title": feature.name, "controls": [scenario.id for scenario in feature.scenarios]}
        for feature in report.features
    ]


def _control(record: Record, scenario: ScenarioView) -> Json:
    start = scenario.instances[0].scenario.start
    left = [_never(record, name) for name in record.not_run if name.partition("[")[0] == scenario.id]
    supports = [(f"{one.catalogue} {one.control}", one) for one in record.supports if one.scenario == scenario.id]
    told = {
        "check": "\n".join(start.steps),
        "rationale": "\n".join(f"{label}: {one.reason}" for label, one in supports),
        "does not prove": "\n".join(f"{label}: {one.does_not_prove}" for label, one in supports),
    }
    applies = left or any(one.verdict != "not applicable" for one in scenario.instances)
    return {
        "id": scenario.id,
        "title": scenario.name,
        "desc": scenario.name,
        "descriptions": [{"label": label, "data": text} for label, text in told.items() if text],
        "impact": IMPACT if applies else 0.0,
        "refs": [{"ref": label} for label, _ in supports],
        "tags": {"feature": start.feature, "supports": [label for label, _ in supports]},
        "code": "\n".join([f"Scenario: {start.name}", *(f"  {step}" for step in start.steps)]),
        "source_location": {"ref": start.file, "line": start.line},
        "waiver_data": _waiver(scenario),
        "results": [*(_result(one.scenario) for one in scenario.instances), *left],
    }


def _waiver(scenario: ScenarioView) -> Json:
    found = next((one.scenario.waiver for one in scenario.instances if one.scenario.waiver), None)
    if found is None:
        return {}
    return {
        "expiration_date": found.expires,
        "justification": f"{found.justification} ({found.owner})",
        "run": True,
        "skipped_due_to_waiver": False,
        "message": "",
    }


def _result(one: ScenarioRecord) -> Json:
    ending = one.ending
    told = (one.waived, ending.detail or ending.reason, ending.where and f"{ending.where}: {ending.step}")
    message = "\n".join(text for text in told if text)
    result = {
        "status": _STATUS[one.verdict],
        "code_desc": f"{one.start.instance}: {one.start.name}",
        "run_time": ending.seconds,
        "start_time": one.start.at,
    }
    if _STATUS[one.verdict] == "skipped":
        return result | {"skip_message": f"{one.verdict}: {message}"}
    if _STATUS[one.verdict] == "error":
        return result | {"exception": one.verdict, "message": message}
    return result | ({"message": message} if message else {})


def _never_ran(record: Record) -> Iterator[Json]:
    """The scenarios none of whose instances began: the record knows their names and nothing else."""
    begun = {one.start.scenario for one in record.scenarios.values()}
    names = dict.fromkeys(instance.partition("[")[0] for instance in record.not_run)
    for name in names:
        if name not in begun:
            results = [_never(record, instance) for instance in record.not_run if instance.partition("[")[0] == name]
            bare = {"id": name, "title": name, "desc": "", "impact": IMPACT, "refs": [], "tags": {}, "source_location": {}}
            yield bare | {"results": results}


def _never(record: Record, instance: str) -> Json:
    return {
        "status": "error",
        "code_desc": instance,
        "start_time": record.run.at,
        "exception": "not run",
        "message": "the run ended before this scenario began",
    }
