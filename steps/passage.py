"""What passes a firewall and what does not: packets of many kinds, put in at its own ports from whatever address, by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import product

import pytest
from pytest_bdd import then, when

from lab.matrix.trace import FIREWALL, Trace
from provisioning.deployment_model import Site
from provisioning.matrix.measured import Matrix
from sns.prediction import Flow
from sns.resolution import Resolver
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.under_way import STAND, UnderWay
from steps.scene import Scene
from steps.verdict import Inconclusive

ECHO, DNS, HTTP, HTTPS, SSH = 8, 53, 80, 443, 22
IKE = (500, 4500)
ESP = "50"
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))  # RFC 1918
TRIED = (21, 22, 23, 25, 52, 53, 54, 79, 80, 81, 123, 442, 443, 444, 500, 1194, 1195, 1300, 3389, 4500, 8080, 65535)
"""Ports that are tried over TCP and UDP: those of the roles, one off each side of these, and what is often left open."""
REQUESTS = (ECHO, 13, 15, 17)  # the ICMP types that begin something (sns.prediction)
OTHERS = ("2", "47", ESP, "132")  # IP protocols without ports: IGMP, GRE, ESP, SCTP
SOURCE_PORT = 1053  # outside of every range from which translations draw
OWN_PORT = " with its own port"
NOBODY, EVERYBODY = IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")  # noqa: S104 - a host without address, and all
_TOLD = 5  # packets, or reasons, that a verdict names

Kind = tuple[str, int | None]
"""A protocol with its destination port or ICMP type."""

Passage = Mapping[Flow, str]
"""Where each packet was last seen: ``out as 192.0.2.1 to 198.51.100.2:53``, ``taken``, ``refused``. What has ports says whether
it still has its own."""

EVERY_KIND: Sequence[Kind] = (
    *product(("tcp", "udp"), TRIED), *(("icmp", kind) for kind in REQUESTS), *((number, None) for number in OTHERS)
)  # fmt: skip
SOME_KINDS: Sequence[Kind] = (
    ("tcp", SSH),
    ("tcp", DNS),
    ("udp", DNS),
    ("tcp", HTTP),
    ("tcp", HTTPS),
    ("icmp", ECHO),
    ("47", None),
)


def flows(
    arrival: str, sources: Iterable[IPv4Address], destinations: Iterable[IPv4Address], kinds: Iterable[Kind]
) -> Iterator[Flow]:
    """Packets of all of these kinds, from each source to each destination."""
    for source, destination, (protocol, number) in product(sources, tuple(destinations), tuple(kinds)):
        if protocol == "icmp":
            yield Flow(arrival, source, destination, protocol, icmp_type=number)
        else:
            yield Flow(arrival, source, destination, protocol, None if number is None else SOURCE_PORT, number)


@pytest.fixture
def stand(scene: Scene, under_way: UnderWay) -> Matrix:
    """The firewalls, ready to be measured, from one scenario to the next that is tagged for it."""

    def start() -> Matrix:
        opened = Matrix(scene.environment)
        under_way.undo(opened.close)
        return opened

    return under_way.have((scene.environment, STAND), Matrix.is_of_now, start)


def measured(stand: Matrix, wanted: Mapping[str, Iterable[Flow]]) -> Passage:
    """Put packets in as they arrive at the firewalls of some sites, and see what becomes of each. Raises Inconclusive."""
    asked = ((site, flow) for site, several in wanted.items() for flow in several)
    traces = dict(stand.traces(asked))
    accounted_for(traces.values())
    return {flow: _seen(trace) for flow, trace in traces.items()}


def accounted_for(traces: Collection[Trace]) -> None:
    """Raises Inconclusive when of some packets nothing is known, as when a control among them did not come through."""
    if unknown := Counter(trace.lost for trace in traces if trace.lost):
        told = "; ".join(f"{why} ({number} packets)" for why, number in unknown.most_common(_TOLD))
        raise Inconclusive(f"what becomes of {unknown.total()} of {len(traces)} packets is not known: {told}")


def _seen(trace: Trace) -> str:
    if trace.last is None or trace.last.into is False:  # nowhere, or only as it came out of a tunnel
        return "answered" if trace.answers else "refused"
    site, _, point = trace.last.point.partition(":")
    if point == FIREWALL:
        return "taken"
    seen, port = trace.last.seen, trace.probe.flow.source_port
    to = towards(seen.destination, seen.destination_port)
    if site != trace.probe.entry.partition(":")[0]:
        return f"{point} of {site}{to}"
    return f"{point} as {seen.source}{OWN_PORT if port and port == seen.source_port else ''}{to}"


def towards(address: IPv4Address, port: int | None) -> str:
    """Where a packet was going when it was seen."""
    return f" to {address}" if port is None else f" to {address}:{port}"


def unchanged(where: str, flow: Flow, host: IPv4Address | None = None) -> str:
    """What becomes of a packet that leaves by an interface with the source that it had, to its destination or to a host."""
    to = towards(host or flow.destination, flow.destination_port)
    return f"{where} as {flow.source}{OWN_PORT if flow.source_port else ''}{to}"


def arrived(scene: Scene, far: Site, flow: Flow) -> str:
    """What becomes of a packet that gets through a tunnel to the private network of another site."""
    return f"{interface(scene, far, 'private')} of {far.name}{towards(flow.destination, flow.destination_port)}"


def hold(record: ScenarioRecorder, passage: Passage, expected: Mapping[Flow, str]) -> None:
    """Observe that some packets were sent, and that each ended as it should."""
    record.observe("packets measured", expected="some", observed=len(expected), holds=bool(expected))
    wrong = [f"{flow}: {seen}, not {wanted}" for flow, wanted in expected.items() if (seen := passage[flow]) != wanted]
    record.observe("packets of which something else becomes", expected=[], observed=wrong[:_TOLD])


def refuses_all_but(record: ScenarioRecorder, passage: Passage, meant: Iterable[Flow]) -> None:
    """Observe that every other packet was refused."""
    let_through = frozenset(meant)
    hold(record, passage, {flow: "refused" for flow in passage if flow not in let_through})


def ends(network: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    """The first address of a network that may be a host's beside its firewall, and the last."""
    return network[2], network[-2]


def interface(scene: Scene, site: Site, role: str) -> str:
    """The firewall's name of its interface on a site's network of a role."""
    place = site.firewall.nics.index(site.network_of(role).name)
    return next(
        one.name.lower() for one in scene.deployment.configuration(site.name).interfaces if one.section == f"ethernet{place}"
    )


def ha_address(scene: Scene, site: Site) -> IPv4Address | None:
    """The active member's own address on the HA network, which its site may not have."""
    return site.firewall.members[scene.environment.firewall(site.name).number - 1].ha_address


def own_addresses(scene: Scene, site: Site) -> list[IPv4Address]:
    """The firewall's addresses on its networks, the public one first; on the HA network that of the active member."""
    deployment = scene.deployment
    ha = ha_address(scene, site)
    return [deployment.public_address(site.name), deployment.private_address(site.name), *([ha] if ha else [])]


def others_private(scene: Scene, site: Site) -> list[IPv4Address]:
    """Private addresses of others: beside the networks of the plan, of VPN users, of members, in every private range."""
    deployment = scene.deployment
    mine = [deployment.site(tunnel.other(site.name)) for tunnel in deployment.tunnels_of(site.name)]
    joined = [one.network_of("private").subnet for one in mine]
    beside = [address for network in joined for address in (network[0] - 1, network[-1] + 1)]
    pools = [pool.network[-2] for pool in site.pools]
    every = [*beside, *pools, *(network[-2] for network in PRIVATE), PRIVATE[1][1]]
    planned = [site.network_of("private").subnet, *joined]
    return [address for address in dict.fromkeys(every) if not any(address in network for network in planned)]


# From the private network ---------------------------------------------------------------------------------------------


@when("both ends of the private network send packets of all kinds to the Internet and to other networks",
      target_fixture="passage")  # fmt: skip
def _private_sends(scene: Scene, stand: Matrix) -> Passage:
    internet, arrival = scene.deployment.internet, interface(scene, scene.site, "private")
    first, last = ends(scene.server_network.subnet)
    public = (internet.public, internet.resolver, internet.mirror, internet.stranger)
    others = (*others_private(scene, scene.site), *_ha_neighbours(scene), first)
    return measured(stand, {scene.site.name: (
        *flows(arrival, [last], public, EVERY_KIND),
        *flows(arrival, [first], public, SOME_KINDS),
        *flows(arrival, [last], others, SOME_KINDS),
    )})  # fmt: skip


@then("names, pings, the web and the mirror's downloads leave with the firewall's public address")
def _allowed_leaves(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    hold(record, passage, _allowed(scene, passage))


def _ha_neighbours(scene: Scene) -> list[IPv4Address]:
    """Addresses on the network of the members, which are on no Internet side: nothing is translated on the way there."""
    return [one.subnet[-2] for one in scene.site.networks.values() if one.role == "ha"]


@then("nothing else of theirs leaves")
def _nothing_else_leaves(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    allowed = _allowed(scene, passage)
    hold(record, passage, {flow: "refused" for flow in passage if flow not in allowed})


def _allowed(scene: Scene, passage: Passage) -> dict[Flow, str]:
    """What a private host may begin: straight, or by the proxies that filter names."""
    internet = scene.deployment.internet
    translated = f"{interface(scene, scene.site, 'external')} as {scene.public_address}"
    inside = [scene.server_network.subnet, *(pool.network for pool in scene.site.pools)]
    neighbours, found = _ha_neighbours(scene), {}
    for flow in passage:
        if any(flow.destination in network for network in inside):
            continue
        kind = (flow.protocol, flow.icmp_type if flow.protocol == "icmp" else flow.destination_port)
        named = flow.destination == internet.resolver and kind in (("tcp", DNS), ("udp", DNS))
        if kind == ("icmp", ECHO) or named or (kind == ("tcp", HTTP) and flow.destination == internet.mirror):
            near = flow.destination in neighbours
            straight = translated + towards(flow.destination, flow.destination_port)
            found[flow] = unchanged(interface(scene, scene.site, "ha"), flow) if near else straight
        elif kind in (("tcp", HTTP), ("tcp", HTTPS)):
            found[flow] = "taken"
    return found


# From the firewall itself ---------------------------------------------------------------------------------------------


@when("the firewall itself sends packets to the Internet and to the private networks of the other sites",
      target_fixture="passage")  # fmt: skip
def _firewall_sends(scene: Scene, stand: Matrix) -> Passage:
    internet, others = scene.deployment.internet, _others(scene)
    private = scene.deployment.private_address(scene.site.name)
    return measured(stand, {scene.site.name: (
        *flows(FIREWALL, [scene.public_address], (internet.public, internet.resolver, *others), SOME_KINDS),
        *flows(FIREWALL, [private], others, SOME_KINDS),
    )})  # fmt: skip


def _others(scene: Scene) -> dict[IPv4Address, Site]:
    """Both ends of the private networks to which the site has tunnels."""
    mine = scene.deployment.tunnels_of(scene.site.name)
    far = [(scene.deployment.site(tunnel.other(scene.site.name)), tunnel) for tunnel in mine]
    return {address: site for site, tunnel in far for address in ends(site.networks[tunnel.network_at(site.name)].subnet)}


@then("those to the Internet leave, and those to a private network by its tunnel alone")
def _only_to_the_internet(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    out, others, expected = interface(scene, scene.site, "external"), _others(scene), {}
    for flow in passage:
        far = others.get(flow.destination)
        if far is None:
            expected[flow] = unchanged(out, flow)
        elif flow.source == scene.public_address:  # in no tunnel's networks
            expected[flow] = "refused"
        else:
            expected[flow] = arrived(scene, far, flow)
    hold(record, passage, expected)


# From the Internet ----------------------------------------------------------------------------------------------------


@when("requests for the published site arrive from both ends of every private range, and from the addresses beside them",
      target_fixture="passage")  # fmt: skip
def _private_sources(scene: Scene, stand: Matrix) -> Passage:
    sources = [address for network in PRIVATE for address in (*_inside(network), *_beside(network))]
    arrival = interface(scene, scene.site, "external")
    return measured(stand, {scene.site.name: flows(arrival, sources, [scene.public_address], [_published(scene)])})


def _inside(network: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    return network[1], network[-2]


def _beside(network: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    return network[0] - 1, network[-1] + 1


def _published(scene: Scene) -> Kind:
    return scene.service.protocol, scene.service.port


@then("none with a private source passes")
def _private_refused(passage: Passage, record: ScenarioRecorder) -> None:
    private = {flow: "refused" for flow in passage if any(flow.source in network for network in PRIVATE)}
    hold(record, passage, private)


@then("all others reach the private web server")
def _others_reach(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    inside = interface(scene, scene.site, "private")
    public = [flow for flow in passage if not any(flow.source in network for network in PRIVATE)]
    hold(record, passage, {flow: unchanged(inside, flow, scene.server_address) for flow in public})


# To the firewall itself -----------------------------------------------------------------------------------------------


@when("strangers, the administrator, the peers and private hosts send packets of all kinds to the firewall and past it",
      target_fixture="passage")  # fmt: skip
def _everybody_sends(scene: Scene, stand: Matrix) -> Passage:
    internet, own = scene.deployment.internet, own_addresses(scene, scene.site)
    out, inside = (interface(scene, scene.site, role) for role in ("external", "private"))
    _, last = ends(scene.server_network.subnet)
    known = [internet.admin, *_peers(scene)]
    beside = [other for address in known for other in (address - 1, address + 1) if other not in known]
    narrow = (("tcp", SSH), ("tcp", HTTPS), *(("udp", port) for port in IKE), (ESP, None))
    return measured(stand, {scene.site.name: (
        *flows(out, [internet.stranger, *known], own, EVERY_KIND),
        *flows(out, beside, own[:1], narrow),
        *flows(out, [internet.stranger, *known], (scene.server_address, internet.public), SOME_KINDS),
        *flows(inside, [last], own, EVERY_KIND),
        *flows(inside, [NOBODY], [EVERYBODY], SOME_KINDS),
        *flows(out, _of_users(scene), own[:1], _vpn_kinds(scene)),
    )})  # fmt: skip


def _peers(scene: Scene) -> list[IPv4Address]:
    """The firewalls at the other ends of the site's tunnels."""
    mine = scene.deployment.tunnels_of(scene.site.name)
    return [scene.deployment.public_address(tunnel.other(scene.site.name)) for tunnel in mine]


@then("it takes what each of them is meant to send, and passes on what is published")
def _takes(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    hold(record, passage, _meant(scene, passage))


@then("it refuses all others")
def _refuses_others(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    refuses_all_but(record, passage, _meant(scene, passage))


def _meant(scene: Scene, passage: Passage) -> dict[Flow, str]:
    admin, peers = scene.deployment.internet.admin, _peers(scene)
    inside, own = interface(scene, scene.site, "private"), own_addresses(scene, scene.site)
    published = {(one.protocol, one.port): scene.site.hosts[one.host].address for one in scene.site.published}
    vpn, users = vpn_ports(scene), _of_users(scene)
    found = {}
    for flow in passage:
        kind, public = (flow.protocol, flow.destination_port), flow.destination == scene.public_address
        by_peer = flow.source in peers and (flow.protocol == ESP or kind in {("udp", port) for port in IKE})
        by_admin = public and flow.source == admin and kind in {("tcp", SSH), ("tcp", HTTPS)}
        by_user = kind in vpn and flow.source not in users
        if flow.destination in own and (by_peer or by_admin or by_user):
            found[flow] = "taken"
        elif public and flow.arrival != inside and kind in published:
            found[flow] = unchanged(inside, flow, published[kind])
    return found


def _of_users(scene: Scene) -> list[IPv4Address]:
    """Addresses of VPN users, which nobody has outside of a tunnel."""
    return [address for pool in scene.site.pools for address in (pool.network[2], pool.network[-2])]


def _vpn_kinds(scene: Scene) -> list[Kind]:
    return sorted(vpn_ports(scene))


def vpn_ports(scene: Scene) -> set[tuple[str, int]]:
    """The ports of the SSL VPN, by which VPN users come from anywhere to whichever address of the firewall."""
    configuration = scene.deployment.configuration(scene.site.name)
    vpn, resolver = configuration.ssl_vpn, Resolver(configuration)
    if not vpn.enabled:
        return set()
    named = (("tcp", vpn.port, vpn.pool), ("udp", vpn.udp_port, vpn.udp_pool))
    return {(protocol, port.first) for protocol, name, pool in named if pool for port in resolver.services(name, protocol)}
