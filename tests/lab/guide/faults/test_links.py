"""Cables: seen at the member's own interface."""

from __future__ import annotations

import pytest

from lab.device import Appliance
from steps.eventually import watch
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab

NICS = {"external": "eth0", "private": "eth1", "ha": "eth2"}


def carriers(member: Appliance) -> set[str]:
    """The networks whose cable carries."""
    return {role for role, nic in NICS.items() if member.path(f"/sys/class/net/{nic}/carrier").read_text().strip() == "1"}


@pytest.mark.parametrize(
    "fault, without", [("link-down link=external", "external"), ("link-down link=private", "private"), ("ha-link-cut", "ha")]
)
def test_one_cable_is_pulled_and_no_other(pair: Pair, fault: str, without: str) -> None:
    victim = pair.active
    with pair.fault(fault, victim):
        assert carriers(victim) == NICS.keys() - {without}
    assert carriers(victim) == NICS.keys()


def test_a_loose_cable_goes_and_comes(pair: Pair) -> None:
    victim, seen = pair.passive, []

    def look() -> int:
        state = "external" in carriers(victim)
        if not seen or seen[-1] != state:
            seen.append(state)
        return len(seen)

    with pair.fault("link-flapping link=external down=50 up=50", victim):
        watch(look, until=lambda changes: changes > 6, within=3)
    assert seen[:7] in ([True, False] * 4, [False, True] * 4) or len(seen) > 6
    assert carriers(victim) == NICS.keys()
    changes = len(seen)
    watch(look, until=lambda now: now > changes + 1, within=0.3)
    assert seen[-1], "it goes on flapping after it was undone"
