"""Failures at a bad moment: that it was the moment is seen in the lab, and afterwards the pair is whole."""

from __future__ import annotations

import pytest

from lab.errors import LabError
from lab.faults import moments
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab


def test_both_members_boot_at_once_and_one_of_them_works(pair: Pair) -> None:
    before = {member.name: member.host.read("/var/lib/sns/run/ha_agent.pid") for member in pair.cluster.members}
    with pair.fault("pair-rebooted", pair.active):
        pair.becomes("active", "passive")
    for member in pair.cluster.members:
        assert member.host.read("/var/lib/sns/run/ha_agent.pid") != before[member.name]


def test_the_power_goes_while_keys_are_renewed(pair: Pair) -> None:
    victim = pair.active
    with pair.fault("killed-during-rekey", victim):
        _, _, renewal = victim.read_log("l_vpn").rpartition("establishing CHILD_SA")
        assert renewal
        assert "closing CHILD_SA" not in renewal
        pair.becomes("active", "silent")


@pytest.mark.parametrize("sender", [True, False], ids=["the sender", "the receiver"])
def test_the_power_goes_while_a_configuration_travels(pair: Pair, sender: bool) -> None:
    victim = pair.active if sender else pair.passive
    with pair.fault("killed-during-hasync", victim):
        pair.becomes("active", "silent")
        assert pair.active.name != victim.name
    pair.becomes("active", "passive")
    first, second = (member.snapshot() for member in pair.cluster.members)
    assert first == second


def test_the_power_goes_while_a_policy_is_applied(pair: Pair) -> None:
    with pair.fault("killed-during-change", pair.active):
        pair.becomes("active", "silent")


def test_what_was_over_before_is_not_called_interrupted(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_TRIES", 1)
    with pytest.raises(LabError, match="it was over before the power was cut"):
        pair.fault("killed-during-change after=2000", pair.active).begin()


@pytest.mark.parametrize("by", ["power", "switch"])
def test_two_failovers_close_together(pair: Pair, by: str) -> None:
    first = pair.active
    with pair.fault(f"failover-twice by={by}", first):
        assert pair.active.name == first.name


@pytest.mark.parametrize("preemption", ["no", "yes"])
def test_a_member_that_returns_takes_the_work_back_or_not(pair: Pair, preemption: str) -> None:
    victim = pair.active
    before = victim.snapshot()
    with pair.fault(f"failback preemption={preemption}", victim):
        assert (pair.active.name == victim.name) == (preemption == "yes")
    assert victim.snapshot() == before
