"""The vRack as one tagged layer 2: frames made by hand, tagged as no honest host tags them, and who receives them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_bdd import then, when

from lab import probe
from lab.capture import Tap
from lab.host import LabHost
from steps.eventually import Sighting, watch
from steps.patience import certain, unproven
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

BROADCAST = b"\xff" * 6
EXPERIMENTAL = b"\x88\xb5"  # IEEE 802 local experimental ethertype 1: no host answers it
CROSSING = 2.0  # s for a frame to cross both regions: 100 times what it takes
REPEAT = 3  # each frame is sent so often: one that is learnt or aged away on its way proves nothing


@dataclass(frozen=True, slots=True)
class Trial:
    """Which networks (segment names) heard frames that they should not, and how many; ``own`` is the sender's network.

    ``honest`` says which of its ports heard the frame that must arrive, how often.
    """

    own: str
    tried: tuple[str, ...]
    heard: Mapping[str, int]
    honest: Mapping[str, int]


def broadcast(source: str, tags: Sequence[int], token: bytes) -> bytes:
    """A broadcast with these VLAN tags, outermost first, and a payload that is found again."""
    marks = b"".join(b"\x81\x00" + vlan.to_bytes(2, "big") for vlan in tags)
    return BROADCAST + bytes.fromhex(source.replace(":", "")) + marks + EXPERIMENTAL + token.ljust(46, b"\0")


def send_and_listen(
    scene: Scene, sender: LabHost, own: str, control: Sequence[int], tried: Mapping[str, Sequence[int]]
) -> Trial:
    """Send each of the tried frames, then the one that must arrive, then one that crosses to the other regions.

    When these two have arrived, what came before them has too, wherever it was going. ``own`` is the segment where the
    control is heard, ``control`` and ``tried`` are VLAN tags, outermost first. Raises Inconclusive when one does not arrive.
    """
    nic = sender.nic("eth0")
    tokens = {name: os.urandom(12) for name in tried}
    last = os.urandom(12)
    points = _points(scene, sender)
    with scene.environment.listen(points) as taps:
        frames = [broadcast(nic.mac, tags, tokens[name]) for name, tags in tried.items()] * REPEAT
        probe.inject(sender, nic.name, [*frames, broadcast(nic.mac, control, last)])
        there = [point for point, segment in points.items() if segment == own]
        honest = certain(
            lambda: {point: _count(taps[point], [last]) for point in there},
            until=lambda heard: heard and all(heard.values()),
            within=CROSSING,
            what="the honest frame",
            expected=f"heard at all {len(there)} other ports of {own}",
        )
        crossing = _cross(scene, points, taps)
        heard: Counter[str] = Counter()
        for point, segment in points.items():
            heard[segment] += _count(taps[point], tokens.values())
    # A way that is not as planned may lose the frame that crosses. What was heard elsewhere says more; silence says nothing.
    if not crossing.satisfied and not any(number for segment, number in heard.items() if segment != own):
        raise unproven(
            crossing, within=CROSSING, what="the frame that crosses to the other regions", expected="heard in all of them"
        )
    return Trial(own, tuple(tried), heard, honest)


def _cross(scene: Scene, points: Mapping[str, str], taps: Mapping[str, Tap]) -> Sighting[set[str]]:
    """Look for a frame of the site's gateway, on the untagged network that all sites share, in every other region.

    Each trunk keeps its order: what went before it by any network has arrived there too.
    """
    gateway, token = scene.environment.host(f"gw-{scene.site.name}"), os.urandom(12)
    nic = gateway.nic("eth0")
    probe.inject(gateway, nic.name, [broadcast(nic.mac, (), token)])
    regions = {point: _region(scene, point) for point in points}
    others = set(regions.values()) - {nic.region}
    return watch(
        lambda: {region for point, region in regions.items() if region in others and _count(taps[point], [token])},
        until=lambda heard: heard == others,
        within=CROSSING,
    )


def _region(scene: Scene, point: str) -> str:
    host, _, nic = point.partition(":")
    return scene.environment.host(host).nic(nic).region


def _points(scene: Scene, sender: LabHost) -> dict[str, str]:
    """Every access port of the vRack but the sender's, and its segment."""
    topology = scene.environment.lab.topology
    tagged = {segment.name for segment in topology.segments if segment.vlan is not None}
    return {
        f"{host.name}:{nic.name}": nic.segment
        for host in topology.hosts
        for nic in host.nics
        if nic.segment in tagged and not nic.trunk and host.name != sender.name
    }


def _count(tap: Tap, tokens: Iterable[bytes]) -> int:
    wanted = tuple(tokens)
    return sum(1 for one in tap.since(0) if any(token in one.data for token in wanted))


def _private_vlans(scene: Scene) -> dict[str, int]:
    """Every VLAN of the plan but the untagged one, by segment."""
    sites = scene.deployment.sites.values()
    return {network.segment: network.vlan for site in sites for network in site.networks.values() if network.vlan}


@when("the bare-metal server sends untagged frames, and one tagged for its network", target_fixture="trial")
def _send_untagged(scene: Scene) -> Trial:
    own = scene.server_network
    return send_and_listen(scene, scene.server, own.segment, [own.vlan], {"untagged": []})


@when("the private server sends frames tagged for every network of the plan, and one untagged", target_fixture="trial")
def _send_tagged(scene: Scene) -> Trial:
    tried = {f"tagged {vlan}": [vlan] for vlan in _private_vlans(scene).values()}
    return send_and_listen(scene, scene.server, scene.server_network.segment, [], tried)


@when("the private server sends frames tagged twice, and one untagged", target_fixture="trial")
def _send_twice_tagged(scene: Scene) -> Trial:
    own = scene.server_network
    inner = _private_vlans(scene).values()
    tried = {f"tagged {outer} and {vlan}": [outer, vlan] for outer in (0, own.vlan) for vlan in inner}
    return send_and_listen(scene, scene.server, scene.server_network.segment, [], tried)


@then("its own network hears the honest frame")
def _heard_at_home(trial: Trial, record: ScenarioRecorder) -> None:
    record.observe(f"the honest frame on {trial.own}", expected="heard once at every other port", observed=dict(trial.honest),
                   holds=set(trial.honest.values()) == {1})  # fmt: skip


@then("no private network hears the others")
def _heard_nowhere(scene: Scene, trial: Trial, record: ScenarioRecorder) -> None:
    _silence_on(_private_vlans(scene), trial, record)


@then("no other network hears the others")
def _heard_at_home_at_most(trial: Trial, record: ScenarioRecorder) -> None:
    _silence_on([segment for segment in trial.heard if segment != trial.own], trial, record)


def _silence_on(segments: Iterable[str], trial: Trial, record: ScenarioRecorder) -> None:
    record.observe("frames sent that nobody may hear", expected="some", observed=list(trial.tried), holds=bool(trial.tried))
    for segment in segments:
        record.observe(f"of these, heard on {segment}", expected=0, observed=trial.heard.get(segment, 0))
