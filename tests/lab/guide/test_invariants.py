"""Every invariant on a running pair: silent while nothing is wrong, and caught by its name when something is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab import probe
from lab.appliance.ha_gate import TABLE
from lab.device import Appliance
from lab.invariants import answers, configurations, forwarding, sessions, silence
from lab.invariants.violation import Violation
from lab.torture.campaign import Campaign, Log
from lab.torture.sequence import Round, Step
from provisioning.environment import LabEnvironment
from provisioning.torture import stage as stages
from provisioning.torture.ground import ground
from provisioning.torture.planted import TUNNEL_TCP, TUNNEL_UDP, VPN_USER
from provisioning.torture.stage import Stage

pytestmark = pytest.mark.lab

SITE = "sbg7"
TCP, UDP = ("TCP through NAT",), ("UDP through NAT",)
SESSIONS = "/var/lib/sns/run/conntrackd.pid"
REFUSED = Round((Step(0.0, "refuse-session", SITE, "active", 2.0),), UDP)
SWITCHED = REFUSED.only([*REFUSED.steps, Step(1.0, "switch", SITE, "active", 0.0)])


@pytest.fixture(scope="module")
def stage(whole: LabEnvironment) -> Iterator[Stage]:
    with Stage(whole, (SITE,)) as opened:
        yield opened


class Defect:
    """A deliberate one, made on the stage's pair; what ``undo`` was told happens in the end."""

    def __init__(self, stage: Stage, ending: ExitStack) -> None:
        self.stage = stage
        self.undo = ending.callback
        states = stage.sites[SITE].cluster.states()
        self.active, self.passive = sorted(stage.sites[SITE].cluster.members, key=lambda one: states[one.name] != "active")

    def shell(self, member: Appliance, script: str, mend: str) -> None:
        self.undo(lambda: member.host.must("sh", "-ec", mend))
        member.host.must("sh", "-ec", script)


def gate_of_the_passive_open(defect: Defect) -> None:
    ways = {"arriving": "iif", "leaving": "oif"}
    _open_gate(defect, ways)
    for _ in range(20):  # it is not only asked: something on it speaks, for longer than two members may forward
        _speak(defect)
        time.sleep(0.015)
    _wait_a_second(defect)


def passive_speaks(defect: Defect) -> None:
    _open_gate(defect, {"leaving": "oif"})
    _speak(defect)


def _speak(defect: Defect) -> None:
    probe.inject(defect.passive.host, "eth1", [b"\xff" * 6 + b"\x02\0\0\0\0\x99" + b"\x88\xb7" + bytes(46)])


def _open_gate(defect: Defect, ways: dict[str, str]) -> None:
    defect.shell(
        defect.passive,
        "; ".join(f"nft insert rule netdev {TABLE} {chain} accept" for chain in ways),
        "; ".join(f"nft flush chain netdev {TABLE} {chain}; nft add rule netdev {TABLE} {chain} {end} @lease accept"
                  for chain, end in ways.items()),
    )  # fmt: skip


def _wait_a_second(defect: Defect) -> None:
    watch = defect.stage.sites[SITE].watch
    for _ in range(2):
        watch.up_to_now()  # each takes as long as frames are held back before they are judged


def somebody_else_answers(defect: Defect) -> None:
    """The private server claims the pair's private address."""
    _wait_a_second(defect)  # the pair's own answers are seen
    server = defect.stage.environment.web_server(SITE)
    own = bytes.fromhex(server.nic("eth0").mac.replace(":", ""))
    address = defect.stage.environment.deployment.private_address(SITE).packed
    claim = bytes.fromhex("0001080006040002") + own + address + bytes(6) + bytes(4)
    probe.inject(server, "eth0", [b"\xff" * 6 + own + b"\x08\x06" + claim])
    # Who believed it is told better at once.
    neighbour = defect.stage.environment.host(f"dhcp-{SITE}")
    defect.undo(lambda: [host.run("ip", "neigh", "flush", "all") for host in (server, neighbour)])


def found(stage: Stage) -> set[str]:
    return proven(violation for finding in stage.findings() for violation in finding.violations)


def proven(violations: Iterable[Violation]) -> set[str]:
    """The names of what is broken; what the machine itself explains is not."""
    return {violation.invariant for violation in violations if not violation.excuse}


@pytest.fixture
def fresh(stage: Stage) -> Stage:
    """The stage with a watch of its own: what others broke is not this test's."""
    stage.watch_anew()
    return stage


@pytest.mark.parametrize(
    ("defect", "names"),
    [
        (gate_of_the_passive_open, {forwarding.NAME, answers.TWO_PORTS, silence.NAME}),
        (passive_speaks, {silence.NAME}),
        (somebody_else_answers, {answers.TWO_MACS}),
        (lambda _: None, set()),
    ],
    ids=["the passive member's gate is open", "the passive member speaks", "somebody else answers", "nothing is wrong"],
)
def test_on_the_wires(fresh: Stage, defect: Callable[[Defect], None], names: set[str]) -> None:
    with ExitStack() as ending:
        defect(Defect(fresh, ending))
        fresh.sites[SITE].watch.up_to_now()
    assert found(fresh) == names


# Through a change of members ----------------------------------------------------------------------------------------------


def nothing_is_wrong(defect: Defect) -> None:
    """The control."""


def hasync_does_nothing(defect: Defect) -> None:
    path = "/usr/Firewall/sbin/hasync"
    for member in (defect.active, defect.passive):
        defect.shell(
            member, f"mv {path} {path}.kept; printf '#!/bin/sh\\n' >{path}; chmod 755 {path}", f"mv -f {path}.kept {path}"
        )


def policy_is_not_reassessed(defect: Defect) -> None:
    """On neither member does a new policy end a session."""
    for member in (defect.active, defect.passive):
        defect.shell(member, "mv /usr/sbin/conntrack /usr/sbin/conntrack.kept; ln -s /bin/true /usr/sbin/conntrack",
                     "mv -f /usr/sbin/conntrack.kept /usr/sbin/conntrack")  # fmt: skip


def end_of_a_session_is_not_told(defect: Defect) -> None:
    """The passive member neither hears of the end of sessions nor reassesses its own."""
    member = defect.passive
    defect.shell(member, f"kill -STOP $(cat {SESSIONS}); mv /usr/sbin/conntrack /usr/sbin/conntrack.kept; "
                 "ln -s /bin/true /usr/sbin/conntrack",
                 f"mv -f /usr/sbin/conntrack.kept /usr/sbin/conntrack; kill -CONT $(cat {SESSIONS})")  # fmt: skip


@pytest.mark.parametrize(
    ("defect", "wanted", "expected"),
    [
        (nothing_is_wrong, SWITCHED, set()),
        (hasync_does_nothing, REFUSED, {configurations.DIFFERENT}),
        (policy_is_not_reassessed, REFUSED, {sessions.GOES_ON}),
        (end_of_a_session_is_not_told, SWITCHED, {sessions.COMES_BACK}),
    ],
    ids=["nothing is wrong", "hasync does nothing", "enfilter ends no session", "the passive member keeps the session"],
)
def test_a_session_that_the_policy_refuses(
    fresh: Stage, defect: Callable[[Defect], None], wanted: Round, expected: set[str]
) -> None:
    with ExitStack() as ending:
        outcome = fresh.run(wanted, lambda: defect(Defect(fresh, ending)))
    assert proven(outcome.violations) == expected


def test_an_allowed_session_that_the_other_member_never_heard_of_ends_with_the_first(fresh: Stage) -> None:
    def sessions_are_not_shared(defect: Defect) -> None:
        for member in (defect.active, defect.passive):
            member.host.must("sh", "-c", f"kill -STOP $(cat {SESSIONS})")
            ending.callback(member.host.must, "sh", "-c", f"kill -CONT $(cat {SESSIONS})")
        defect.passive.host.must("conntrack", "--flush")

    with ExitStack() as ending:
        outcome = fresh.run(
            Round((Step(0.0, "switch", SITE, "active", 0.0),), TCP), lambda: sessions_are_not_shared(Defect(fresh, ending))
        )
    assert proven(outcome.violations) == {sessions.ENDED}


def test_sessions_that_a_member_missed_while_it_was_cut_off_are_caught_up_with(fresh: Stage) -> None:
    booted_alone = (Step(0.0, "ha-link-cut", SITE, "active", 2.0), Step(0.1, "member-killed", SITE, "passive", 0.3))
    for steps in (booted_alone, (Step(0.0, "switch", SITE, "active", 0.0),)):
        assert proven(fresh.run(Round(steps, TCP)).violations) == set()


def test_a_short_campaign_holds_and_leaves_a_healthy_pair(fresh: Stage, tmp_path: Path) -> None:
    terrain = ground(fresh.environment.deployment)
    steps = ("member-killed", "switch", "link-down link=private", "hasync")
    wanted = Round(tuple(Step(place * 0.3, what, SITE, "active", 0.8) for place, what in enumerate(steps)), terrain.flows)
    campaign = Campaign(fresh, Log(tmp_path / "campaign.jsonl"), lambda _: None, minutes=1)
    assert campaign.run([wanted]) == []
    assert campaign.done == 1
    assert sorted(fresh.sites[SITE].cluster.states().values()) == ["active", "passive"]


def test_a_tunnel_and_a_vpn_user_that_do_not_come_back_are_told(fresh: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's gateway carries nothing of either any more."""
    carried = (TUNNEL_TCP, TUNNEL_UDP, VPN_USER)
    for patience in ("LIVES_WITHIN", "REBUILT_WITHIN"):
        monkeypatch.setattr(stages, patience, 1.0)
    gateway, ports = fresh.environment.gateway(SITE), "{ 1194, 4500 }"
    chain = f"type filter hook forward priority -10; udp dport {ports} drop; udp sport {ports} drop"
    with ExitStack() as ending:
        ending.callback(gateway.must, "nft", "delete table inet cut_off")
        outcome = fresh.run(Round((), carried),
                            lambda: gateway.must("nft", f"table inet cut_off {{ chain carried {{ {chain}; }}; }}"))  # fmt: skip
    assert proven(outcome.violations) == {sessions.ENDED}
    told = {one.what.partition(" is over")[0] for one in outcome.violations}
    assert told == {f"the allowed {flow} of {SITE}" for flow in carried}
