"""What the gate says of changes as people make them, by the model alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from provisioning.gate.verdict import EXIT
from tests.gate.cases import BAD, HARMLESS, Case, edited
from tests.provisioning.plans import GUIDE


def test_there_are_twenty_bad_ones_and_ten_harmless_ones() -> None:
    assert (len(BAD), len(HARMLESS)) == (20, 10)


@pytest.mark.parametrize("case", [*BAD, *HARMLESS], ids=lambda case: case.name)
def test_a_change_gets_its_verdict_and_its_flow_is_named(case: Case, tmp_path: Path) -> None:
    after, told = edited(case, tmp_path), tmp_path / "told.json"

    status = main(["gate", "--static", "--before", str(GUIDE), "--after", str(after), "--json", str(told)])
    found = json.loads(told.read_text())

    kind, text = case.named
    places = [
        f"{' '.join(one['what'])} {one['example']} {one['was']} {one['now']}" for one in found["changes"] if one["kind"] == kind
    ]
    assert (found["verdict"], status) == (case.verdict, EXIT[case.verdict]), found["changes"]
    assert not kind or any(text in place for place in places), found["changes"]
