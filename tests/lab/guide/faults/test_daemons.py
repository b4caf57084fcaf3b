"""One program dies; it runs again when that is undone, where it has to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.device import Appliance
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab

PROGRAMS = {"ha_agent": "ha_agent", "conntrackd": "conntrackd", "charon": "charon", "openvpn": "openvpn"}

PASSIVE = {"ha_agent", "conntrackd", "openvpn"}


_IKE = """
from lab.appliance import charon, security_associations
with charon._session() as session:
    {does}
"""
_END = "security_associations.terminate(session, {{'ike': '{peer}', 'force': 'yes'}})"


def standing(member: Appliance) -> list[str]:
    return [sa.child for sa in member.security_associations() if sa.established]


@contextmanager
def peer_without_policy(member: Appliance) -> Iterator[None]:
    """Its IKE daemon runs, and knows no peer: so it is while it starts."""
    member.call(_IKE.format(does=_END.format(peer="OVH_SBG7")))
    member.call(_IKE.format(does="session.command('unload-conn', {'name': 'OVH_SBG7'})"))
    try:
        yield
    finally:
        member.call("from lab.appliance import charon; charon._load()")


def running(member: Appliance) -> set[str]:
    listing = member.host.must("sh", "-c", "ps -e -o stat=,comm=,args= | grep -v ^Z")
    return {name for name, words in PROGRAMS.items() if words in listing}


@pytest.mark.parametrize("daemon", PROGRAMS)
def test_one_program_dies_and_runs_again(pair: Pair, daemon: str) -> None:
    victim = pair.active
    assert running(victim) == PROGRAMS.keys()
    with pair.fault(f"daemon-dead daemon={daemon}", victim):
        pair.eventually(lambda: running(victim), PROGRAMS.keys() - {daemon})
        if daemon == "ha_agent":
            pair.becomes("active", "silent")
    pair.becomes("active", "passive")
    assert running(pair.active) == PROGRAMS.keys()


def test_a_member_whose_agent_died_and_came_back_negotiates_no_tunnels(pair: Pair) -> None:
    victim = pair.active
    with pair.fault("daemon-dead daemon=ha_agent", victim):
        pair.becomes("active", "silent")
    pair.becomes("active", "passive")
    pair.eventually(lambda: running(victim), PASSIVE)


def test_no_negotiation_is_started_on_the_passive_member(pair: Pair) -> None:
    victim = pair.passive
    with pair.fault("daemon-dead daemon=charon", victim):
        pass
    assert running(victim) == PASSIVE


def test_an_ike_daemon_that_did_not_get_its_policy_is_started_again(pair: Pair) -> None:
    """Left running without it, it would refuse every peer; left alone, the tunnels would stay down for good."""
    former, member, swanctl = pair.active, pair.passive, "/usr/sbin/swanctl"
    mark = len(member.read_log("l_ha"))
    member.host.must(
        "sh", "-ec", f"mv {swanctl} {swanctl}.kept; printf '#!/bin/sh\\nexit 1\\n' >{swanctl}; chmod 755 {swanctl}"
    )
    try:
        former.apply("hainfo", "switch")
        pair.eventually(lambda: '"vpn started"' in member.read_log("l_ha")[mark:], True)
        assert "charon" not in running(member)
    finally:
        member.host.must("mv", "-f", f"{swanctl}.kept", swanctl)
    pair.eventually(lambda: standing(member), ["01-1"])


def test_a_tunnel_that_the_peer_refused_is_asked_for_again(pair: Pair) -> None:
    """The IKE daemon by itself never asks again after a refusal, as it gets from a peer that has not read its policy yet."""
    asking, refusing = pair.active, pair.environment.firewall("gra11")
    with peer_without_policy(refusing):
        asking.call(_IKE.format(does=_END.format(peer="OVH_GRA11")))
        pair.eventually(lambda: "NO_PROPOSAL_CHOSEN" in asking.run("showSAD").stdout, True)
        assert standing(asking) == []
    pair.eventually(lambda: standing(asking), ["01-1"])
