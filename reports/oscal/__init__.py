"""The record in OSCAL: assessment results, and the plan, system, profile and catalogues that their identifiers lead to.

Each document is checked against the official models (compliance-trestle) before it is written. Identifiers are made from
the run's own, so the same record gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reports.entries import Json, RecordError
from reports.oscal import ground, results
from reports.oscal.controls import controls_of
from reports.oscal.identifiers import RESULTS, Names
from reports.record import RECORD, Record


def render(record: Record, *, way: str = "") -> Mapping[str, bytes]:
    """The documents by name, the assessment results first. ``way`` leads from their folder to the run's.

    Raises RecordError when the record holds what OSCAL cannot say, such as a time that is none.
    """
    names, catalogues = Names(record), controls_of(record)
    documents = {
        RESULTS: results.assessment_results(record, names, catalogues, way),
        **ground.documents(record, names, catalogues, way),
    }
    return {name: _checked(record, name, document) for name, document in documents.items()}


def _checked(record: Record, name: str, document: Json) -> bytes:
    from pydantic import ValidationError

    (kind,) = document
    try:
        models()[kind].model_validate(document[kind])
    except ValidationError as why:
        first = why.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{record.folder / RECORD}: {name} cannot say it: {place}: {first['msg']}") from None
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def models() -> Mapping[str, Any]:  # the models of the library are not typed
    """The official model of each kind of document. To import them takes most of a second."""
    from trestle.oscal import assessment_plan, assessment_results, catalog, profile, ssp

    return {
        "assessment-results": assessment_results.AssessmentResults,
        "assessment-plan": assessment_plan.AssessmentPlan,
        "system-security-plan": ssp.SystemSecurityPlan,
        "profile": profile.Profile,
        "catalog": catalog.Catalog,
    }
