"""Two workers with a lab each say of a deployment what one worker says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reports.record import Record, read
from tests.plugins.same import plan, told
from tests.provisioning.plans import MINIMAL, change, copy_of

pytestmark = pytest.mark.lab

ROOT = MINIMAL.parents[1]
REFUTED, NOT_APPLICABLE = "SNS-MGMT-04", "SNS-IPSEC-01"
CHOSEN = ("SNS-WEB-01", "SNS-WEB-03", "SNS-EGRESS-03", "SNS-PLAT-07", REFUTED, NOT_APPLICABLE)


def _run(deployment: Path, runs: Path, *options: str) -> Record:
    chosen = [f"--scenario={name}" for name in CHOSEN]
    words = ["features", f"--deployment={deployment}", f"--runs={runs}", "-q", "-p", "no:cacheprovider", *chosen, *options]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    (folder,) = runs.iterdir()
    return read(folder)


def test_two_workers_and_one_say_the_same_of_a_deployment(tmp_path: Path) -> None:
    deployment = copy_of(MINIMAL, tmp_path)
    rules = deployment / "sbg7/ConfigFiles/Filter/05"
    change(rules, "from admin_client on out to Firewall_out port ssh", "from any on out to Firewall_out port ssh")

    serial, parallel = _run(deployment, tmp_path / "one"), _run(deployment, tmp_path / "two", "-n", "2")

    assert plan(parallel) == plan(serial)
    assert told(parallel) == told(serial)
    assert parallel.counts() == {"pass": 3, "fail": 2, "not applicable": 1}
    assert parallel.scenarios[f"{REFUTED}[sbg7]"].ending.reason == "expected the stranger's SSH: silent, observed answered"
    assert [len({one.worker for one in record.environments}) for record in (serial, parallel)] == [1, 2]
