"""Rules about the plan's networks and subnets, each on its own."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.cloud_plan import CloudNetwork
from provisioning.deployment_model import Network, Site
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt

DHCP_ADDRESSES = 2  # OpenStack's DHCP service takes so many of a subnet (OVHcloud: known limits)


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them; what OpenStack is asked for is looked at where the plan says it."""
    for site, network, cloud in ground.asked_networks():
        if network.role == "external":
            yield from _external(ground, site, network, cloud)
        if network.role == "private":
            yield from _private(ground, site, network, cloud)
        yield from _ports(ground, site, network)
        yield from _capacity(ground, site, network, cloud)
        yield from _pool(ground, site, network, cloud)
        if not cloud.port_security:
            yield ground.in_plan("O11", (*cloud.place, "port_security"), "is off for every port of the network")


def _external(ground: Ground, site: Site, network: Network, cloud: CloudNetwork) -> Iterator[Doubt]:
    if network.subnet != site.block:
        message = f"{network.subnet}, where the firewalls use {site.block}"
        yield ground.in_plan("O3", (*network.place, "subnet"), message)
    if network.dhcp:
        yield ground.in_plan("O4", (*network.place, "dhcp"), "a DHCP service on the vRack's untagged network")
    if not cloud.gateway_chosen:
        message = f"no gateway is written: Neutron takes {next(network.subnet.hosts())}"
        yield ground.in_plan("O5", (*cloud.place, "gateway"), message)
    elif cloud.gateway not in (None, site.gateway):
        yield ground.in_plan("O5", (*cloud.place, "gateway"), f"{cloud.gateway}, the block's is {site.gateway}")


def _private(ground: Ground, site: Site, network: Network, cloud: CloudNetwork) -> Iterator[Doubt]:
    own = ground.own_address(site, network)
    place = (*cloud.place, "gateway")
    if not cloud.gateway_chosen:
        message = f"no gateway is written: Neutron takes {next(network.subnet.hosts())}"
        yield ground.in_plan("O6", place, message)
    elif own is not None and cloud.gateway != own:
        yield ground.in_plan("O6", place, f"{cloud.gateway or 'none'}, the firewall is {own}")
    if own is not None and own not in ground.fixed_addresses(site, network):
        yield ground.in_plan("O7", (*site.firewall.place, "members"), f"no port has {own} on {network.name}")
    if network.dhcp and not cloud.dns:
        yield ground.in_plan("O19", (*cloud.place, "dns"), "no name server is handed out")


def _ports(ground: Ground, site: Site, network: Network) -> Iterator[Doubt]:
    if network.name not in site.firewall.nics:
        return
    for member in site.firewall.members:
        if network.name not in member.ports:
            message = f"{member.instance} has no fixed address on {network.name}"
            yield ground.in_plan("O8", (*member.place, "ports"), message)


def _capacity(ground: Ground, site: Site, network: Network, cloud: CloudNetwork) -> Iterator[Doubt]:
    """Room for both members to be made anew beside the ones that are there."""
    fixed = ground.fixed_addresses(site, network)
    has_gateway = not cloud.gateway_chosen or (cloud.gateway is not None and cloud.gateway not in fixed)
    usable = network.subnet.num_addresses - 2 - has_gateway
    hosts = sum(host.network == network.name and not host.trunk for host in site.hosts.values())
    members = len(site.firewall.members) if network.name in site.firewall.nics else 0
    served = DHCP_ADDRESSES if network.dhcp else 0
    free = usable - served - members - hosts
    if free < 0 or (served and free < members):
        message = (
            f"{network.subnet}: {usable} to give away, {served} for DHCP, {members} for firewalls, {hosts} for hosts:"
            f" {max(free, 0)} left, too few to make the firewalls anew beside those that are there"
        )
        yield ground.in_plan("O9", (*network.place, "subnet"), message)


def _pool(ground: Ground, site: Site, network: Network, cloud: CloudNetwork) -> Iterator[Doubt]:
    """DHCP takes what is free of the pool, at the latest with the first port: a fixed address there may be gone by then."""
    if not network.dhcp:
        return
    first, last = cloud.pool or (next(network.subnet.hosts()), network.subnet.broadcast_address)
    wanted = {*ground.fixed_addresses(site, network)} - {cloud.gateway}
    if network.role == "ha":
        wanted |= {member.ha_address for member in site.firewall.members if member.ha_address is not None}
    exposed = sorted(address for address in wanted if first <= address <= last)
    if exposed:
        message = f"{', '.join(map(str, exposed))} may be handed out on {network.name}, or taken by DHCP"
        yield ground.in_plan("O10", (*cloud.place, "pool"), message)
