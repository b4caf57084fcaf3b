"""VPN users: connecting with the exported configuration, what they reach, and who is refused."""

from __future__ import annotations

from contextlib import closing
from ipaddress import IPv4Network

from pytest_bdd import given, then, when

from lab import probe
from lab.matrix.stand import Client as TunnelEnd
from provisioning.deployment_model import Pool
from provisioning.matrix.measured import Matrix
from provisioning.matrix.users import FIREWALL_DEVICES
from provisioning.vpn_user import REFUSED, UP, Client, call, routes
from sns.paths import SSL_VPN
from steps.eventually import eventually
from steps.passage import (
    SOME_KINDS,
    Passage,
    ends,
    flows,
    hold,
    interface,
    measured,
    others_private,
    own_addresses,
    unchanged,
    vpn_ports,
)
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.plugins.under_way import UnderWay
from steps.scene import Scene

WITHIN = 12.0  # s: UDP is given up after the exported file's own time-out before TCP is tried


def dial(scene: Scene, changes: Changes | UnderWay, *, password: str | None = None, transport: str | None = None,
         device: str = "tun0") -> Client:  # fmt: skip
    """Start the VPN user's client (:func:`provisioning.vpn_user.call`); it ends with what ``changes`` stands for."""
    client = call(scene.environment, scene.site, password=password, transport=transport, device=device)
    changes.undo(lambda: stop(client))
    return client


def stop(client: Client) -> None:
    """Disconnect and wait until the interface is gone."""
    client.hang_up()
    eventually(client.has_interface, until=lambda there: not there, within=5.0, phase="the end of the VPN user's tunnel",
               expected=f"no interface {client.device}")  # fmt: skip


def connected(client: Client) -> Client:
    """The client once its tunnel is up. Raises Refuted with the end of its log."""
    eventually(client.log, until=lambda said: UP in said, within=WITHIN,
               phase="the VPN user's tunnel")  # fmt: skip
    return client


def transport_of(scene: Scene) -> str | None:
    """The transport that the scenario is about; None for one about the whole remote access."""
    return scene.instance.protocol if isinstance(scene.instance, Pool) else None


@given("the VPN user cannot ping the private server")
def _cannot_ping(scene: Scene, record: ScenarioRecorder) -> None:
    echoes = probe.ping(scene.environment.vpn_client, scene.server_address, count=3, within=0.3)
    record.observe("pings answered without a tunnel", expected=0, observed=echoes.answered)


@when("the VPN user connects", target_fixture="client")
def _connects(scene: Scene, changes: Changes) -> Client:
    return connected(dial(scene, changes, transport=transport_of(scene)))


@when("the VPN user connects with the exported configuration", target_fixture="client")
def _connects_as_exported(scene: Scene, changes: Changes) -> Client:
    return connected(dial(scene, changes))


@given("the VPN user can connect")
def _can_connect(scene: Scene, changes: Changes) -> None:
    stop(connected(dial(scene, changes, transport=transport_of(scene))))


@given("the VPN user is connected and pings the private server", target_fixture="client")
def _connected_and_pings(scene: Scene, changes: Changes, record: ScenarioRecorder) -> Client:
    client = _connects(scene, changes)
    _pings(scene, record)
    return client


@then("the VPN user pings the private server")
def _pings(scene: Scene, record: ScenarioRecorder) -> None:
    seen = eventually(
        lambda: probe.ping(scene.environment.vpn_client, scene.server_address, count=3, within=0.3).answered,
        until=lambda count: count == 3,
        within=3.0,
        phase="the VPN user's pings to the private server",
    )
    record.observe("pings answered through the tunnel", expected=3, observed=seen)


@when("the VPN user disconnects")
def _disconnects(client: Client) -> None:
    stop(client)


@then("the routes and interfaces of the VPN user are exactly as before")
def _as_before(client: Client, record: ScenarioRecorder) -> None:
    record.observe("routes and interfaces", expected=client.before, observed=routes(client.host))


@then("the VPN user's address is in the pool of this transport")
def _in_pool(scene: Scene, client: Client, record: ScenarioRecorder) -> None:
    assert isinstance(scene.instance, Pool), "the scenario needs @each_pool"
    address = client.address()
    record.observe("the address in the tunnel", expected=f"one of {scene.instance.network}", observed=str(address),
                   holds=address is not None and address in scene.instance.network)  # fmt: skip


@then("the VPN user is told the way to the private network, and to no other")
def _told_the_way(scene: Scene, client: Client, record: ScenarioRecorder) -> None:
    assert isinstance(scene.instance, Pool), "the scenario needs @each_pool"
    told = client.host.must("ip", "-4", "route", "show", "dev", client.device).splitlines()
    destinations = {IPv4Network(line.split()[0]) for line in told if not line.startswith("default")}
    ways = sorted(str(one) for one in destinations if not one.subnet_of(scene.instance.network))
    record.observe("the routes through the tunnel", expected=[str(scene.server_network.subnet)], observed=ways)


@then("the tunnel runs over udp")
def _over_udp(scene: Scene, client: Client, record: ScenarioRecorder) -> None:
    _runs_over(scene, client, "udp", record)


@then("the tunnel runs over tcp")
def _over_tcp(scene: Scene, client: Client, record: ScenarioRecorder) -> None:
    _runs_over(scene, client, "tcp", record)


def _runs_over(scene: Scene, client: Client, protocol: str, record: ScenarioRecorder) -> None:
    pool = next(one for one in scene.site.pools if one.protocol == protocol)
    address = client.address()
    record.observe(f"the address in the tunnel, of the {protocol} pool", expected=str(pool.network),
                   observed=str(address), holds=address is not None and address in pool.network)  # fmt: skip


@given("UDP is blocked between the VPN user and the firewall")
def _block_udp(scene: Scene, changes: Changes) -> None:
    host = scene.environment.vpn_client
    none = "table ip blocked {}\ndelete table ip blocked\n"  # whether there is one or not
    changes.undo(lambda: host.must("nft", "-f", "-", stdin=none.encode()))
    rules = "table ip blocked {\n chain out {\n type filter hook output priority 0;\n meta l4proto udp drop\n }\n}\n"
    host.must("nft", "-f", "-", stdin=rules.encode())


@when("the VPN user tries a wrong password", target_fixture="client")
def _wrong_password(scene: Scene, changes: Changes) -> Client:
    return dial(scene, changes, password="not-the-password", transport=transport_of(scene))  # noqa: S106


@when("the VPN user tries to connect", target_fixture="client")
def _tries(scene: Scene, changes: Changes) -> Client:
    return dial(scene, changes, transport=transport_of(scene))


@when("the right of the user is removed")
def _remove_right(scene: Scene, changes: Changes) -> None:
    firewall = changes.of(scene.environment.firewall(scene.site.name))
    firewall.edit("uac", lambda text: _without_right(text, scene.site.people[0].login))
    firewall.apply("enopenvpn")


def _without_right(text: str, login: str) -> str:
    """The rights with one more above them all, for the first that fits counts: by whichever the user had the SSL VPN before."""
    above, _, lines = text.partition("[Ruleset]\n")
    return f"{above}[Ruleset]\nstate=on user={login.partition('@')[0]} openvpn=block\n{lines}"


@then("the firewall refuses the user")
def _refuses(client: Client, record: ScenarioRecorder) -> None:
    eventually(lambda: REFUSED in client.log() or UP in client.log(), within=WITHIN, phase="the firewall's answer")
    said = "refused" if REFUSED in client.log() and UP not in client.log() else "let in"
    record.observe("the firewall's answer to the user", expected="refused", observed=said)


@then("no tunnel interface is left")
def _no_interface(client: Client, record: ScenarioRecorder) -> None:
    record.observe(f"an interface {client.device}", expected="none", observed="there" if client.has_interface() else "none")


@when("the VPN user sends packets of all kinds to the private network, to others and to the Internet", target_fixture="passage")
def _user_sends(scene: Scene, client: Client) -> Passage:
    assert isinstance(scene.instance, Pool), "the scenario needs @each_pool"
    address, transport, site = client.address(), scene.instance.protocol, scene.site
    assert address is not None, "the VPN user is connected"
    end = TunnelEnd(site.name, transport, client.host, client.device, FIREWALL_DEVICES[transport])
    internet, private = scene.deployment.internet, scene.server_network.subnet
    others = [one.network_of("private").subnet for one in scene.deployment.sites.values() if one is not site]
    beside = own_addresses(scene, site)[1:]  # the client itself drops what is for the public one
    elsewhere = (internet.public, internet.resolver, *others_private(scene, site), *(network[-2] for network in others))
    wanted = (
        *flows(SSL_VPN, [address], ends(private), SOME_KINDS),
        *flows(SSL_VPN, [address], [*elsewhere, *beside], SOME_KINDS),
    )
    with closing(Matrix(scene.environment, [(end, address)])) as stand:
        return measured(stand, {site.name: wanted})


@then("those to the private network arrive, at both of its ends")
def _arrive_inside(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    inside = interface(scene, scene.site, "private")
    expected = {flow: unchanged(inside, flow) for flow in passage if flow.destination in ends(scene.server_network.subnet)}
    hold(record, passage, expected)


@then("none of the others passes the firewall")
def _none_passes(scene: Scene, passage: Passage, record: ScenarioRecorder) -> None:
    vpn = vpn_ports(scene)  # from anywhere, and so from the tunnel too
    own = own_addresses(scene, scene.site)
    expected = {}
    for flow in passage:
        if flow.destination not in ends(scene.server_network.subnet):
            taken = flow.destination in own and (flow.protocol, flow.destination_port) in vpn
            expected[flow] = "taken" if taken else "refused"
    hold(record, passage, expected)
