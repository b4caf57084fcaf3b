"""The assessment results: an observation for each instance that ran, a finding for each claim, a risk for each deviation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from reports.entries import Deviation, Evidence, Json, Standing
from reports.html.facts import limits
from reports.languages import language
from reports.oscal.controls import Catalogue, Control, Objective
from reports.oscal.identifiers import PLAN, Names, given, line, prop
from reports.record import RECORD, Record, ScenarioRecord

DECIDED: tuple[Standing, ...] = ("pass", "fail", "waived", "inconclusive", "error")
"""Verdicts of instances that were assessed; of the others there is nothing to say but why."""

_REASONS = {"pass": "pass", "fail": "fail"}
_SYSTEM = "this-system"


def assessment_results(record: Record, names: Names, catalogues: Sequence[Catalogue], way: str) -> Json:
    """The document. ``way`` leads from it to the run's folder."""
    ran = [one for _, same in record.by_feature() for one in same if one.verdict in DECIDED]
    result = given(
        uuid=names.uuid("result"),
        title=line(f"Run {record.run.run}"),
        description=_description(record),
        start=record.run.at,
        end=record.end.at if record.end else None,
        props=[*_about(record)],
        links=[{"href": f"{way}{RECORD}", "rel": "reference", "text": "The record that this was made from"}],
        reviewed_controls=reviewed(catalogues),
        observations=[_observation(one, record, names, way) for one in ran],
        risks=[_risk(one, record, names) for one in record.deviations],
        findings=[*_findings(catalogues, ran, names)],
        remarks="\n\n".join([*limits(record, language("en")), *_left_out(record)]),
    )
    return {
        "assessment-results": {
            "uuid": names.uuid("assessment-results"),
            "metadata": names.metadata(f"Test of the deployment {record.run.deployment}", **assessor(record, names)),
            "import-ap": {"href": PLAN},
            "results": [result],
        }
    }


def assessor(record: Record, names: Names) -> dict[str, Json]:
    """Who ran it, when the record says so."""
    if not record.run.operator:
        return {}
    party = names.uuid("operator")
    return {
        "roles": [{"id": "assessor", "title": "Who ran the tests"}],
        "parties": [{"uuid": party, "type": "person", "name": line(record.run.operator)}],
        "responsible_parties": [{"role-id": "assessor", "party-uuids": [party]}],
    }


def reviewed(catalogues: Iterable[Catalogue]) -> Json:
    """Which controls and objectives were assessed."""
    controls = [control for catalogue in catalogues for control in catalogue.controls]
    if not controls:
        return {"control-selections": [{"include-all": {}}]}
    selected = [{"control-id": control.id, "statement-ids": [control.statement]} for control in controls]
    objectives = [{"objective-id": objective.id} for control in controls for objective in control.objectives]
    return {
        "control-selections": [{"include-controls": selected}],
        "control-objective-selections": [{"include-objectives": objectives}],
    }


def _description(record: Record) -> str:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in record.counts().items()) or "nothing ran"
    where = "a simulated lab: evidence of this configuration in simulation, not of the production appliance"
    cut = "" if record.complete else " The record is incomplete: the run did not come to its end."
    return f"Tested in {where if record.simulated else 'the deployment itself'}. {counts}.{cut}"


def _about(record: Record) -> Iterator[Json]:
    run = record.run
    yield prop("environment", {True: "simulated lab", False: "real environment", None: "none"}[record.simulated])
    yield prop("deployment", run.deployment)
    yield prop("configuration-sha256", run.deployment_hash)
    yield prop("tool", run.tool)
    if run.commit:
        yield prop("commit", f"{run.commit}{' with uncommitted changes' if run.dirty else ''}")


def _left_out(record: Record) -> Iterator[str]:
    for verdict in ("skipped", "not applicable"):
        names = [f"{name} ({one.ending.reason})" for name, one in record.scenarios.items() if one.verdict == verdict]
        if names:
            yield f"{verdict.capitalize()}: {'; '.join(names)}."
    if record.not_run:
        yield f"Planned and not run: {', '.join(record.not_run)}."


# Observations


def _observation(one: ScenarioRecord, record: Record, names: Names, way: str) -> Json:
    start, ending = one.start, one.ending
    again = sum(seen.attempts > 1 for seen in one.observations)
    told = (one.waived, ending.reason, ending.predicted and f"Rule that decides: {ending.predicted}", ending.where)
    return given(
        uuid=names.uuid("observation", start.instance),
        title=line(start.instance),
        description=f"{start.name}\n\n" + "\n".join(start.steps),
        props=[
            prop("verdict", one.verdict),
            prop("environment", "simulated lab" if record.simulated else "real environment"),
            prop("scenario-place", f"{start.file}:{start.line}"),
            prop("observations", str(len(one.observations))),
            *([prop("observations-that-held-only-later", str(again))] if again else []),
        ],
        methods=["TEST"],
        types=["control-objective"],
        subjects=[{"subject-uuid": names.uuid(_SYSTEM), "type": "component"}],
        relevant_evidence=[_evidence(file, way) for file in one.evidence],
        collected=ending.at or start.at,
        remarks="\n".join(text for text in told if text) if one.verdict != "pass" else "",
    )


def _evidence(file: Evidence, way: str) -> Json:
    return {
        "href": f"{way}{quote(file.path)}",
        "description": file.what or file.path,
        "props": [prop("sha256", file.sha256), prop("bytes", str(file.bytes))],
    }


# Findings and risks


def _findings(catalogues: Iterable[Catalogue], ran: Iterable[ScenarioRecord], names: Names) -> Iterator[Json]:
    instances: dict[str, list[ScenarioRecord]] = {}
    for one in ran:
        instances.setdefault(one.start.scenario, []).append(one)
    for catalogue in catalogues:
        for control in catalogue.controls:
            for objective in control.objectives:
                if same := instances.get(objective.scenario):
                    yield _finding(catalogue, control, objective, same, names)


def _finding(
    catalogue: Catalogue, control: Control, objective: Objective, same: Sequence[ScenarioRecord], names: Names
) -> Json:
    against = [one for one in same if one.verdict != "pass"]
    (worst, *others) = {one.verdict for one in against} or {"pass"}
    reason = "other" if others else _REASONS.get(worst, "other")
    state = "not-satisfied" if against else "satisfied"
    risks = {risk_uuid(one.waiver, names): None for one in against if one.waiver}
    remarks = [f"{one.start.instance}: {one.verdict}{one.waived and f', {one.waived}'}" for one in against]
    remarks += [f"Does not prove: {objective.does_not_prove}"] if objective.does_not_prove else []
    return given(
        uuid=names.uuid("finding", objective.id),
        title=line(f"{catalogue.name} {control.label}: {objective.scenario}"),
        description=objective.reason or objective.scenario,
        props=[prop("confidence", objective.confidence)] if objective.confidence else [],
        target={
            "type": "objective-id",
            "target-id": objective.id,
            "description": "The scenario's own claim, which supports the control and does not fulfil it.",
            "status": {"state": state, "reason": reason},
        },
        related_observations=[{"observation-uuid": names.uuid("observation", one.start.instance)} for one in same],
        related_risks=[{"risk-uuid": risk} for risk in risks],
        remarks="\n\n".join(remarks),
    )


def _risk(one: Deviation, record: Record, names: Names) -> Json:
    return given(
        uuid=risk_uuid(one, names),
        title=line(f"{one.kind.capitalize()}: {one.subject}"),
        description=one.justification or one.subject,
        statement=one.justification or one.subject,
        props=[prop("owner", one.owner)] if one.owner else [],
        status="deviation-approved" if one.in_force(record.day) else "open",
        deadline=f"{one.expires}T23:59:59Z" if one.expires else None,
        mitigating_factors=(
            [{"uuid": names.uuid("compensation", one.subject, one.kind), "description": one.compensation}]
            if one.compensation
            else []
        ),
    )


def risk_uuid(one: Deviation, names: Names) -> str:
    """The identifier of a deviation's risk."""
    return names.uuid("deviation", one.subject, one.kind)
