"""A member's agent is given another configuration: it follows it, or stays as it was and says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.device import Appliance
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab

AGENT_PID = "/var/lib/sns/run/ha_agent.pid"
WORKER = f"$(ps -o pid= --ppid $(cat {AGENT_PID}))"
LACKING = "\n[ethernet7]\nState=1\nName=lacking\nProtected=0\nAddress=198.51.100.1\nMask=255.255.255.0\n"


@pytest.fixture
def edited(pair: Pair) -> Iterator[Pair]:
    """A pair whose files are put back."""
    before = pair.cluster.snapshot()
    yield pair
    pair.cluster.restore(before)


def reload(member: Appliance) -> None:
    member.call("from lab.appliance.ha_control import ask; ask('reload')")


def lose_worker(member: Appliance) -> None:
    """The process beside its agent is killed; the agent starts another."""
    member.host.must("sh", "-c", f"kill -9 {WORKER}")


def sockets_of_worker(member: Appliance) -> int:
    return int(member.host.must("sh", "-c", f"ls -l /proc/$(echo {WORKER})/fd | grep -c socket: || true"))


def test_an_interface_that_a_member_lacks_is_refused_and_the_pair_stands(edited: Pair) -> None:
    active, passive = edited.active, edited.passive
    agent, mark = passive.host.read(AGENT_PID), len(passive.read_log("l_ha"))
    active.edit("network", lambda text: text + LACKING)

    done = active.run("hasync")

    assert not done.ok
    assert "ennetwork: " in done.stderr
    assert "ethernet7" in done.stderr
    reload(passive)
    edited.eventually(lambda: '"configuration refused"' in passive.read_log("l_ha")[mark:], True)
    assert (passive.host.read(AGENT_PID), edited.modes()) == (agent, ["active", "passive"])


def test_another_password_holds_for_all_that_the_members_say_to_each_other(edited: Pair) -> None:
    """Also where an agent has had to replace its worker, which must not keep open what the agent closes.

    As long as only one of them has the new password they do not hear each other, and an agent that is slow to lay its new
    wires gives way: afterwards either may be the active one.
    """
    passive = edited.passive
    before = sockets_of_worker(passive)
    lose_worker(passive)
    edited.eventually(lambda: '"worker lost"' in passive.read_log("l_ha"), True)
    edited.eventually(lambda: sockets_of_worker(passive), before)
    for member in edited.cluster.members:
        member.edit("HA/highavailability", lambda text: text.replace("Password=", "Password=other"))
        reload(member)
    edited.eventually(edited.ailments, [])
    assert "both members are identical" in edited.active.apply("hasync").stdout


def test_without_fwdefault_the_members_still_reach_each_other(edited: Pair) -> None:
    """By a connection that begins after the change: heartbeats belong to one that goes on in any case."""
    active, passive = edited.active, edited.passive
    active.edit("Filter/filter", lambda text: text.replace("fwdefault=1", "fwdefault=0"))
    said = active.apply("enfilter", "-u").stderr
    assert "FwDefault" in said
    assert "both members are identical" in active.apply("hasync").stdout
    for member in (active, passive):
        member.host.must("conntrack", "-F")
    assert "both members are identical" in active.apply("hasync").stdout
    edited.eventually(edited.ailments, [])
