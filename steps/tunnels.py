"""Site-to-site tunnels: what crosses them, what crosses the Internet, and what happens when they are down."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network

from pytest_bdd import parsers, step, then, when

from lab import probe
from lab.capture import Frame
from lab.device import Appliance
from lab.host import LabHost
from lab.probe import Echoes
from provisioning.deployment_model import Site
from provisioning.matrix.measured import Matrix
from steps.eventually import eventually, watch
from steps.measuring import record_round_trips
from steps.passage import SOME_KINDS, Passage, arrived, ends, flows, hold, interface, measured
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene

MARK = b"rempart"  # what the lab's pings carry, readable wherever they are in clear
ANSWERED_WITHIN = 0.3  # s, twenty times the round trip
LOOK_WITHIN = 0.1  # s where they are sent again until all are answered: what was lost while the tunnel came up is not awaited
EXCHANGED_WITHIN = 1.0  # s for answers that have to come
APART = 0.005  # s between two pings
ESP_IN_UDP, IKE = 4500, 500
UP_WITHIN = 10.0  # s: a negotiation takes 0.1 s; a dead peer is noticed after 8 s (DPD high, retransmissions of the slot)


@step("the private servers of both sites ping each other", target_fixture="echoes")
def _both_ping(scene: Scene) -> dict[str, Echoes]:
    def look() -> dict[str, Echoes]:  # one way after the other: two ends that begin a tunnel at once have two of it
        return {
            scene.site.name: _pings(scene.server, scene.remote_address),
            scene.remote.name: _pings(scene.remote_server, scene.server_address),
        }

    return eventually(look, until=_all_answered, within=UP_WITHIN, phase="the tunnel",
                      expected="every ping answered both ways")  # fmt: skip


def _pings(host: LabHost, address: IPv4Address) -> Echoes:
    return probe.ping(host, address, count=3, interval=APART, within=LOOK_WITHIN)


def _all_answered(echoes: dict[str, Echoes]) -> bool:
    return all(not one.lost for one in echoes.values())


@then("every ping is answered, both ways")
def _every_ping(echoes: dict[str, Echoes], record: ScenarioRecorder) -> None:
    for site, one in echoes.items():
        record_round_trips(record, f"round trips from {site}", one)
        record.observe(f"pings from {site} answered", expected=one.sent, observed=one.answered)


@when(parsers.parse("the private servers of both sites exchange {count:d} marked packets each"), target_fixture="echoes")
def _exchange(scene: Scene, count: int) -> dict[str, Echoes]:
    _negotiated(_firewalls(scene))  # a tunnel that comes meanwhile is used by one end before the other has it
    scene.environment.begin_capture()
    return _marked_pings(scene, count, within=EXCHANGED_WITHIN)


@then("every marked packet arrives at the other site")
def _all_arrive(echoes: dict[str, Echoes], record: ScenarioRecorder) -> None:
    _every_ping(echoes, record)


def _ports(frame: Frame) -> tuple[int, int] | None:
    """The UDP ports of an IPv4 frame, None for anything else."""
    data = frame.data
    if data[12:14] != b"\x08\x00" or data[23] != 17:
        return None
    start = 14 + (data[14] & 15) * 4
    return int.from_bytes(data[start : start + 2], "big"), int.from_bytes(data[start + 2 : start + 4], "big")


@then("between the two firewalls only IKE and ESP are seen on the Internet")
def _only_esp(scene: Scene, record: ScenarioRecorder) -> None:
    ends = {scene.public_address.packed, scene.deployment.public_address(scene.remote.name).packed}
    between = [
        frame
        for frame in scene.environment.tap("internet").since(0)
        if frame.data[12:14] == b"\x08\x00" and {frame.data[26:30], frame.data[30:34]} == ends
    ]
    other = [frame for frame in between if not {IKE, ESP_IN_UDP} & set(_ports(frame) or ())]
    record.observe("packets between the firewalls", expected="some", observed=len(between), holds=bool(between))
    record.observe("those that are neither IKE nor ESP", expected=0, observed=len(other))


@then("no marked packet is readable on the Internet")
def _nothing_readable(scene: Scene, record: ScenarioRecorder) -> None:
    record.observe("marked packets in clear on the Internet", expected=0, observed=len(_marked(scene, "internet")))


@when("the tunnel services of both firewalls are stopped")
def _stop_services(scene: Scene, changes: Changes) -> None:
    firewalls = _firewalls(scene)
    changes.undo(lambda: _start_services(firewalls))
    for firewall in firewalls:
        kill_charon(firewall)


def _start_services(firewalls: list[Appliance]) -> None:
    """Start the tunnel services, and return when nobody negotiates any more. Raises CommandFailed.

    One after the other: of two ends that ask each other at the same moment, each may take the other's question for its first
    contact after a crash (RFC 7296 2.4) and forget a tunnel that the other keeps until it finds nobody there, 8 s later. So
    what the first one asks while nobody is there is not asked again: the last one begins, and finds both ends up.
    """
    *first, last = firewalls
    for firewall in first:
        firewall.apply("envpn", "-u")
        firewall.give_up_negotiations()
    last.apply("envpn", "-u")
    _negotiated(firewalls)


def _firewalls(scene: Scene) -> list[Appliance]:
    return [scene.environment.firewall(end.site.name) for end in scene.both_ends]


def _negotiated(firewalls: list[Appliance]) -> None:
    """Wait until a tunnel stands and nobody negotiates another one; who begins at once at both ends gets two."""
    watch(
        lambda: [one for firewall in firewalls for one in firewall.security_associations()],
        until=lambda held: held and all(one.established for one in held),
        within=UP_WITHIN,
    )


def kill_charon(firewall: Appliance) -> None:
    """The IKE daemon dies at once, as in a crash."""
    firewall.host.must("sh", "-c", "kill -KILL $(cat /var/lib/sns/run/charon.pid)")


@when("the IPsec policy of the local firewall is switched off")
def _switch_policy_off(scene: Scene, changes: Changes) -> None:
    firewall = changes.of(scene.environment.firewall(scene.site.name))
    firewall.edit("VPN/slotinfo", lambda text: re.sub(r"(?m)^Active=\d+", "Active=0", text))
    firewall.apply("envpn", "-u")


@when("the private server of each site sends marked packets to the other one", target_fixture="echoes")
def _send_marked(scene: Scene) -> dict[str, Echoes]:
    scene.environment.begin_capture()
    return _marked_pings(scene, 20, within=ANSWERED_WITHIN)


def _marked_pings(scene: Scene, count: int, *, within: float) -> dict[str, Echoes]:
    """What becomes of pings that are sent from both sites at once."""
    with ThreadPoolExecutor() as pool:
        sent = pool.map(lambda end: probe.ping(end.server, end.remote_address, count=count, interval=APART, within=within),
                        scene.both_ends)  # fmt: skip
        return {end.site.name: one for end, one in zip(scene.both_ends, sent, strict=True)}


@then("no marked packet is seen on the Internet")
def _none_seen(scene: Scene, echoes: dict[str, Echoes], record: ScenarioRecorder) -> None:
    for site, one in echoes.items():
        record.observe(f"pings from {site} answered without a tunnel", expected=0, observed=one.answered)
    for point in (*(f"gw-{site}:eth0" for site in echoes), "internet"):
        record.observe(f"marked packets at {point}", expected=0, observed=len(_marked(scene, point)))
    for end in scene.both_ends:
        inside = len(_marked(scene, f"{end.server.name}:eth0"))
        record.observe(f"marked packets inside {end.site.name}", expected=echoes[end.site.name].sent, observed=inside)


def _marked(scene: Scene, point: str) -> list[Frame]:
    return [frame for frame in scene.environment.tap(point).since(0) if MARK * 4 in frame.data]


@then("the tunnel comes back when the policy is switched on again")
@then("the tunnel comes back when the services are started again")
def _comes_back(scene: Scene, changes: Changes, record: ScenarioRecorder) -> None:
    changes.now()
    _every_ping(_both_ping(scene), record)


@when("the tunnel service of the remote firewall dies and is started again")
def _remote_restarts(scene: Scene) -> None:
    firewall = scene.environment.firewall(scene.remote.name)
    kill_charon(firewall)
    firewall.apply("envpn", "-u")


@then("the private servers ping each other again within the budget")
def _again_within_budget(scene: Scene, record: ScenarioRecorder) -> None:
    budget = scene.deployment.budgets.tunnel_restored / 1000
    record.eventually(
        "the tunnel after its peer's restart",
        lambda: probe.ping(scene.server, scene.remote_address, count=1, within=0.1).answered,
        within=budget,
    )


@when("both ends of each site's network send packets of all kinds to both ends of the other one", target_fixture="passage")
def _networks_send(scene: Scene, stand: Matrix) -> Passage:
    return measured(stand, {
        near.name: flows(interface(scene, near, "private"), ends(_joined(scene, near)), ends(_joined(scene, far)), SOME_KINDS)
        for near, far in ((scene.site, scene.remote), (scene.remote, scene.site))
    })  # fmt: skip


def _joined(scene: Scene, site: Site) -> IPv4Network:
    """The network that a site brings into the scenario's tunnel."""
    return site.networks[scene.tunnel.network_at(site.name)].subnet


@then("all of them arrive at the other site")
def _arrive(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    expected = {}
    for flow in passage:
        far = scene.site if flow.destination in _joined(scene, scene.site) else scene.remote
        expected[flow] = arrived(scene, far, flow)
    hold(record, passage, expected)
