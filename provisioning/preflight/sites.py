"""Rules about the public blocks, about sites beside one another, and what only a person can see."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from provisioning.deployment_model import Site
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt, Severity
from provisioning.toml_lines import Place
from provisioning.toml_table import NO_NETWORK

_TAKEN = 3  # of a block: network, gateway and broadcast address


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them."""
    for site in ground.sites:
        yield from _block(ground, site)
        yield from _for_a_person(ground, site)
    for one, other in combinations(ground.sites, 2):
        yield from _one_wire(ground, one, other)
        if one.block != NO_NETWORK and one.block.overlaps(other.block):
            for key in ("block", "gateway", "gateway_internet"):
                message = f"{other.name} and {one.name} have one block, {one.block}"
                yield ground.in_plan("V3", (*other.place, key), message)
    yield from _overlaps(ground)
    yield from _client_lans(ground)


def _block(ground: Ground, site: Site) -> Iterator[Doubt]:
    place = (*site.place, "block")
    if site.block == NO_NETWORK:
        yield ground.in_plan("V3", place, f"{site.name} has no public block")
        return
    usable = site.block.num_addresses - _TAKEN
    needed = len(site.firewall.members)
    if usable < needed:
        message = f"{site.block} has {max(usable, 0)} to use, {needed} are needed until the members are a pair"
        yield ground.in_plan("O25", place, message)
    else:
        message = f"{site.block}, routed into the vRack of the project: {usable} to use, {needed} are needed"
        yield ground.in_plan("O25", place, message, Severity.INFORMATION)
    penultimate = site.block.broadcast_address - 1
    if site.gateway == penultimate:
        yield ground.in_plan("S5", (*site.place, "gateway"), f"{site.gateway} is the penultimate of {site.block}, as it should")
    elif site.gateway in site.block:
        message = f"{site.gateway}, the penultimate of {site.block} is {penultimate}"
        yield ground.in_plan("S5", (*site.place, "gateway"), message, Severity.WARNING)
    if penultimate in site.released or penultimate in _external_addresses(ground, site):
        message = f"{penultimate} is the gateway's in every block"
        yield ground.in_plan("O25", place, message)


def _external_addresses(ground: Ground, site: Site) -> list[object]:
    return [
        address
        for network in site.networks.values()
        if network.role == "external"
        for address in (*ground.fixed_addresses(site, network), ground.own_address(site, network))
    ]


def _for_a_person(ground: Ground, site: Site) -> Iterator[Doubt]:
    """What OpenStack cannot be asked: gates of docs/going-live.md."""
    yield ground.in_plan("O26", (*site.place, "block"), f"{site.block} and the project of {site.region} in one vRack")
    admin = ground.deployment.internet.admin
    yield ground.in_plan("O27", (*ground.deployment.internet.place, "admin"), f"{admin} must be there, and yours")
    if site.firewall.is_cluster:
        yield ground.in_plan(
            "S10", (*site.firewall.place, "members"), f"{site.name}: configure the first, then join the second"
        )
    for number, address in enumerate(site.released):
        yield ground.in_plan("S11", (*site.place, "released", number), f"{address} is free when the second member has joined")
    for member in site.firewall.members:
        place = (*member.place, "serial")
        if member.serial:
            yield ground.in_plan("S12", place, f"the licence of {member.serial}", Severity.INFORMATION)
        else:
            yield ground.in_plan("S12", place, f"{member.instance} has no serial number, so no licence")


def _one_wire(ground: Ground, one: Site, other: Site) -> Iterator[Doubt]:
    for theirs in other.networks.values():
        for ours in one.networks.values():
            if theirs.vlan != ours.vlan or theirs.role != ours.role:
                continue
            if theirs.role == "ha":
                message = f"VLAN {theirs.vlan} is the HA link of {one.name} too"
                yield ground.in_plan("V1", (*theirs.place, "vlan"), message)
            elif theirs.dhcp and ours.dhcp:
                message = f"VLAN {theirs.vlan} has the DHCP service of {one.name} too"
                yield ground.in_plan("V1", (*theirs.place, "vlan"), message)


def _overlaps(ground: Ground) -> Iterator[Doubt]:
    ranges = [
        ((*network.place, "subnet"), f"{site.name}.{network.name}", network.subnet)
        for site, network in ground.networks()
        if network.role == "private"
    ]
    ranges += [
        ((*pool.place, "network"), f"the {pool.protocol} clients of {site.name}", pool.network)
        for site in ground.sites
        for pool in site.pools
        if pool.network != NO_NETWORK
    ]
    for (_, first, one), (place, _, other) in combinations(ranges, 2):
        if one.overlaps(other):
            yield ground.in_plan("V2", place, f"{other} overlaps {first} ({one})")
            yield from _tunnels_between(ground, one, other)


def _tunnels_between(ground: Ground, one: IPv4Network, other: IPv4Network) -> Iterator[Doubt]:
    """The tunnels that cannot tell these two apart."""
    for tunnel in ground.deployment.tunnels:
        ends = []
        for site, network in zip(tunnel.sites, tunnel.networks, strict=True):
            where = ground.deployment.sites.get(site)
            if where is not None and network in where.networks:
                ends.append(where.networks[network].subnet)
        if ends == [one, other]:
            place: Place = (*tunnel.place, "between")
            yield ground.in_plan("V2", place, f"both ends are {one}" if one == other else f"{one} and {other} overlap")


def _client_lans(ground: Ground) -> Iterator[Doubt]:
    for site in ground.sites:
        if not (site.pools or site.people):
            continue
        place = (*site.place, "client_lans")
        if not site.client_lans:
            yield ground.in_plan("V8", place, f"nothing is known of the networks that users of {site.name} sit in")
        private = [network.subnet for network in site.networks.values() if network.role == "private"]
        for number, lan in enumerate(site.client_lans):
            for reached in (*private, *(pool.network for pool in site.pools)):
                if lan.overlaps(reached):
                    yield ground.in_plan("V8", (*place, number), f"{lan} overlaps {reached}, which users are to reach")
