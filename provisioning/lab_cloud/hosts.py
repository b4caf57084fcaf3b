"""From servers to hosts of the lab: an appliance as delivered, or a server that one logs in to by its key pair.

What no cloud says comes from the plan, for servers that it has: an appliance's serial number and certificates (the licence's
and the image's affair), and that the private web server has nginx on it (which the guide installs by hand).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Network

from lab.roles import dhcp
from lab.roles.boot import Service, compose
from lab.roles.lease import lease
from lab.roles.network import Route, hostname, resolver, routes, trust
from lab.roles.sshd import LOG, SshServer, sshd
from lab.topology import Host, Nic, Segment
from provisioning.deployment import Deployment
from provisioning.deployment_model import Member, PrivateHost, Site
from provisioning.keys import DATA, Keys
from provisioning.lab_cloud.server import Server, Vif
from provisioning.topology import INTERNET, appliance, identity, web_server

UBUNTU = "ubuntu"
"""Both the distribution and its first user."""
_PORT = 10  # characters of a port's id in an interface's name, which has 15 at most
_EVERYWHERE = IPv4Network("0.0.0.0/0")


class Hosts:
    """The hosts of one deployment's servers."""

    def __init__(self, deployment: Deployment, keys: Keys) -> None:
        self._deployment = deployment
        self._keys = keys

    def name(self, server: Server) -> str:
        """What the lab calls it: as the plan does, or by its own name and region."""
        if member := self._member(server):
            return member[1].id
        if planned := self._private(server):
            return planned[1].id
        return "vpn-client" if self._is_vpn_client(server) else f"{server.hostname}-{server.region}".lower()

    def host(self, server: Server) -> Host:
        """The host that it is."""
        if server.distribution != UBUNTU:
            return self._appliance(server)
        if planned := self._private(server):
            site, host = planned
            known = web_server(site, host, server.hostname, self._keys, _nics(server), self._door(server))
            return replace(known, hostname=server.hostname)
        return self._server(server)

    def dhcp(self, region: str, servers: Iterable[Server]) -> Host:
        """The DHCP service of a region for all subnets that have one, and servers."""
        return _dhcp(region, [server for server in servers if server.region == region])

    def _member(self, server: Server) -> tuple[Site, Member] | None:
        for site in self._deployment.sites.values():
            for member in site.firewall.members:
                if (site.region, member.instance) == (server.region, server.name):
                    return site, member
        return None

    def _private(self, server: Server) -> tuple[Site, PrivateHost] | None:
        for site in self._deployment.sites.values():
            for host in site.hosts_of("web"):
                if (site.region, host.instance) == (server.region, server.name):
                    return site, host
        return None

    def _is_vpn_client(self, server: Server) -> bool:
        planned = self._deployment.cloud and self._deployment.cloud.vpn_client
        return bool(planned and planned.instance == server.name)

    def _appliance(self, server: Server) -> Host:
        files = {f"{DATA}/authorized_keys": (f"{server.key}\n".encode(), 0o600)} if server.key else {}
        found = self._member(server)
        if found is None:
            return appliance(self.name(server), _nics(server), "", files)
        site, member = found
        return appliance(
            member.id, _nics(server), site.name, {**files, **self._keys.firewall_identity(site), **identity(member)}
        )

    def _server(self, server: Server) -> Host:
        trusted, door = trust(self._keys.authorities), sshd(self._door(server))
        setup = compose(hostname(server.hostname), trusted, *_place(server.vifs[:1]), door)
        host = Host(self.name(server), "client", _nics(server), files=setup.files, boot=setup.boot, logs=(LOG,))
        return replace(host, hostname=server.hostname)

    def _door(self, server: Server) -> SshServer:
        return SshServer(UBUNTU, f"{server.key}\n".encode(), self._keys.ssh(f"host {self.name(server)}").private)


def segments(server: Server) -> Sequence[Segment]:
    """Where its interfaces are."""
    return [Segment(_segment(vif), vif.vlan) for vif in server.vifs]


def _segment(vif: Vif) -> str:
    return INTERNET if vif.vlan is None else f"vrack-{vif.vlan}"


def _nics(server: Server) -> tuple[Nic, ...]:
    return tuple(
        Nic(
            f"eth{number}", _segment(vif), vif.mac, server.region,
            address=None if vif.dhcp or server.distribution != UBUNTU else vif.address,
            port=f"tap{vif.port[:_PORT]}",
        )
        for number, vif in enumerate(server.vifs)
    )  # fmt: skip


def _place(vifs: Sequence[Vif]) -> Iterator[Service]:
    """What has a server know where it stands: by its first interface."""
    for vif in vifs:
        if vif.dhcp:
            yield lease("eth0")
        else:
            default = [Route(_EVERYWHERE, vif.gateway)] if vif.gateway else []
            yield routes([*(Route(to, via) for to, via in vif.routes), *default])
            yield resolver(vif.nameservers)


def _dhcp(region: str, servers: Sequence[Server]) -> Host:
    """Its interfaces are called by their VLAN, and keep their names whatever else comes or goes."""
    offered = {vif.vlan or 0: vif for server in servers for vif in server.vifs if vif.dhcp}
    networks = [offered[vlan] for vlan in sorted(offered)]
    nics = tuple(
        Nic(f"vlan{vif.vlan}", _segment(vif), vif.dhcp[0][1], region, port=f"d{vif.vlan}-{region.lower()}"[:15])
        for vif in networks
    )
    name = f"dhcp-{region.lower()}"
    setup = dhcp.dhcp(name=name, subnets=[_subnet(vif, servers) for vif in networks])
    return Host(name, "dhcp", nics, files=setup.files, boot=setup.boot, sysctls=dhcp.SYSCTLS, logs=dhcp.LOGS)


def _subnet(vif: Vif, servers: Sequence[Server]) -> dhcp.Subnet:
    ports = ((server.hostname, port) for server in servers for port in server.vifs if port.network == vif.network)
    return dhcp.Subnet(
        nic=f"vlan{vif.vlan}",
        network=vif.address.network,
        own=tuple(address for address, _ in vif.dhcp),
        gateway=vif.gateway,
        nameservers=vif.nameservers,
        routes=tuple(Route(to, via) for to, via in vif.routes),
        reservations=tuple(dhcp.Reservation(port.mac, port.address.ip, name) for name, port in ports),
    )
