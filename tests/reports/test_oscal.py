"""OSCAL assessment results: valid by the official models, with no identifier that leads nowhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cli.main import main
from reports import oscal
from reports.entries import Deviation, Entry, EnvironmentUp, Json
from reports.renderings import write
from tests.reports.examples import BASIC, RUN, written
from tests.reports.runs import ATTACK, CONTROLS, MIXED, waiver

WHOLE: tuple[Entry, ...] = (*MIXED[:2], *CONTROLS, waiver("SNS-WEB-03[gra11-http]"), *MIXED[2:])
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
PLACES = {
    "assessment-results": "assessment-results",
    "assessment-plan": "assessment-plans",
    "system-security-plan": "system-security-plans",
    "profile": "profiles",
    "catalog": "catalogs",
}


def _documents(folder: Path, entries: Sequence[Entry]) -> dict[str, Any]:
    made = oscal.render(written(folder, entries), way="../")
    return {name: json.loads(content) for name, content in made.items()}


def _result(documents: Mapping[str, Any]) -> dict[str, Any]:
    (result,) = documents["assessment-results.json"]["assessment-results"]["results"]
    return dict(result)


def _values(value: Json, *names: str) -> Iterator[str]:
    """Every value of fields of these names."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in names and isinstance(one, str):
                yield one
            yield from _values(one, *names)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one, *names)


def test_trestle_validates_every_document(tmp_path: Path) -> None:
    trestle = str(Path(sys.executable).with_name("trestle"))
    subprocess.run([trestle, "init"], cwd=tmp_path, check=True, capture_output=True)
    for name, content in oscal.render(written(tmp_path / "run", WHOLE), way="../").items():
        (kind,) = json.loads(content)
        place = tmp_path / PLACES[kind] / Path(name).stem / f"{kind}.json"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        (tmp_path / name).write_bytes(content)  # trestle looks for imported documents from its workspace's root
    shutil.rmtree(tmp_path / "run")
    done = subprocess.run([trestle, "validate", "--all"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("VALID: Model") == 8


def test_trestle_finds_its_way_from_the_results_to_the_catalogues(tmp_path: Path) -> None:
    from trestle.core.commands.generate_manifest import GenerateManifestCmd

    written(tmp_path, WHOLE)
    results = write(tmp_path, "oscal")
    GenerateManifestCmd.generate_manifest(results, tmp_path / "manifest.json")
    found = {one["name"] for one in json.loads((tmp_path / "manifest.json").read_text())["artifacts"]}
    assert found == {f"oscal/{path.name}" for path in (tmp_path / "oscal").iterdir()}


def test_every_control_and_objective_that_is_named_stands_in_a_catalogue(tmp_path: Path) -> None:
    documents = _documents(tmp_path, WHOLE)
    known = {name for document in documents.values() if "catalog" in document for name in _values(document, "id")}
    named = set(_values(documents, "control-id", "objective-id", "target-id"))
    assert len(named) > 10
    assert named <= known
    assert all(TOKEN.fullmatch(name) for name in known)


def test_every_uuid_that_is_referred_to_exists(tmp_path: Path) -> None:
    documents = _documents(tmp_path, WHOLE)
    known = list(_values(documents, "uuid"))
    referred = set(_values(documents, "observation-uuid", "subject-uuid", "risk-uuid"))
    referred |= {href.removeprefix("#") for href in _values(documents, "href") if href.startswith("#") and "_" not in href}
    assert referred <= set(known)


def test_what_held_is_satisfied_and_nothing_else_is(tmp_path: Path) -> None:
    findings = {one["title"]: one["target"]["status"] for one in _result(_documents(tmp_path, WHOLE))["findings"]}
    assert findings["ANSSI SNS 4.3 R29: SNS-WEB-01"] == {"state": "satisfied", "reason": "pass"}
    assert findings["ISO 27001:2022 8.20: SNS-WEB-03"] == {"state": "not-satisfied", "reason": "other"}, "though it is waived"
    assert findings["Rempart scenarios SNS-RA-05: SNS-RA-05"] == {"state": "not-satisfied", "reason": "other"}
    assert not any("SNS-IPSEC-01" in title for title in findings), "what is not applicable was not assessed"


def test_a_finding_is_of_the_scenarios_claim_and_says_what_it_does_not_prove(tmp_path: Path) -> None:
    findings = _result(_documents(tmp_path, WHOLE))["findings"]
    assert {one["target"]["type"] for one in findings} == {"objective-id"}
    assert "Does not prove: it is reached" in findings[0]["remarks"]


def test_evidence_is_linked_from_the_documents_own_folder_with_its_hash(tmp_path: Path) -> None:
    written(tmp_path, WHOLE)
    first = _result({"assessment-results.json": json.loads(write(tmp_path, "oscal").read_bytes())})["observations"][0]
    (evidence,) = first["relevant-evidence"]
    assert unquote(evidence["href"]) == "../evidence/x/internet.pcapng"
    assert {"name": "sha256", "ns": "urn:rempart:oscal", "value": "f" * 64} in evidence["props"]
    assert first["collected"] == "2026-11-24T00:00:02.000Z"
    assert first["methods"] == ["TEST"]


def test_a_deviation_is_a_risk_that_is_approved_or_open(tmp_path: Path) -> None:
    result = _result(_documents(tmp_path, WHOLE))
    still_open, approved = result["risks"]
    assert still_open["status"] == "open"
    assert (approved["status"], approved["deadline"]) == ("deviation-approved", "2026-12-31T23:59:59Z")
    assert approved["mitigating-factors"][0]["description"] == "watched"
    (waived,) = (one for one in result["findings"] if "related-risks" in one)
    assert waived["related-risks"] == [{"risk-uuid": approved["uuid"]}]
    assert f"waived until 2026-12-31 by Ada: {ATTACK}" in waived["remarks"]


def test_a_waiver_that_expired_approves_nothing(tmp_path: Path) -> None:
    expired = [replace(one, expires="2026-11-23") if isinstance(one, Deviation) else one for one in WHOLE]
    assert {one["status"] for one in _result(_documents(tmp_path, expired))["risks"]} == {"open"}


def test_a_catalogue_names_its_publisher_version_licence_and_the_day_it_was_read(tmp_path: Path) -> None:
    document = _documents(tmp_path, WHOLE)["catalog-iso-27001-2022.json"]["catalog"]
    told = json.dumps(document["metadata"])
    for fact in ("All of ISO 27001:2022", "Publisher", "https://publisher.example/", "ours", "2026-08-01"):
        assert fact in told


@pytest.mark.parametrize("kind, simulated", [("lab", True), ("openstack", False)])
def test_a_simulation_is_marked_in_every_document_and_observation(tmp_path: Path, kind: str, simulated: bool) -> None:
    environment = EnvironmentUp(kind=kind, capabilities=(), seconds=1.0)
    documents = _documents(tmp_path, [environment if isinstance(one, EnvironmentUp) else one for one in WHOLE])
    titles = [document[name]["metadata"]["title"] for document in documents.values() for name in document]
    assert all(("simulated lab" in title) == simulated for title in titles)
    marks = [list(_values(one["props"], "value"))[1] for one in _result(documents)["observations"]]
    assert set(marks) == {"simulated lab" if simulated else "real environment"}


@pytest.mark.parametrize("entries", [[RUN], BASIC[:5], MIXED], ids=["nothing ran", "cut short", "no control"])
def test_poor_records_are_valid_too(tmp_path: Path, entries: Sequence[Entry]) -> None:
    assert "reviewed-controls" in _result(_documents(tmp_path, entries))


def test_a_record_that_oscal_cannot_say_is_refused_with_the_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, [replace(RUN, at="yesterday"), *BASIC[1:]])
    assert main(["report", str(tmp_path), "--format", "oscal"]) == 2
    assert "assessment-results.json cannot say it: metadata.last-modified" in capsys.readouterr().err
