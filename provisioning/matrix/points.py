"""A deployment's firewalls as a stand in its lab, and where each packet has to be put in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab.appliance import devices
from lab.matrix.stand import Client, Firewall, Stand
from lab.matrix.trace import FIREWALL, Probe
from provisioning.matrix.journeys import Journeys
from sns.paths import IPSEC, SSL_VPN
from sns.prediction import Flow
from sns.resolution import Resolver

if TYPE_CHECKING:
    from lab.device import Appliance
    from provisioning.environment import LabEnvironment
    from sns.model import Configuration


def open_stand(
    environment: LabEnvironment,
    configurations: Mapping[str, Configuration],
    clients: Sequence[Client] = (),
    *,
    members: Mapping[str, Appliance] | None = None,
) -> Stand:
    """The active member of every site, or these passive ``members`` by site, which have no tunnels. Raises LabError.

    ``configurations`` are those of the active members, by site. ``clients`` are VPN users that are connected.
    """
    present = frozenset(_present(environment, configurations.values()))
    if members is None:
        active = {site: environment.firewall(site) for site in environment.deployment.sites}
        firewalls = [_firewall(site, member, configurations[site], present) for site, member in active.items()]
    else:
        passive = [_firewall(site, member, member.configuration(), present) for site, member in members.items()]
        firewalls = [replace(firewall, tunnels={}) for firewall in passive]
    return Stand(environment.lab.fabric, firewalls, clients)


def _firewall(site: str, member: Appliance, configuration: Configuration, present: frozenset[IPv4Address]) -> Firewall:
    nics = {one.name: devices.device(one.section) for one in configuration.interfaces if one.enabled}
    tunnels: dict[str, tuple[str, ...]] = {}
    if configuration.vpn.tunnels:
        tunnels[IPSEC] = (devices.IPSEC,)
    vpn = configuration.ssl_vpn
    if vpn.enabled:
        pools = ((devices.SSL_VPN_UDP, vpn.udp_pool), (devices.SSL_VPN_TCP, vpn.pool))
        tunnels[SSL_VPN] = tuple(device for device, pool in pools if pool)
    return Firewall(site, member.host, nics, dict.fromkeys(nics, present), tunnels)


def _present(environment: LabEnvironment, configurations: Iterable[Configuration]) -> Iterator[IPv4Address]:
    """Every address at which the lab has a host beside a firewall, and the firewalls' own."""
    for site in environment.deployment.sites.values():
        yield site.gateway
        yield from (host.address for host in site.hosts.values())
        yield from (address for network in site.networks.values() for address in network.dhcp)
        yield from (member.ha_address for member in site.firewall.members if member.ha_address)
    for configuration in configurations:
        yield from (first for first, _ in Resolver(configuration).own_addresses().ranges())


class Ways:
    """Where packets are put in, for one deployment with these VPN users: by the wire, a tunnel, or the firewall itself."""

    def __init__(self, journeys: Journeys, entries: Iterable[str], clients: Iterable[tuple[Client, IPv4Address]] = ()) -> None:
        """``clients`` with the address that each has in its tunnel."""
        self._journeys = journeys
        self._entries = frozenset(entries)
        self._clients = {(client.site, address): client.point for client, address in clients}

    def addresses(self, point: str) -> list[IPv4Address]:
        """The addresses in the tunnel of the VPN user at a point."""
        return [address for (_, address), where in self._clients.items() if where == point]

    def probe(self, site: str, flow: Flow) -> Probe | None:
        """How a packet is put in that shall arrive at a site's firewall; None when nothing in the lab can send it so."""
        arrival = flow.arrival.lower()
        if arrival == IPSEC:
            before = self._journeys.before_tunnel(site, flow)
            if before is None:
                return None
            other, sent = before
            stages = self._journeys.of(other, sent)
            return self.probe(other, sent) if len(stages) > 1 and stages[1].site == site else None
        entry = f"{site}:{arrival}"
        if arrival == SSL_VPN:
            entry = self._clients.get((site, flow.source), "")
        if entry not in self._entries or (arrival == FIREWALL and not self._journeys.sends(site, flow)):
            return None
        return Probe(entry, flow, self._journeys.protocol(site, flow.protocol))
