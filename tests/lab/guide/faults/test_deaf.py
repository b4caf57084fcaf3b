"""A member that hears nothing, though it is heard: whatever its part was, in the end the other one works."""

from __future__ import annotations

import json

import pytest

from lab.device import Appliance
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab


def causes(member: Appliance, mark: int) -> list[str]:
    """Why it changed its mode since its log was so long."""
    events = (json.loads(line) for line in member.read_log("l_ha")[mark:].splitlines())
    return [event["cause"] for event in events if event["event"] == "mode"]


@pytest.mark.parametrize("wires", ["all", "data"])
def test_an_active_member_to_whom_nothing_comes_in_gives_the_work_away(pair: Pair, wires: str) -> None:
    deaf, other = pair.active, pair.passive
    mark = len(deaf.read_log("l_ha"))
    with pair.fault(f"member-deaf wires={wires}", deaf):
        pair.eventually(pair.cluster.states, {deaf.name: "passive", other.name: "active"})
        assert causes(deaf, mark) == ["deaf"]
    pair.becomes("active", "passive")
    assert pair.active.name == other.name


def test_one_that_is_deaf_on_the_ha_link_alone_keeps_the_work(pair: Pair) -> None:
    deaf = pair.active
    mark = len(deaf.read_log("l_ha"))
    with pair.fault("member-deaf wires=ha", deaf):
        pair.eventually(lambda: (deaf.ha_status() or {})["link"], "Failed")
        assert pair.active.name == deaf.name
    assert causes(deaf, mark) == []


def test_a_passive_member_that_is_deaf_takes_over_and_gives_up_again(pair: Pair) -> None:
    """It cannot know better than that the other is silent, until it has asked the neighbours in vain."""
    other, deaf = pair.active, pair.passive
    mark = len(deaf.read_log("l_ha"))
    with pair.fault("member-deaf", deaf):
        pair.eventually(lambda: causes(deaf, mark), ["peer_silent", "deaf"])
        pair.eventually(pair.cluster.states, {deaf.name: "passive", other.name: "active"})
    pair.becomes("active", "passive")
    assert causes(deaf, mark) == ["peer_silent", "deaf"]
    assert pair.active.name == other.name


def test_a_changed_priority_does_not_make_the_active_member_stand_still(pair: Pair) -> None:
    """Its sockets and its lease do not depend on it; opened anew, they keep it from speaking until the other takes over."""
    active = pair.active
    before, marks = active.snapshot(), {member.name: len(member.read_log("l_ha")) for member in pair.cluster.members}
    try:
        active.edit("HA/highavailability", lambda text: text.replace("ethernet0=100", "ethernet0=90"))
        active.call("from lab.appliance.ha_control import ask; ask('reload')")
        pair.eventually(lambda: '"configuration changed"' in active.read_log("l_ha")[marks[active.name] :], True)
    finally:
        active.restore(before)
        active.call("from lab.appliance.ha_control import ask; ask('reload')")
    pair.eventually(lambda: active.read_log("l_ha")[marks[active.name] :].count('"configuration changed"'), 2)
    assert [causes(member, marks[member.name]) for member in pair.cluster.members] == [[], []]
