"""What assessment results stand on: a plan, a system, a profile and catalogues, so that every identifier leads somewhere.

They hold what the record knows and no more: the plan is what ran, the system is the deployment's name, the catalogues are
the controls that scenarios of this run support.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.entries import Json
from reports.oscal.controls import Catalogue, Control
from reports.oscal.identifiers import PLAN, PROFILE, SYSTEM, Names, given, line
from reports.oscal.results import assessor, reviewed
from reports.record import RECORD, Record

_STUB = "This document exists so that the identifiers of the assessment results resolve. It is no security plan."
_NO_TEXT = "The wording is its publisher's: see the label, and the reference where there is one."


def documents(record: Record, names: Names, catalogues: Sequence[Catalogue], way: str) -> dict[str, Json]:
    """The documents by name."""
    return {
        PLAN: _plan(record, names, catalogues),
        SYSTEM: _system(record, names, catalogues, way),
        PROFILE: _profile(record, names, catalogues),
        **{catalogue.file: _catalog(catalogue, names) for catalogue in catalogues},
    }


def _plan(record: Record, names: Names, catalogues: Sequence[Catalogue]) -> Json:
    end = record.end.at if record.end else record.run.at
    task = {
        "uuid": names.uuid("task"),
        "type": "action",
        "title": line(f"pytest {' '.join(record.run.arguments)}"),
        "timing": {"within-date-range": {"start": record.run.at, "end": end}},
    }
    return {
        "assessment-plan": {
            "uuid": names.uuid("assessment-plan"),
            "metadata": names.metadata(f"What was tested of {record.run.deployment}", **assessor(record, names)),
            "import-ssp": {"href": SYSTEM},
            "reviewed-controls": reviewed(catalogues),
            "assessment-subjects": [{"type": "component", "include-all": {}}],
            "assessment-assets": {
                "assessment-platforms": [{"uuid": names.uuid("platform"), "title": line(record.run.tool)}]
            },
            "tasks": [task],
        }
    }  # fmt: skip


def _system(record: Record, names: Names, catalogues: Sequence[Catalogue], way: str) -> Json:
    run = record.run
    about = f"The deployment {run.deployment}, configuration SHA-256 {run.deployment_hash}."
    listed = [control.id for catalogue in catalogues for control in catalogue.controls]
    wanted = [{"uuid": names.uuid("requirement", name), "control-id": name} for name in listed]
    # A plan must name one requirement at least; a run in which nothing was planned has none to name.
    wanted = wanted or [{"uuid": names.uuid("requirement"), "control-id": "_none"}]
    return {
        "system-security-plan": {
            "uuid": names.uuid("system-security-plan"),
            "metadata": names.metadata(f"Deployment {run.deployment}", remarks=_STUB),
            "import-profile": {"href": PROFILE},
            "system-characteristics": {
                "system-ids": [{"identifier-type": "http://ietf.org/rfc/rfc4122", "id": names.uuid("this-system")}],
                "system-name": line(run.deployment),
                "description": about,
                "system-information": {
                    "information-types": [{"title": "Not described", "description": "The record does not say."}]
                },
                "status": {"state": "other", "remarks": "simulated" if record.simulated else "as it was when it was tested"},
                "authorization-boundary": {"description": f"The topology of {way}{RECORD}."},
            },
            "system-implementation": {
                "users": [{"uuid": names.uuid("user"), "title": line(run.operator or "Operator, not named")}],
                "components": [
                    {
                        "uuid": names.uuid("this-system"),
                        "type": "this-system",
                        "title": line(run.deployment),
                        "description": about,
                        "status": {"state": "other"},
                    }
                ],
            },
            "control-implementation": {"description": _STUB, "implemented-requirements": wanted},
        }
    }  # fmt: skip


def _profile(record: Record, names: Names, catalogues: Sequence[Catalogue]) -> Json:
    return {
        "profile": {
            "uuid": names.uuid("profile"),
            "metadata": names.metadata(f"Controls that the run {record.run.run} has to do with"),
            "imports": [{"href": catalogue.file, "include-all": {}} for catalogue in catalogues],
            "merge": {"as-is": True},
        }
    }


def _catalog(catalogue: Catalogue, names: Names) -> Json:
    head = catalogue.head
    about = {}
    if head:
        read = f"Published by {head.publisher}, {head.version}, {head.date}; read on {head.read_on}. {head.licence}"
        about = {
            "links": [{"href": head.source, "rel": "reference", "text": line(head.title)}],
            "remarks": "\n\n".join(text for text in (read, head.note) if text),
        }
    return {
        "catalog": given(
            uuid=names.uuid("catalog", catalogue.name),
            metadata=names.metadata(f"{catalogue.name}: what scenarios of this run support", **about),
            controls=[_control(control) for control in catalogue.controls],
        )
    }


def _control(control: Control) -> Json:
    return given(
        id=control.id,
        title=line(control.title or control.label),
        props=[{"name": "label", "value": line(control.label)}],
        links=[{"href": control.source, "rel": "reference"}] if control.source.startswith("http") else [],
        parts=[{"id": control.statement, "name": "statement", "prose": control.title or _NO_TEXT}, *_objectives(control)],
    )


def _objectives(control: Control) -> Iterator[Json]:
    for one in control.objectives:
        yield {
            "id": one.id,
            "name": "assessment-objective",
            "title": line(one.scenario),
            "prose": one.reason or one.scenario,
            "links": [{"href": f"#{control.statement}", "rel": "assessment-for"}],
        }
