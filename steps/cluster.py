"""The pair: who is active, what it shares, and what a change of members costs those who use it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import pytest
from pytest_bdd import given, parsers, then, when

from lab.cluster import missing
from lab.device import Appliance
from lab.faults import catalogue
from lab.faults.injection import Injection
from lab.invariants.configurations import Files, differences
from lab.probe import Outcome
from provisioning.matrix.measured import Matrix
from sns.prediction import Flow
from steps.eventually import eventually, watch
from steps.management import management_attempts
from steps.neighbours import Question, announcements
from steps.passage import (
    ECHO,
    HTTP,
    HTTPS,
    SSH,
    Passage,
    flows,
    ha_address,
    hold,
    interface,
    measured,
    own_addresses,
    refuses_all_but,
    vpn_ports,
)
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.plugins.under_way import LOST, UnderWay
from steps.scene import Scene
from steps.services import questions
from steps.verdict import Inconclusive
from steps.web import fetch, published, status

ANSWERS_WITHIN = 4.0  # s for the published site behind a member that took over
ANNOUNCED_WITHIN = 1.0  # s: a takeover is announced at once, and at the next three beats
SHARED_WITHIN = 3.0  # s: a change is looked for every 0.1 s and told with each heartbeat


def other_than(scene: Scene, member: Appliance) -> str:
    """The name of the other one of the pair."""
    return next(one.name for one in scene.cluster.members if one.name != member.name)


def state(member: Appliance) -> dict[str, Any]:
    """What a member says of the cluster."""
    done = member.run("hainfo", "--json", timeout=5)
    found: dict[str, Any] = json.loads(done.stdout) if done.ok else {"local": {"mode": "silent"}, "peer": None}
    return found


@when("both members are asked for the state of the cluster", target_fixture="states")
def _ask_both(scene: Scene) -> dict[str, dict[str, Any]]:
    """Side by side, as whoever has two terminals does: the command takes a process."""
    members = scene.cluster.members
    with ThreadPoolExecutor() as pool:
        return dict(zip((member.name for member in members), pool.map(state, members), strict=True))


@then("exactly one of them is active")
def _one_active(states: dict[str, dict[str, Any]], record: ScenarioRecorder) -> None:
    modes = sorted(one["local"]["mode"] for one in states.values())
    record.observe("the members' modes", expected=["active", "passive"], observed=modes)


@then("they agree on who it is")
def _agree(states: dict[str, dict[str, Any]], record: ScenarioRecorder) -> None:
    told = {
        name: sorted((one[side]["serial"], one[side]["mode"]) for side in ("local", "peer") if one[side])
        for name, one in states.items()
    }
    first, second = told.values()
    record.observe("what both say", expected=first, observed=second)


@given("the members have the same configuration")
def _same(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "yes", record)


@when("the administrator changes the configuration of the active member")
def _change(scene: Scene, changes: Changes) -> None:
    pair = changes.of(scene.cluster)
    pair.active().edit("object", lambda text: text.replace("[Network]", "a_new_host=192.0.2.1,resolve=static\n[Network]", 1))


@dataclass(slots=True)
class Meant:
    """The files of the active member before they were synchronised, which both are to have from then on."""

    files: Files | None = None


@pytest.fixture
def meant() -> Meant:
    """None before a step synchronises them."""
    return Meant()


@when(parsers.parse('the administrator runs "{command}" on the active member'))
def _run_on_active(scene: Scene, command: str, meant: Meant, record: ScenarioRecorder) -> None:
    active = scene.cluster.active()
    meant.files = active.snapshot().files
    done = active.run(*command.split())
    record.observe(f"the exit status of {command}", expected=0, observed=done.status if done.ok else done.stderr)


@then("both members report that they are not synchronised")
def _not_synchronised(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "no", record)


@then("both members report that they are synchronised")
def _are_synchronised(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "yes", record)


def _synchronised(scene: Scene, expected: str, record: ScenarioRecorder) -> None:
    words = {True: "yes", False: "no", None: "unknown"}

    def look() -> list[str]:
        return [words[(told or {}).get("synchronised")] for told in scene.cluster.statuses().values()]

    seen = eventually(
        look,
        until=lambda said: said == [expected] * len(said),
        within=SHARED_WITHIN,
        phase="the members' word on their synchronisation",
        expected=f"synchronised: {expected}, by both",
    )
    record.observe("synchronised, by each member", expected=[expected] * len(seen), observed=seen)


@then("the configuration files of both members are identical")
def _identical(scene: Scene, meant: Meant, record: ScenarioRecorder) -> None:
    first, second = (member.snapshot().files for member in scene.cluster.members)
    record.observe("files that differ", expected=[], observed=differences(first, second))
    if meant.files is not None:
        record.observe("files of which the active member had others before", expected=[],
                       observed=differences(meant.files, first))  # fmt: skip


@when("the administrator makes the passive member active", target_fixture="announced")
def _switch(scene: Scene) -> dict[Question, int]:
    """What its neighbours then hear: gratuitous ARP for each address, how often."""
    with announcements(scene, questions(scene)) as heard:
        scene.cluster.active().apply("hainfo", "switch")
        return watch(heard, until=lambda counts: all(counts.values()), within=ANNOUNCED_WITHIN).seen


@then("its neighbours are told where the cluster's addresses are now")
def _announced(announced: dict[Question, int], record: ScenarioRecorder) -> None:
    for question, count in announced.items():
        record.observe(f"announcements of {question.address} heard by {question.host}", expected="some", observed=count,
                       holds=count > 0)  # fmt: skip


@dataclass(slots=True)
class Loss:
    """A fault of a member; ending it twice is no error."""

    injection: Injection

    @property
    def member(self) -> Appliance:
        """The member that it was done to."""
        return self.injection.target.member

    def end(self) -> None:
        """Undo it, and wait until the member is one of the pair again."""
        self.injection.end()
        wait_for_pair(self.member)


def lose(scene: Scene, changes: Changes | UnderWay, name: str, *parameters: str, member: Appliance | None = None) -> Loss:
    """A fault of a member, the active one unless another is named; it is undone when the scenario ends."""
    fault = catalogue.read(name, parameters)
    loss = Loss(scene.environment.faults.injection(fault, (member or scene.cluster.active()).name))
    changes.undo(loss.end)
    loss.injection.begin()
    return loss


@given(LOST, target_fixture="loss")
def _lost_and_taken_over(scene: Scene, under_way: UnderWay, record: ScenarioRecorder) -> Loss:
    loss = under_way.have(lost_at(scene), lambda loss: loss.injection.in_force, lambda: lose(scene, under_way, "member-killed"))
    _taken_over(scene, loss.member, record)
    return loss


def lost_at(scene: Scene) -> object:
    """What goes on where a member of the scenario's site has lost power."""
    return scene.environment, scene.site.name, LOST


@when("the lost member returns")
def _returns(loss: Loss) -> None:
    loss.end()


@then("it is passive and the members are synchronised")
def _passive_and_synchronised(scene: Scene, loss: Loss, record: ScenarioRecorder) -> None:
    record.observe(f"the mode of {loss.member.name}", expected="passive", observed=scene.cluster.states()[loss.member.name])
    _synchronised(scene, "yes", record)


@then("the published site answers through it")
def _answers_through_it(scene: Scene, loss: Loss, record: ScenarioRecorder) -> None:
    active_alone(scene, loss.member.name, "the switch", record)
    # Asked again and again: what is lost in the moment of a switch TCP sends again only after a second.
    record.eventually(
        "the stranger's request to the published site",
        lambda: status(fetch(scene.environment.stranger, published(scene), "--connect-timeout", "0.2")),
        until=lambda answer: answer == "HTTP/1.1 200 OK",
        expected="HTTP/1.1 200 OK",
        within=ANSWERS_WITHIN,
    )


def wait_for_pair(member: Appliance) -> None:
    """Until a member is one of the pair, and hears the other on every wire: a switch takes its time to use a port again."""
    eventually(lambda: missing(member), until=lambda lacks: not lacks, within=10.0, phase=f"the return of {member.name}",
               expected="one of the pair, which hears the other on every wire")  # fmt: skip


@then("the former passive member is active, alone")
def _taken_over(scene: Scene, former: Appliance, record: ScenarioRecorder) -> None:
    active_alone(scene, other_than(scene, former), "the takeover", record)


def active_alone(scene: Scene, name: str, phase: str, record: ScenarioRecorder) -> None:
    """A member is active, and no other, within the deployment's budget. ``phase`` is what was late when it is not."""
    record.observe("active members", expected=[name], observed=await_alone(scene, name, phase))


def await_alone(scene: Scene, name: str, phase: str) -> list[str]:
    """The active members once it is this one alone. Raises Refuted when that takes longer than the deployment's budget."""
    pair, within = scene.cluster, scene.deployment.budgets.takeover / 1000
    return eventually(lambda: [member for member, mode in pair.states().items() if mode == "active"],
                      until=lambda names: names == [name], within=within, phase=phase,
                      expected=f"{name} active, alone")  # fmt: skip


@then("both members report the HA link as failed")
def _link_failed(scene: Scene, record: ScenarioRecorder) -> None:
    def look() -> dict[str, str]:
        return {name: told["link"] if told else "silent" for name, told in scene.cluster.statuses().items()}

    seen = eventually(look, until=lambda links: set(links.values()) == {"Failed"}, within=SHARED_WITHIN,
                      phase="the members' word on the HA link", expected="Failed, by both")  # fmt: skip
    record.observe("the HA link, by each member", expected=dict.fromkeys(seen, "Failed"), observed=seen)


# The members' network -------------------------------------------------------------------------------------------------


@when("others on the HA network send packets to the firewall and to every other network, and outsiders to its HA address",
      target_fixture="passage")  # fmt: skip
def _ha_network_sends(scene: Scene, stand: Matrix) -> Passage:
    internet, network = scene.deployment.internet, scene.site.network_of("ha")
    ha, out = (interface(scene, scene.site, role) for role in ("ha", "external"))
    own = _ha_address(scene)
    neighbours = [*network.dhcp, network.subnet[-2]]
    others = (scene.public_address, scene.deployment.private_address(scene.site.name), scene.server_address,
              internet.public, network.subnet[-1] + 1)  # fmt: skip
    kinds = (*(("tcp", port) for port in (SSH, HTTP, HTTPS, 1300)), ("icmp", ECHO))
    return measured(stand, {scene.site.name: (
        *flows(ha, neighbours, (own, *others), kinds),
        *flows(ha, [internet.stranger, internet.admin, network.subnet[-1] + 2], (own, *others), kinds),
        *flows(out, [internet.stranger, neighbours[-1]], [own], kinds),
    )})  # fmt: skip


def _ha_address(scene: Scene) -> IPv4Address:
    address = ha_address(scene, scene.site)
    assert address is not None, "the scenario needs @each_cluster"
    return address


@then("the firewall takes those of the HA network to its HA address")
def _takes_of_ha(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    hold(record, passage, _within_ha(scene, passage))


@then("it refuses the others")
def _refuses_beyond_ha(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    refuses_all_but(record, passage, _within_ha(scene, passage))


def _within_ha(scene: Scene, passage: Passage) -> dict[Flow, str]:
    network, ha = scene.site.network_of("ha").subnet, interface(scene, scene.site, "ha")
    own, vpn, address = own_addresses(scene, scene.site), vpn_ports(scene), _ha_address(scene)
    return {
        flow: "taken"
        for flow in passage
        if (flow.arrival == ha and flow.source in network and flow.destination == address)
        or (flow.destination in own and (flow.protocol, flow.destination_port) in vpn)  # VPN users come from anywhere
    }


@then("nobody there is shown the login page")
def _no_page_on_ha(scene: Scene, record: ScenarioRecorder) -> None:
    neighbour = scene.environment.host(f"dhcp-{scene.site.name}")
    ssh, page = management_attempts(scene, neighbour, scene.site, _ha_address(scene))
    if ssh is not Outcome.ANSWERED:
        raise Inconclusive(f"{neighbour.name}'s SSH to the HA address, the control, was {ssh.value}: no page proves nothing")
    record.observe("the login page", expected="withheld", observed=page)
