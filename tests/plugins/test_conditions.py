"""A deployment that lists none of what a scenario tries is told that it is not applicable: trying nothing proves nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.deployment import CONDITIONS, load
from reports.record import Record, read
from tests.provisioning.plans import GUIDE, copy_of

ROOT = Path(__file__).parents[2]

LACKING = {
    "SNS-EGRESS-06": "refused name",
    "SNS-EGRESS-07": "refused name",
    "SNS-EGRESS-09": "published site",
    "SNS-EGRESS-10": "neighbour",
    "SNS-PLAT-06": "released address",
    "SNS-MGMT-07": "published site",
    "SNS-HA-02": "published site",
    "SNS-HA-08": "published site",
    "SNS-RA-03": "second transport",
    "SNS-RA-04": "second transport",
}
"""Scenarios of the features, and what they cannot do without."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's sites with their web servers alone: nothing published, refused or released, no DHCP, nobody beside them.

    Of the SSL VPN, which one of them has, the transport over UDP alone.
    """
    folder = copy_of(GUIDE, tmp_path_factory.mktemp("deployments"))
    plan = folder / "deployment.toml"
    text = re.sub(r"^(released|refused|dhcp) = .*\n", "", plan.read_text(), flags=re.MULTILINE)
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    gone = r"\[+sites\.\w+\.(published|hosts\.baremetal|pools\]\]\nprotocol = \"tcp\")"
    plan.write_text("".join(table for table in tables if not re.match(gone, table)))
    return folder


@pytest.fixture(scope="module")
def record(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What a run of these scenarios says; it needs no lab."""
    runs = tmp_path_factory.mktemp("runs")
    asked = [word for scenario in LACKING for word in ("--scenario", scenario)]
    command = [sys.executable, "-m", "pytest", "features/", "-q", "-p", "no:cacheprovider", "--deployment", str(bare), *asked]
    done = subprocess.run([*command, "--runs", str(runs)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return read(next(runs.iterdir()))


@pytest.mark.parametrize("scenario", LACKING)
def test_a_scenario_that_would_try_nothing_is_not_applicable(scenario: str, record: Record) -> None:
    endings = [one.ending for name, one in record.scenarios.items() if name.startswith(f"{scenario}[")]
    assert {ending.verdict for ending in endings} == {"not applicable"}
    assert all(re.fullmatch(rf"the site (sbg7|gra11) has no {LACKING[scenario]}", ending.reason) for ending in endings)
    assert len(endings) == (1 if LACKING[scenario] == "second transport" else 2)


def test_the_guide_has_it_all() -> None:
    guide = load(GUIDE)
    assert not [name for name in CONDITIONS if guide.without(name, "site", "sbg7")]


def test_an_unknown_condition_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown condition 'moon'.*neighbour"):
        load(GUIDE).without("moon", "tunnel", "sbg7-gra11")
