"""Rules about what the firewalls' own files say, where the guide leaves a trap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from provisioning.deployment_model import Site, Tunnel
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt, Severity
from provisioning.secrets import REFERENCE, Secrets, SecretUnavailable
from sns.ini import parse
from sns.model import Configuration, Location
from sns.resolution import Resolver

SHORTEST_KEY = 20  # characters of a pre-shared key; with letters and digits, some 120 bits


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them; a tree that cannot be read is told by the plan's own findings."""
    for site in ground.sites:
        tree = ground.tree(site)
        if tree is None:
            continue
        yield from _private_address(ground, site)
        yield from _default_route(ground, site, tree)
        yield from _ha_link(ground, site, tree)
        yield from _administration(ground, site, tree)
        yield from _names(ground, site)
        yield from _published(ground, site, tree)
        yield from _users(ground, site, tree)
    for tunnel in ground.deployment.tunnels:
        yield from _tunnel(ground, tunnel)


def _private_address(ground: Ground, site: Site) -> Iterator[Doubt]:
    """Until the join each member is a firewall of its own, on the same wire."""
    for network in site.networks.values():
        own = ground.own_address(site, network)
        if network.role != "private" or network.cloud is None or own is None:
            continue
        for member in site.firewall.members[1:]:
            if member.ports.get(network.name, own) == own:
                message = f"until it has joined, {member.instance} has {own} on {network.name} beside the first member"
                yield ground.in_plan("S1", (*member.place, "ports"), message)


def _default_route(ground: Ground, site: Site, tree: Configuration) -> Iterator[Doubt]:
    routing = tree.routing
    location = routing.default_location or Location("route", 1)
    if routing.default is None:
        yield ground.in_tree("S2", site, location, "DefaultRoute", "there is none")
    elif (gateway := ground.resolved(site, routing.default)) not in (None, site.gateway):
        message = f"{routing.default} is {gateway}, the block's gateway {site.gateway}"
        yield ground.in_tree("S2", site, location, "DefaultRoute", message)


def _ha_link(ground: Ground, site: Site, tree: Configuration) -> Iterator[Doubt]:
    """A lease of a reserved address is the same every time; it still depends on the service that gives it."""
    for number, nic in enumerate(site.firewall.nics):
        interface = tree.interface(f"ethernet{number}")
        if site.networks[nic].role != "ha" or not site.firewall.is_cluster or not (interface is None or interface.dhcp):
            continue
        reserved = all(nic in member.ports for member in site.firewall.members)
        location = interface.location if interface else Location("network", 1)
        message = f"ethernet{number} ({nic}) waits for a lease" + (", of an address that its port has" if reserved else "")
        yield ground.in_tree("S3", site, location, "Address", message, note=reserved)


def _administration(ground: Ground, site: Site, tree: Configuration) -> Iterator[Doubt]:
    management = tree.management
    if not management.web_enabled:
        return
    listed = management.web_access
    if not listed:
        message = "the page's list names nobody: whoever reaches it may try"
        yield ground.in_tree("S8", site, Location("webadmin", 1), "[ACL]", message)
    for name, location in listed:
        if name.lower() == "any":
            yield ground.in_tree("S8", site, location, "[ACL]", "admits anybody")


def _names(ground: Ground, site: Site) -> Iterator[Doubt]:
    file = ground.deployment.configuration_folder(site.name) / "dns"
    servers = []
    with suppress(OSError, UnicodeDecodeError):
        servers = list(parse("dns", file.read_text(encoding="utf-8"), lambda *_: None).lines("Servers"))
    if not servers:
        yield ground.in_tree("O19", site, Location("dns", 1), "[Servers]", "the firewall has no name server")


def _published(ground: Ground, site: Site, tree: Configuration) -> Iterator[Doubt]:
    """A server that answers to the Internet was installed from the Internet."""
    policy = tree.policies.get(tree.active_policy)
    rules = [rule for rule in (*policy.filter, *policy.nat) if rule.enabled] if policy else []
    outwards = [rule for rule in rules if rule.translation is not None and rule.translation.source]
    resolver = Resolver(tree)
    for service in site.published:
        host = site.hosts.get(service.host)
        if host is None or host.network not in site.networks:
            continue
        if not any(host.address in resolver.resolved(rule.source) for rule in outwards):
            message = f"no rule translates what {host.name} ({host.address}) asks of the Internet"
            yield ground.in_plan("S16", (*service.place, "host"), message)
        asked = site.networks[host.network].cloud
        if asked is not None and not asked.dns:
            yield ground.in_plan("S16", (*service.place, "host"), f"{host.name} is given no name server")


def _users(ground: Ground, site: Site, tree: Configuration) -> Iterator[Doubt]:
    if site.people and not site.pools:
        message = f"{site.name} has users and no network for their VPN clients"
        yield ground.in_plan("V4", (*site.place, "pools"), message)
    domain = tree.directory.domain
    for person in site.people:
        if person.domain != (domain or ""):
            message = f"{person.domain or 'no domain'}, and {'that of ldap is ' + domain if domain else 'no directory has one'}"
            yield ground.in_plan("V7", (*person.place, "login"), message)
    if site.people and domain:
        message = f"the users of {domain} are on the firewall itself"
        yield ground.in_tree("V5", site, Location("ldap", 1), "Directory", message, note=True)


def _tunnel(ground: Ground, tunnel: Tunnel) -> Iterator[Doubt]:
    for name in tunnel.sites:
        site = ground.deployment.sites.get(name)
        tree = ground.tree(site) if site is not None else None
        if site is None or tree is None:
            continue
        peers = [tree.vpn.peers.get(one.peer.lower()) for one in tree.vpn.tunnels]
        if not any(peer is not None and ground.resolved(site, peer.remote) is not None for peer in peers):
            yield ground.in_plan("V4", (*tunnel.place, "between"), f"{name} has no peer with an address")
        for peer, key in tree.vpn.preshared_keys.items():
            if not REFERENCE.fullmatch(key):
                yield ground.in_tree("V5", site, Location("VPN/psk", 1), peer, "the key itself stands in the file")
    place = (*tunnel.place, "key")
    if not tunnel.key:
        yield ground.in_plan("V5", place, "nothing says where the key comes from")
        return
    reference = ground.deployment.secrets.get(tunnel.key)
    if reference is None or reference.kind not in ("env", "file"):
        return
    with suppress(SecretUnavailable):
        length = len(Secrets(ground.deployment.secrets, ground.deployment.folder).value(tunnel.key))
        if length < SHORTEST_KEY:
            message = f"the key has {length} characters; {SHORTEST_KEY} at random are the least"
            yield ground.in_plan("V5", place, message, Severity.WARNING)
