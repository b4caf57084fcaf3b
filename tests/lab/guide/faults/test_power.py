"""A member that stops as a whole: seen from outside, and undone."""

from __future__ import annotations

import pytest

from lab.device import Appliance
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab


def processes(member: Appliance) -> list[str]:
    """The states of its processes, its first and what that waits for left out."""
    return member.host.must(
        "sh", "-c", "ps -e -o stat=,comm= | grep -v -e ' sleep$' -e ' sh$' -e ' ps$' -e ' grep$' || true"
    ).split("\n")[:-1]


def test_a_killed_member_runs_nothing_and_has_no_cable(pair: Pair) -> None:
    victim, other = pair.active, pair.passive
    with pair.fault("member-killed", victim):
        assert processes(victim) == []
        assert "ASSURED" not in victim.host.must("conntrack", "--dump")
        assert {victim.path(f"/sys/class/net/{nic.name}/carrier").read_text().strip() for nic in victim.host.spec.nics} == {"0"}
        pair.becomes("active", "silent")
        assert pair.active.name == other.name
    assert processes(victim)


def test_a_frozen_member_stands_still_with_its_links_up(pair: Pair) -> None:
    victim = pair.active
    with pair.fault("member-frozen", victim):
        assert {line[0] for line in processes(victim)} == {"T"}
        assert victim.path("/sys/class/net/eth0/carrier").read_text().strip() == "1"
        pair.becomes("active", "silent")
    assert "T" not in {line[0] for line in processes(victim)}


def test_a_rebooted_member_is_another_one(pair: Pair) -> None:
    victim = pair.active
    before = victim.host.read("/var/lib/sns/run/ha_agent.pid")
    with pair.fault("member-rebooted", victim):
        assert victim.host.read("/var/lib/sns/run/ha_agent.pid") != before
