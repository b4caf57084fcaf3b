"""What a failover carries over and what it does not: what rules have counted, and who may log in."""

from __future__ import annotations

import pytest

from lab import probe
from lab.device import Appliance, differences
from provisioning.vpn_user import REFUSED, UP, call
from steps.eventually import eventually
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab

ANSWERED_WITHIN = 12.0  # s for a firewall to answer a VPN user


def pinged(pair: Pair) -> int:
    """How many of one ping from the private server to the Internet were answered."""
    mirror = pair.environment.deployment.internet.mirror
    return probe.ping(pair.environment.web_server("sbg7"), mirror, count=1, within=1.0).answered


def counted(pair: Pair, member: Appliance) -> dict[str, int]:
    """What the rules of a member count of one ping from the private server to the Internet."""
    before = member.counters()
    assert pinged(pair) == 1
    return {place: packets for place, packets in differences(before, member.counters()).items() if place.startswith("Filter/")}


def login(pair: Pair, user: str) -> str:
    """Whether a user of the directory is let in or refused."""
    client = call(pair.environment, pair.environment.deployment.site("sbg7"), login=f"{user}@stormshield.ovh", transport="udp")
    try:
        said = eventually(client.log, until=lambda log: UP in log or REFUSED in log, within=ANSWERED_WITHIN, phase="the answer")
        return "refused" if REFUSED in said else "let in"
    finally:
        client.hang_up()
        eventually(lambda: not client.has_interface(), within=5.0, phase="the end of the tunnel")


def rename_user(member: Appliance, old: str, new: str) -> None:
    """One user goes from the directory and from the rights, another comes, with the same password."""
    for file in ("../Data/Ldapbase.ldif", "uac"):
        member.edit(file, lambda text: text.replace(old, new))
    member.apply("enopenvpn")


def test_each_member_counts_what_it_let_through_itself(pair: Pair) -> None:
    first, second = pair.active, pair.passive
    counts = counted(pair, first)
    assert set(counts.values()) == {1}, "the rule that let it pass, and the one that translated it"
    kept = first.counters()

    first.apply("hainfo", "switch")
    pair.eventually(lambda: pair.cluster.states()[second.name], "active")
    # It says so before the network has learned of it: what was on its way to the other is lost.
    pair.eventually(lambda: pinged(pair), 1)
    before = second.counters()

    assert counted(pair, second) == counts
    for rule in counts:
        assert first.counters()[rule] == kept[rule]
        assert second.counters()[rule].packets == before[rule].packets + 1
    with pair.fault("member-rebooted", second):
        assert {second.counters()[rule].packets for rule in counts} == {0}


def test_users_of_the_directory_are_those_of_the_last_synchronisation(pair: Pair) -> None:
    active, passive = pair.active, pair.passive
    before = pair.cluster.snapshot()
    assert login(pair, "address") == "let in"
    try:
        rename_user(active, "address", "grace")
        active.apply("hasync")
        rename_user(active, "grace", "heidi")  # not synchronised: the other member does not know of it
        with pair.fault("member-killed", active):
            pair.eventually(lambda: pair.cluster.states()[passive.name], "active")
            assert {user: login(pair, user) for user in ("address", "grace", "heidi")} == {
                "address": "refused", "grace": "let in", "heidi": "refused",
            }  # fmt: skip
    finally:
        pair.cluster.restore(before)
