"""The guide to the letter has every trap of the list, each once; the deployment that comes of it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.preflight.check import look
from provisioning.preflight.rule import Severity, rules
from tests.provisioning.plans import AS_PRINTED, GUIDE, MINIMAL, change, copy_of

ERRORS = ["O2", "O9", "O15", "O21", "O23", "S1", "S6", "S16", "V1", "V2", "V3", "V6"]
WARNINGS = [
    "O1", "O3", "O4", "O5", "O6", "O7", "O8", "O10", "O11", "O13", "O16", "O17", "O18", "O19", "O22", "O24", "O30", "O31",
    "S2", "S3", "S4", "S7", "S8", "S9", "S12", "S13", "S15", "V5", "V8",
]  # fmt: skip
INFORMATION = ["O12", "O14", "O20", "O25", "O26", "O27", "O28", "O29", "S5", "S10", "S11", "S14", "V4", "V7"]
OPEN = ["O12", "O14", "O21", "O25", "O26", "O27", "O28", "O29", "S3", "S5", "S10", "S11", "S12", "V5"]
"""What no plan can settle: a cloud or a person must look."""


@pytest.fixture(autouse=True)
def nobodys_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key of that name, or none."""
    monkeypatch.setenv("HOME", str(tmp_path))


def ids(folder: Path, severity: Severity) -> list[str]:
    return [finding.rule.id for finding in look(folder).findings if finding.severity is severity]


def test_the_guide_as_printed_has_every_trap_once() -> None:
    assert ids(AS_PRINTED, Severity.ERROR) == ERRORS
    assert ids(AS_PRINTED, Severity.WARNING) == WARNINGS
    assert ids(AS_PRINTED, Severity.INFORMATION) == INFORMATION
    assert sorted([*ERRORS, *WARNINGS, *INFORMATION]) == sorted(rules())


def test_the_guides_deployment_has_nothing_but_what_a_cloud_or_a_person_must_see() -> None:
    assert ids(GUIDE, Severity.ERROR) + ids(GUIDE, Severity.WARNING) == []
    assert ids(GUIDE, Severity.INFORMATION) == OPEN


def test_a_plan_for_the_lab_alone_says_that_openstack_was_not_looked_at() -> None:
    first, *others = look(MINIMAL).findings
    assert str(first).startswith(f"{MINIMAL}/deployment.toml:1: information: cloud: nothing says what OpenStack is asked for")
    assert [finding.rule.id for finding in others if finding.severity] == []


def test_what_reading_finds_is_told_beside_the_rules_and_not_twice(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", 'host = "web"', 'host = "www"')
    change(folder / "deployment.toml", 'block = "203.0.113.152/29"', 'block = "147.135.161.152/29"')

    found = [finding for finding in look(folder).findings if finding.severity is Severity.ERROR]
    assert [(finding.rule.id, finding.field) for finding in found] == [
        ("plan", "sites.sbg7.published[1].host"),
        ("plan", "sites.gra11.released[1]"),
        ("V3", "sites.gra11.block"),
    ]
