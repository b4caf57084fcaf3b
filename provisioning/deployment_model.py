"""What a deployment is made of, as ``deployment.toml`` plans it: sites, networks, members, hosts, people, secrets.

What the firewalls themselves say (their addresses, rules, tunnels) is not here: it stands in each site's ConfigFiles,
see :meth:`provisioning.deployment.Deployment.configuration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from provisioning.cloud_plan import CloudNetwork
from provisioning.toml_lines import Place

NETWORK_ROLES = ("external", "private", "ha")
HOST_ROLES = ("web", "bare-metal")
PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Network:
    """A vRack network of a site. ``dhcp`` are the addresses that OpenStack's DHCP service keeps for itself; without any there
    is no DHCP. ``cloud`` is None where the plan does not say how OpenStack is asked for it.
    """

    name: str
    site: str
    role: str  # one of NETWORK_ROLES
    vlan: int  # 0 is the vRack's untagged network
    subnet: IPv4Network
    dhcp: tuple[IPv4Address, ...]
    cloud: CloudNetwork | None
    place: Place

    @property
    def segment(self) -> str:
        """The vRack segment that carries it; a VLAN is one segment across all regions."""
        return f"vrack-{self.vlan}"


@dataclass(frozen=True)
class PrivateHost:
    """A machine of a private network. With ``trunk`` its port is tagged with these VLANs (a bare-metal server).

    ``instance`` is its name in OpenStack, which creates all but bare-metal servers.
    """

    name: str
    site: str
    role: str  # one of HOST_ROLES
    network: str
    address: IPv4Address
    instance: str
    trunk: tuple[int, ...]
    mac: str
    mac_written: bool  # else it follows from the address
    place: Place

    @property
    def id(self) -> str:
        """Its name in the whole deployment: ``web-sbg7``."""
        return f"{self.name}-{self.site}"


@dataclass(frozen=True)
class Member:
    """One appliance of a site's firewall. ``number`` counts from 1; ``macs`` are its own, one per NIC.

    ``ha_address`` is what OpenStack's DHCP gives its HA interface; None on a firewall that is a single appliance. ``ports``
    are the fixed addresses of its OpenStack ports by network, the HA one included; empty leaves them to Neutron.
    """

    number: int
    site: str
    instance: str
    serial: str
    ha_address: IPv4Address | None
    ports: Mapping[str, IPv4Address]
    macs: tuple[str, ...]
    macs_written: bool  # else they follow from its addresses
    place: Place

    @property
    def id(self) -> str:
        """Its name in the whole deployment: ``fw1-sbg7``."""
        return f"fw{self.number}-{self.site}"


@dataclass(frozen=True)
class Firewall:
    """A site's firewall: one appliance, or a pair. ``nics`` are network names: ethernet0, ethernet1, … in order.

    Where the plan names no ``model`` (``model_chosen`` is False), the smallest stands for it in the lab.
    """

    site: str
    model: str
    model_chosen: bool
    nics: tuple[str, ...]
    members: tuple[Member, ...]
    place: Place

    @property
    def is_cluster(self) -> bool:
        """Whether two members share its addresses."""
        return len(self.members) > 1


@dataclass(frozen=True)
class PublishedService:
    """What the Internet may reach on the firewall's public address, and the private host that answers."""

    name: str
    site: str
    protocol: str  # one of PROTOCOLS
    port: int
    host: str
    place: Place

    @property
    def id(self) -> str:
        """``sbg7-http``."""
        return f"{self.site}-{self.name}"


@dataclass(frozen=True)
class Pool:
    """The client network of one SSL VPN transport."""

    site: str
    protocol: str  # one of PROTOCOLS
    network: IPv4Network
    place: Place

    @property
    def first_user(self) -> IPv4Address:
        """The address that the first user gets: they are given by fours (net30), and the first four are the firewall's own."""
        return self.network[6]


@dataclass(frozen=True)
class Person:
    """Someone in a site's directory. ``password`` names a secret; ``login`` carries the directory's domain."""

    site: str
    login: str
    password: str
    place: Place

    @property
    def uid(self) -> str:
        """The login without its domain, as the directory knows it."""
        return self.login.partition("@")[0]

    @property
    def domain(self) -> str:
        """The directory's domain, empty when the login has none."""
        return self.login.partition("@")[2]


@dataclass(frozen=True)
class Site:
    """One site: its public block, its vRack networks, its firewall and what lives behind it.

    ``distance_ms`` is the one-way delay to the first site. ``released`` are addresses of the block that nobody may
    answer for any more. ``client_lans`` are the networks that VPN users sit in. ``region`` is OpenStack's; where the plan
    does not say (``region_chosen`` is False), the site's name stands for it in the lab.
    """

    name: str
    region: str
    region_chosen: bool
    distance_ms: float
    block: IPv4Network
    gateway: IPv4Address
    gateway_internet: IPv4Address
    released: tuple[IPv4Address, ...]
    networks: Mapping[str, Network]
    firewall: Firewall
    hosts: Mapping[str, PrivateHost]
    published: tuple[PublishedService, ...]
    pools: tuple[Pool, ...]
    people: tuple[Person, ...]
    client_lans: tuple[IPv4Network, ...]
    place: Place

    def network_of(self, role: str) -> Network:
        """The first network of a role. Raises KeyError when the site has none."""
        for network in self.networks.values():
            if network.role == role:
                return network
        raise KeyError(role)

    def hosts_of(self, role: str) -> tuple[PrivateHost, ...]:
        """The hosts of a role, in file order."""
        return tuple(host for host in self.hosts.values() if host.role == role)

    @property
    def web_sites(self) -> tuple[PublishedService, ...]:
        """What it publishes over TCP, in file order: over UDP there is no web site."""
        return tuple(service for service in self.published if service.protocol == "tcp")

    @property
    def neighbours(self) -> tuple[IPv4Address, ...]:
        """Who else is on the network of the site's first web server: the other hosts, and DHCP's own addresses."""
        for server in self.hosts_of("web")[:1]:
            hosts = [host.address for host in self.hosts.values() if host.network == server.network]
            return tuple(one for one in (*hosts, *self.networks[server.network].dhcp) if one != server.address)
        return ()

    def host_interface(self, host: PrivateHost) -> IPv4Interface:
        """A host's address with its network's mask."""
        return IPv4Interface((host.address, self.networks[host.network].subnet.prefixlen))


@dataclass(frozen=True)
class Tunnel:
    """A site-to-site tunnel between a network of one site and a network of another. ``key`` names a secret."""

    sites: tuple[str, str]
    networks: tuple[str, str]
    key: str
    place: Place

    @property
    def id(self) -> str:
        """``sbg7-gra11``."""
        return "-".join(self.sites)

    def other(self, site: str) -> str:
        """The site at the other end."""
        return self.sites[1] if site == self.sites[0] else self.sites[0]

    def network_at(self, site: str) -> str:
        """The name of the network that this site brings into the tunnel."""
        return self.networks[self.sites.index(site)]


@dataclass(frozen=True)
class Internet:
    """The Internet side of the lab: who is where, and which public names there are."""

    network: IPv4Network
    resolver: IPv4Address
    admin: IPv4Address
    stranger: IPv4Address
    vpn_client: IPv4Address
    public: IPv4Address
    page: str  # an HTTPS address that answers with success
    echo: str  # an HTTP address that answers with the address it was asked from
    refused: tuple[str, ...]  # names at the same address, that URL filtering must refuse
    mirror: IPv4Address
    mirror_name: str
    place: Place

    @property
    def allowed(self) -> tuple[str, ...]:
        """The names of the public site that the policy lets pass."""
        return tuple(dict.fromkeys(_host_of(url) for url in (self.page, self.echo)))


@dataclass(frozen=True)
class SecretReference:
    """Where a secret comes from: an environment variable, a file, or the lab makes it.

    ``kind`` is ``env``, ``file`` or ``generate``.
    ``source`` is the variable's name or the file's path; empty for ``generate``.
    """

    name: str
    kind: str
    source: str
    place: Place


FLOW_CLASSES = ("nat", "tcp", "published", "ipsec", "sslvpn_udp", "sslvpn_tcp", "administration", "local")
"""Kinds of flows that a change of members costs differently: packets and TCP transfers by address translation, sessions from
outside, site-to-site tunnels, VPN users by transport, SSH to the firewall itself, and what does not go through it."""

_SLOW = dict(zip(FLOW_CLASSES, (1500, 3000, 3000, 5000, 15_000, 5000, 5000, 100), strict=True))
_QUICK = dict(zip(FLOW_CLASSES, (1000, 2000, 2000, 5000, 15_000, 5000, 5000, 100), strict=True))

DEFAULT_GAPS: Mapping[str, Mapping[str, int]] = {"member_killed": _SLOW, "link_lost": _QUICK, "switch": _QUICK}
"""What is accepted where a deployment does not say, in milliseconds, by what happens and by class of flow."""


@dataclass(frozen=True)
class Budgets:
    """The longest silences that scenarios accept, in milliseconds.

    ``gaps`` are those of flows, by what happened to the members and by class; ``tunnel_restored`` that of a tunnel whose peer
    forgot it; ``takeover`` is how long a pair may take until the other member works, whatever happened to the first.
    """

    tunnel_restored: int = 5000
    takeover: int = 10_000
    gaps: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: DEFAULT_GAPS)


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
