"""A pair that has no remote site: nothing of IPsec runs on it, and it serves all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.many_sites import write_sites
from tests.lab.own_machine import Machine

pytestmark = pytest.mark.lab


def test_a_pair_without_tunnels_comes_up(machine: Machine, tmp_path: Path) -> None:
    deployment = write_sites(tmp_path / "alone", 1)

    up = machine.rempart("lab", "up", "--deployment", str(deployment))

    assert up.status == 0, up.output
    machine.rempart("lab", "down")
