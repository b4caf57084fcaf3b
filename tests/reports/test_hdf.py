"""Heimdall's format: what its readers need is there, and no verdict looks better there than it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports.entries import Entry, Verdict
from reports.hdf import render
from tests.reports.examples import BASIC, RUN, outcome, scenario, written
from tests.reports.hdf_schema import HDF
from tests.reports.runs import CONTROLS, MIXED, waiver

WHOLE: tuple[Entry, ...] = (*MIXED[:2], *CONTROLS, waiver("SNS-WEB-03[gra11-http]"), *MIXED[2:])


def _profile(folder: Path, entries: Sequence[Entry]) -> dict[str, Any]:
    (profile,) = json.loads(render(written(folder, entries)))["profiles"]
    return dict(profile)


def _controls(folder: Path, entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in _profile(folder, entries)["controls"]}


@pytest.mark.parametrize("entries", [WHOLE, MIXED, BASIC[:5], [RUN]], ids=["whole", "no control", "cut short", "nothing ran"])
def test_it_has_what_its_readers_need(tmp_path: Path, entries: Sequence[Entry]) -> None:
    jsonschema.validate(json.loads(render(written(tmp_path, entries))), HDF)


@pytest.mark.parametrize("missing", ["impact", "refs", "tags", "source_location", "results"])
def test_the_schema_sees_what_is_missing(tmp_path: Path, missing: str) -> None:
    document = json.loads(render(written(tmp_path, WHOLE)))
    del document["profiles"][0]["controls"][0][missing]
    with pytest.raises(jsonschema.ValidationError, match=f"'{missing}' is a required property"):
        jsonschema.validate(document, HDF)


@pytest.mark.parametrize(
    "verdict, status",
    [
        ("pass", "passed"),
        ("fail", "failed"),
        ("inconclusive", "error"),
        ("error", "error"),
        ("skipped", "skipped"),
        ("not applicable", "skipped"),
    ],
)
def test_each_verdict_has_its_status(tmp_path: Path, verdict: Verdict, status: str) -> None:
    control = _controls(tmp_path, [RUN, scenario("a[b]"), outcome("a[b]", verdict, reason="why", detail="why")])["a"]
    (result,) = control["results"]
    assert result["status"] == status
    assert (control["impact"] == 0) == (verdict == "not applicable")


def test_a_waived_failure_stays_one_with_its_waiver_beside_it(tmp_path: Path) -> None:
    control = _controls(tmp_path, WHOLE)["SNS-WEB-03"]
    assert [one["status"] for one in control["results"]] == ["failed"]
    assert control["waiver_data"]["expiration_date"] == "2026-12-31"
    assert control["waiver_data"]["skipped_due_to_waiver"] is False


def test_what_never_ran_is_an_error_also_where_others_passed(tmp_path: Path) -> None:
    controls = _controls(tmp_path, BASIC[:5])
    assert [one["status"] for one in controls["SNS-WEB-01"]["results"]] == ["passed", "error"]
    assert [one["status"] for one in controls["SNS-WEB-02"]["results"]] == ["error"]


def test_a_scenario_says_what_it_supports_and_what_it_does_not_prove(tmp_path: Path) -> None:
    control = _controls(tmp_path, WHOLE)["SNS-WEB-01"]
    assert control["tags"]["supports"] == ["ANSSI SNS 4.3 R29", "ISO 27001:2022 8.20"]
    labels = {one["label"]: one["data"] for one in control["descriptions"]}
    assert labels["does not prove"].startswith("ANSSI SNS 4.3 R29: it is reached")
    assert labels["check"].startswith("When the stranger fetches")


def test_it_says_what_was_tested_and_that_it_was_a_simulation(tmp_path: Path) -> None:
    document = json.loads(render(written(tmp_path, WHOLE)))
    assert document["platform"] == {"name": "guide", "release": "simulated lab", "target_id": "d" * 64}
    assert "not that the production appliance" in document["profiles"][0]["summary"]
