"""The keys of a tunnel: what both ends hold, whether it is what they are configured to, and what a new key costs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import inf
from threading import Event
from typing import Any

from pytest_bdd import then, when

from lab import probe
from lab.appliance.ipsec import DPD_DELAYS, identifier
from lab.device import Appliance
from lab.errors import CommandFailed
from lab.probe import Echoes, Outcome, Target
from provisioning.deployment_model import Tunnel as PlannedTunnel
from sns.model import Configuration, CryptoProfile, Peer, Tunnel
from sns.resolution import Resolver
from steps.eventually import Sighting, eventually, late, watch
from steps.patience import attempts, patience
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene
from steps.verdict import Inconclusive

UP_WITHIN = 5.0  # s: a negotiation takes 0.1 s; both ends may begin at once, and both tunnels then stay (RFC 7296, 2.8.1)
FAILED_WITHIN = 5.0  # s: a refused negotiation takes 0.1 s, but the peer may be the one that begins
SETTLED_WITHIN = 10.0  # s: a peer that does not answer any more is given up after 7 s where the slot says nothing slower
RENEWED_WITHIN = 3.0  # s: a renewal takes 0.1 s
INTERVAL = 0.010  # s between two pings of the stream
MOST = 1000  # pings, 10 s: three times what a renewal may take, a program's start on a busy machine included
AFTERWARDS = 0.2  # s that the stream goes on with the new keys
SLACK = 2  # s: the daemon tells whole seconds
UNPROXIED = (7, 22)  # ports that no proxy of the local firewall answers for
PATIENCE = 0.3  # s for a refusal: twenty times the round trip between the sites

Association = Mapping[str, Any]

_GROUPS = {"MODP_1024": 2, "MODP_2048": 14, "MODP_3072": 15, "MODP_4096": 16, "ECP_256": 19, "ECP_384": 20,
           "ECP_521": 21, "ECP_256_BP": 28, "ECP_384_BP": 29, "ECP_512_BP": 30, "CURVE_25519": 31}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suite:
    """An algorithm set in the product's words. ``group`` is the Diffie-Hellman group's number, None without one."""

    encryption: str
    hashing: str
    group: int | None

    def __str__(self) -> str:
        return f"{self.encryption} {self.hashing}" + (f" dh{self.group}" if self.group else "")


def negotiated(proposal: str) -> Suite:
    """The suite in what the IKE daemon names by IANA's transforms, as in ``AES_CBC_256/HMAC_SHA2_256_128/MODP_2048``."""
    cipher = re.search(r"(AES_CBC|AES_GCM_16|3DES)(?:_(\d{3}))?", proposal)
    kinds = {"AES_CBC": "aes", "AES_GCM_16": "aes_gcm_16", "3DES": "3des"}
    encryption = "/".join(filter(None, (kinds[cipher[1]], cipher[2]))) if cipher else "unknown"
    digest = re.search(r"HMAC_(?:SHA2_(\d{3})|SHA(1))", proposal)
    group = next((number for word, number in _GROUPS.items() if word in proposal.split("/")), None)
    return Suite(encryption, f"sha{digest[1] or digest[2]}" if digest else "none", group)


def configured(profile: CryptoProfile) -> list[Suite]:
    """The suites that a profile allows, in its order."""
    return [Suite(one.encryption.lower(), _digest(one.authentication), one.dh or profile.pfs) for one in profile.proposals]


def as_esp_tells(suite: Suite, *, first: bool) -> Suite:
    """A suite of phase 2 as the keys in place tell it: a cipher that authenticates itself has no hash beside it.

    The ``first`` keys of a tunnel come from the IKE exchange's own group (RFC 7296, 1.2): no group of theirs is told.
    """
    return replace(
        suite,
        hashing="none" if suite.encryption.startswith("aes_gcm") else suite.hashing,
        group=None if first else suite.group,
    )


def _digest(written: str | None) -> str:
    """``sha2_256`` and ``hmac_sha256`` are one: ``sha256``."""
    return (written or "none").lower().removeprefix("hmac_").replace("sha2_", "sha")


def told(firewall: Appliance) -> dict[str, Any]:
    """What a firewall's own command says of its security associations, and why the last negotiation failed."""
    answer: dict[str, Any] = json.loads(firewall.apply("showSAD", "--json").stdout)
    return answer


def held_with_peer(end: Scene) -> list[Association]:
    """The tunnels that a site's firewall holds with the other site's, whatever they join."""
    peer = str(end.deployment.public_address(end.remote.name))
    found = map(asdict, end.environment.firewall(end.site.name).security_associations())
    return [one for one in found if one["child_state"] == "INSTALLED" and one["remote"] == peer]


def standing(end: Scene) -> list[Association]:
    """Those of them that join the networks of the plan."""
    return [one for one in held_with_peer(end) if _selectors(one) == _planned(end, end.tunnel)]


def _selectors(association: Association) -> str:
    return f"{association['local_selectors']} - {association['remote_selectors']}"


def _planned(end: Scene, tunnel: PlannedTunnel) -> str:
    """The selectors of a tunnel of the plan, as this end is to hold them."""
    return " - ".join(str(site.networks[tunnel.network_at(site.name)].subnet) for site in (end.site, end.remote))


@when("both firewalls are asked for their security associations", target_fixture="held")
def _ask_both(scene: Scene) -> dict[str, list[Association]]:
    def look() -> dict[str, list[Association]]:
        return {end.site.name: standing(end) for end in scene.both_ends}

    return eventually(
        look,
        until=lambda held: all(held.values()),
        within=UP_WITHIN,
        phase="the tunnel at each end",
        expected="a tunnel between the configured networks, at each end",
    )


@then("each holds the tunnel between the configured networks, and none between others")
def _at_each_end(scene: Scene, held: dict[str, list[Association]], record: ScenarioRecorder) -> None:
    for end in scene.both_ends:
        site, selectors = end.site.name, [_selectors(one) for one in held[end.site.name]]
        record.observe(f"tunnels that {site} holds", expected="at least one", observed=selectors, holds=bool(selectors))
        sites = {site, end.remote.name}
        planned = {_planned(end, one) for one in scene.deployment.tunnels if set(one.sites) == sites}
        others = sorted({_selectors(one) for one in held_with_peer(end)} - planned)
        record.observe(f"tunnels that {site} holds between other networks", expected=[], observed=others)


@then("its algorithms and lifetimes are the configured ones")
def _as_configured(scene: Scene, held: dict[str, list[Association]], record: ScenarioRecorder) -> None:
    for site, association in ((site, one) for site, associations in held.items() for one in associations):
        configuration = scene.environment.configuration(site)
        tunnel = _configured_tunnel(scene, configuration)
        phase1 = configuration.vpn.phase1[configuration.vpn.peers[tunnel.peer.lower()].profile.lower()]
        phase2 = configuration.vpn.phase2[tunnel.profile.lower()]
        _observe_suite(f"{site}, IKE", configured(phase1), negotiated(association["ike_proposal"]), record)
        keyed = negotiated(association["esp_proposal"])
        suites = [as_esp_tells(one, first=keyed.group is None) for one in configured(phase2)]
        _observe_suite(f"{site}, ESP", suites, keyed, record)
        ends_after = association["installed"] + association["life"]
        record.observe(f"{site}, lifetime of the ESP keys (s)", expected=phase2.lifetime, observed=ends_after,
                       holds=abs(ends_after - phase2.lifetime) <= SLACK)  # fmt: skip
        renewed_after = association["ike_established"] + association["ike_rekey_in"]
        record.observe(f"{site}, renewal of the IKE keys after (s)", expected=f"at most {phase1.lifetime}",
                       observed=renewed_after, holds=0 < renewed_after <= phase1.lifetime)  # fmt: skip


@then("each asks after its peer, and begins the tunnel again, as configured")
def _asks_after_peer(scene: Scene, record: ScenarioRecorder) -> None:
    for end in scene.both_ends:
        site, other = end.site, end.remote
        configuration = scene.environment.configuration(site.name)
        wanted = configuration.vpn.peers[_configured_tunnel(scene, configuration).peer.lower()]
        known = {one.connection: one for one in scene.environment.firewall(site.name).peers()}
        seen = known.get(identifier(wanted.name))
        record.observe(f"seconds after which {site.name} asks {other.name} again", expected=DPD_DELAYS[wanted.dpd_mode.lower()],
                       observed=seen.asked_every if seen else "no peer")  # fmt: skip
        record.observe(f"{site.name} begins the tunnel again", expected=not wanted.responder_only,
                       observed=seen.begun_again if seen else "no peer")  # fmt: skip


def _observe_suite(what: str, allowed: list[Suite], seen: Suite, record: ScenarioRecorder) -> None:
    record.observe(f"{what} algorithms", expected=f"the first allowed, {allowed[0]}", observed=str(seen),
                   holds=seen == allowed[0])  # fmt: skip


def _configured_tunnel(scene: Scene, configuration: Configuration) -> Tunnel:
    """The line of the active VPN slot that joins the two sites."""
    remote = {scene.deployment.public_address(site.name) for site in (scene.site, scene.remote)}
    resolver = Resolver(configuration)
    for tunnel in configuration.vpn.tunnels:
        if resolver.address(configuration.vpn.peers[tunnel.peer.lower()].remote) in remote:
            return tunnel
    raise LookupError("no tunnel of the active VPN slot goes to the other site")


def _configured_peer(end: Scene) -> Peer:
    """What a site's firewall calls the other one."""
    configuration = end.environment.configuration(end.site.name)
    return configuration.vpn.peers[_configured_tunnel(end, configuration).peer.lower()]


# A wrong key --------------------------------------------------------------------------------------------------------


@when("the local firewall is given a wrong pre-shared key")
def _wrong_key(scene: Scene, changes: Changes) -> None:
    firewall = changes.of(scene.environment.firewall(scene.site.name))
    owner = _configured_peer(scene).remote
    key = re.compile(rf"^({re.escape(owner)}\s*)=.*$", re.IGNORECASE | re.MULTILINE)
    firewall.edit("VPN/psk", lambda text: key.sub(r"\1=not-the-key-of-the-other-end", text))
    firewall.apply("envpn", "-u")


@then("the firewall names the authentication failure")
def _names_failure(scene: Scene, record: ScenarioRecorder) -> None:
    firewall, peer = scene.environment.firewall(scene.site.name), _configured_peer(scene).name

    def look() -> Mapping[str, Any]:
        answer = told(firewall)
        failure = answer["last_failure"] or {}
        if failure.get("peer") == peer:
            return failure
        return {"no failure, but tunnels": [_selectors(one) for one in answer["security_associations"]]}

    failure = eventually(look, until=lambda seen: "code" in seen, within=FAILED_WITHIN, phase="the refused negotiation",
                         expected="a refused negotiation")  # fmt: skip
    record.observe("the reason that the firewall gives", expected="AUTH_FAILED", observed=failure["code"])
    record.observe("its place in the configuration", expected="VPN/peer:line", observed=failure["where"],
                   holds="VPN/peer:" in failure["where"])  # fmt: skip


@then("no tunnel stands at either end")
def _none_stands(scene: Scene, record: ScenarioRecorder) -> None:
    for end in scene.both_ends:
        site = end.site.name
        # Not at once: an end that did not hear that a tunnel ended holds it until it has asked in vain for 7 s.
        held = watch(partial(held_with_peer, end), until=lambda seen: not seen, within=SETTLED_WITHIN)
        if not scene.environment.firewall(site).peers():  # a daemon with a policy knows some: who knows none did not answer
            raise Inconclusive(f"the IKE daemon of {site} tells nothing: that it holds no tunnel does not follow")
        record.observe(f"tunnels that {site} holds", expected=0, observed=len(held.seen))
    answered = probe.ping(scene.server, scene.remote_address, count=3, within=PATIENCE).answered
    record.observe("pings answered by the remote server", expected=0, observed=answered)


# New keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewal:
    """The keys' indexes at each site before a renewal and as last seen, and the stream of pings around both looks."""

    before: Mapping[str, set[str]]
    after: Sighting[dict[str, set[str]]]
    stream: Echoes


@when("the keys of the tunnel are renewed under a stream of numbered packets", target_fixture="renewal")
def _renew(scene: Scene) -> Renewal:
    _settled(scene)
    begun, end = Event(), inf

    def goes_on(answered: int) -> bool:
        if answered:
            begun.set()
        return time.monotonic() < end

    with ThreadPoolExecutor(max_workers=1) as pool:
        pings = pool.submit(probe.ping, scene.server, scene.remote_address, count=MOST, interval=INTERVAL, goes_on=goes_on)
        try:
            eventually(lambda: begun.is_set() or pings.done(), within=UP_WITHIN, phase="the stream's first answer")
            before = _settled(scene)  # once more: the second of two tunnels that were begun at once goes after 10 s
            _renew_keys(scene.environment.firewall(scene.site.name))
            after = watch(lambda: _indexes(scene), until=lambda now: _all_new(before, now), within=RENEWED_WITHIN)
        finally:
            end = time.monotonic() + AFTERWARDS
    if after.satisfied and pings.result().sent == MOST:
        raise Inconclusive(f"the stream of {MOST} pings may have ended before the keys were new at both ends")
    return Renewal(before, after, pings.result())


def _settled(scene: Scene) -> dict[str, set[str]]:
    """The indexes at both ends once they are the same: a daemon gives up later than it is forgotten, and then begins anew."""
    held = watch(lambda: _indexes(scene), until=lambda now: all(now.values()) and _same(now), within=SETTLED_WITHIN)
    if not held.satisfied:
        raise Inconclusive(f"the two ends of the tunnel do not hold the same keys: {held.seen}")
    return held.seen


def _same(indexes: Mapping[str, set[str]]) -> bool:
    return len({frozenset(one) for one in indexes.values()}) == 1


def _renew_keys(firewall: Appliance) -> None:
    try:
        firewall.renew_tunnels()
    except CommandFailed as why:
        raise Inconclusive(f"the IKE daemon of {firewall.name} took no order: it does not run, or not yet") from why


def _indexes(scene: Scene) -> dict[str, set[str]]:
    """The security parameter indexes of the keys that the two firewalls hold with each other, by site."""
    return {
        end.site.name: {spi for one in held_with_peer(end) for spi in (one["spi_in"], one["spi_out"])}
        for end in scene.both_ends
    }


@then("the tunnel has new keys at both ends")
def _new_keys(renewal: Renewal, record: ScenarioRecorder) -> None:
    if not renewal.after.satisfied:
        raise late(renewal.after, within=RENEWED_WITHIN, phase="the new keys at both ends",
                   expected="none of the old indexes, and new ones")  # fmt: skip
    for site, indexes in renewal.after.seen.items():
        kept = sorted(indexes & renewal.before[site])
        record.observe(f"old keys that {site} still holds", expected=[], observed=kept)


def _all_new(before: Mapping[str, set[str]], now: Mapping[str, set[str]]) -> bool:
    return all(indexes and not indexes & before[site] for site, indexes in now.items())


@then("no packet of the stream is lost")
def _none_lost(renewal: Renewal, record: ScenarioRecorder) -> None:
    record.observe("pings sent", expected="some", observed=renewal.stream.sent, holds=renewal.stream.sent > 0)
    lost = [number for number in range(1, renewal.stream.sent + 1) if number not in renewal.stream.round_trips]
    record.observe("pings lost", expected=[], observed=lost)


# Outside the tunnel's networks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crossing:
    """Attempts of a site at addresses outside the tunnel's networks, and how many packets entered its tunnels meanwhile."""

    attempts: Mapping[str, Outcome]
    entered: int


@when("the private server of each site tries and pings addresses of the other one outside the tunnel's networks",
      target_fixture="crossings")  # fmt: skip
def _try_outside(scene: Scene) -> dict[str, Crossing]:
    _settled(scene)
    return {end.site.name: _crossing(end) for end in scene.both_ends}


def _crossing(end: Scene) -> Crossing:
    """Connections and pings at once: rules may refuse the ones, and the tunnel's networks alone the others."""
    inside = end.remote.networks[end.tunnel.network_at(end.remote.name)].subnet
    addresses = [address for network in end.remote.networks.values() for address in network.dhcp]
    addresses += [member.ha_address for member in end.remote.firewall.members if member.ha_address]
    outside = [address for address in addresses if address not in inside]
    targets = [Target(address, port) for address in outside for port in UNPROXIED]
    within = patience(lambda: probe.ping(end.server, end.remote_address, count=1).answered, "a ping through the tunnel")
    before = _carried(end)
    with ThreadPoolExecutor() as pool:
        pings = [pool.submit(probe.ping, end.server, address, count=1, within=within) for address in outside]
        outcomes = {str(target): outcome for target, outcome in attempts(end.server, targets, within).items()}
    for address, ping in zip(outside, pings, strict=True):
        outcomes[f"ping to {address}"] = Outcome.ANSWERED if ping.result().answered else Outcome.SILENT
    return Crossing(outcomes, _entered(end, before))


def _carried(end: Scene) -> dict[str, int]:
    """Packets that an end has put into its tunnels, by their index, whatever their networks: one too wide carries too much."""
    found = end.environment.firewall(end.site.name).security_associations()
    return {one.spi_out: one.packets_out for one in found if one.spi_out}


def _entered(end: Scene, before: Mapping[str, int]) -> int:
    """How many more it has put into them since. Raises Inconclusive when they are others: what the former took is not known."""
    now = _carried(end)
    if now.keys() != before.keys():
        raise Inconclusive(f"{end.site.name} holds other tunnels than before: what has entered them is not known")
    return sum(now.values()) - sum(before.values())


@then("none of the attempts enters the tunnel")
def _none_enters(scene: Scene, crossings: dict[str, Crossing], record: ScenarioRecorder) -> None:
    for end in scene.both_ends:
        site = end.site.name
        record.observe(f"packets of the attempts in the tunnel of {site}", expected=0, observed=crossings[site].entered)
        before = _carried(end)
        probe.ping(end.server, end.remote_address, count=3)
        record.observe(f"packets of three pings in the tunnel of {site}", expected=3, observed=_entered(end, before))


@then("none of them is answered")
def _none_answered(crossings: dict[str, Crossing], record: ScenarioRecorder) -> None:
    for site, one in crossings.items():
        answered = [target for target, outcome in one.attempts.items() if outcome is Outcome.ANSWERED]
        record.observe(f"attempts made from {site}", expected="some", observed=len(one.attempts), holds=bool(one.attempts))
        record.observe(f"attempts from {site} answered", expected=[], observed=answered)
