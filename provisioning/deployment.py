"""A deployment: its plan from ``deployment.toml``, and the configuration of each of its firewalls.

:func:`load` reads and validates the plan only; a firewall's ConfigFiles tree is read when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning import deployment_checks as checks
from provisioning import deployment_reader as reader
from provisioning import toml_file
from provisioning.cloud_plan import Cloud
from provisioning.cloud_reader import read_cloud
from provisioning.deployment_error import DeploymentError, located
from provisioning.deployment_model import (
    Budgets,
    Internet,
    Member,
    Network,
    Person,
    Pool,
    PrivateHost,
    PublishedService,
    SecretReference,
    Site,
    Tunnel,
)
from provisioning.toml_lines import Place, TomlLines
from provisioning.toml_table import Findings, Table

if TYPE_CHECKING:
    from sns.model import Configuration, Finding, Interface

__all__ = ["AXES", "CONDITIONS", "PLAN", "Deployment", "DeploymentError", "Instance", "examine", "load", "located"]

PLAN = "deployment.toml"

Instance = Site | Tunnel | Pool | PublishedService | PrivateHost
"""What an axis counts."""


@dataclass(frozen=True)
class Deployment:
    """One deployment folder, read. Sites are in file order: the first is the hub that distances count from."""

    folder: Path
    name: str
    title: str
    sites: Mapping[str, Site]
    tunnels: tuple[Tunnel, ...]
    internet: Internet
    secrets: Mapping[str, SecretReference]
    budgets: Budgets
    cloud: Cloud | None
    lines: TomlLines = field(repr=False, compare=False)
    _configurations: dict[tuple[str, int], Configuration] = field(default_factory=dict, repr=False, compare=False)

    @property
    def plan(self) -> Path:
        """The file that the plan was read from."""
        return self.folder / PLAN

    def site(self, name: str) -> Site:
        """The site of this name. Raises KeyError when there is none."""
        return self.sites[name]

    # Axes: what scenarios are instantiated over ----------------------------------------------------------------

    def axis(self, name: str) -> tuple[str, ...]:
        """The ids of all instances of one of :data:`AXES`. Raises KeyError for another name."""
        return tuple(self._instances(name))

    def instance(self, axis: str, identifier: str) -> Instance:
        """What an id of an axis stands for. Raises KeyError when the axis or the id is unknown."""
        return self._instances(axis)[identifier]

    def _instances(self, axis: str) -> dict[str, Instance]:
        if axis not in AXES:
            raise KeyError(f"unknown axis {axis!r}; known: {', '.join(AXES)}")
        sites = self.sites.values()
        found: dict[str, Instance] = {}
        match axis:
            case "site":
                found.update(self.sites)
            case "cluster":
                found.update({site.name: site for site in sites if site.firewall.is_cluster})
            case "remote_access_site":
                found.update({site.name: site for site in sites if site.pools})
            case "tunnel":
                found.update({tunnel.id: tunnel for tunnel in self.tunnels})
            case "pool":
                found.update({self.pool_id(pool): pool for site in sites for pool in site.pools})
            case "published_service":
                # What is published over UDP is compared with the rules, and not fetched.
                found.update({entry.id: entry for site in sites for entry in site.web_sites})
            case "web_server":
                found.update({host.id: host for site in sites for host in site.hosts_of("web")})
            case "bare_metal_server":
                found.update({host.id: host for site in sites for host in site.hosts_of("bare-metal")})
        return found

    def without(self, condition: str, axis: str, identifier: str) -> tuple[str, ...]:
        """The sites of an instance that lack what one of :data:`CONDITIONS` asks for. Raises KeyError for an unknown one."""
        one = self.instance(axis, identifier)
        names = one.sites if isinstance(one, Tunnel) else (one.name if isinstance(one, Site) else one.site,)
        return tuple(name for name in names if not self._has(condition, self.sites[name]))

    def _has(self, condition: str, site: Site) -> bool:
        match condition:
            case "published_site":
                return bool(site.web_sites)
            case "refused_name":
                return bool(self.internet.refused)
            case "released_address":
                return bool(site.released)
            case "neighbour":
                return bool(site.neighbours)
            case "second_transport":
                return len({pool.protocol for pool in site.pools}) > 1
        raise KeyError(f"unknown condition {condition!r}; known: {', '.join(CONDITIONS)}")

    def pool_id(self, pool: Pool) -> str:
        """``udp`` where one site offers remote access, ``sbg7-udp`` where several do."""
        several = sum(1 for site in self.sites.values() if site.pools) > 1
        return f"{pool.site}-{pool.protocol}" if several else pool.protocol

    # Finding things --------------------------------------------------------------------------------------------

    def tunnels_of(self, site: str) -> tuple[Tunnel, ...]:
        """The tunnels that end at a site."""
        return tuple(tunnel for tunnel in self.tunnels if site in tunnel.sites)

    def members(self) -> tuple[Member, ...]:
        """All appliances, site by site."""
        return tuple(member for site in self.sites.values() for member in site.firewall.members)

    def people(self) -> tuple[Person, ...]:
        """Everyone in a directory, site by site."""
        return tuple(person for site in self.sites.values() for person in site.people)

    # What the firewalls say --------------------------------------------------------------------------------------

    def configuration_folder(self, site: str) -> Path:
        """A site's ConfigFiles."""
        return self.folder / site / "ConfigFiles"

    def data_folder(self, site: str) -> Path:
        """A site's exported Data (the directory's base); it need not exist."""
        return self.folder / site / "Data"

    def configuration(self, site: str, member: int = 1) -> Configuration:
        """What a site's firewall is configured to do, read once; ``member`` decides whose HA lease is assumed.

        Mistakes in the tree are in the configuration's own ``findings``. Raises KeyError for an unknown site.
        """
        key = (site, member)
        if key not in self._configurations:
            from sns.reader import read

            folder = self.configuration_folder(site)
            self._configurations[key] = read(folder, label=site, leases=self.leases(site, member))
        return self._configurations[key]

    def leases(self, site: str, member: int = 1) -> dict[str, IPv4Interface]:
        """The addresses that DHCP will give a member's interfaces: only the HA network's are reserved."""
        leases: dict[str, IPv4Interface] = {}
        firewall = self.sites[site].firewall
        address = firewall.members[member - 1].ha_address
        for number, nic in enumerate(firewall.nics):
            network = self.sites[site].networks[nic]
            if network.role == "ha" and address is not None:
                leases[f"ethernet{number}"] = IPv4Interface((address, network.subnet.prefixlen))
        return leases

    def interface(self, site: str, network: str) -> Interface | None:
        """The firewall's interface on one of the site's networks, as its ``network`` file has it; None without one."""
        nics = self.sites[site].firewall.nics
        if network not in nics:
            return None
        return self.configuration(site).interface(f"ethernet{nics.index(network)}")

    def public_address(self, site: str) -> IPv4Address:
        """The firewall's address on the public block. Raises LookupError when its ``network`` file gives none."""
        return self._address(site, self.sites[site].network_of("external"))

    def private_address(self, site: str, network: str | None = None) -> IPv4Address:
        """The firewall's address on a private network (the site's first when not named), its hosts' gateway.

        Raises LookupError when its ``network`` file gives none.
        """
        where = self.sites[site]
        return self._address(site, where.networks[network] if network else where.network_of("private"))

    def _address(self, site: str, network: Network) -> IPv4Address:
        interface = self.interface(site, network.name)
        if interface is None or interface.address is None:
            raise LookupError(f"{site}: the firewall has no address on {network.name}; see ConfigFiles/network")
        return interface.address.ip


AXES = (
    "site",
    "cluster",
    "remote_access_site",
    "tunnel",
    "pool",
    "published_service",
    "web_server",
    "bare_metal_server",
)
"""What a scenario can be instantiated over, each with ids of its own."""

CONDITIONS = ("published_site", "refused_name", "released_address", "neighbour", "second_transport")
"""What the site of an instance may lack: a web site for the Internet, a name that URL filtering must refuse, an address that
nobody has any more, another host beside the web server, the SSL VPN over both UDP and TCP.
"""


def load(folder: Path | str) -> Deployment:
    """Read and validate the plan of a deployment folder.

    Raises DeploymentError with every finding at once: what cannot be read, what is unknown, what contradicts itself.
    """
    deployment, findings = examine(folder)
    if findings:
        raise DeploymentError(findings)
    return deployment


def examine(folder: Path | str) -> tuple[Deployment, tuple[Finding, ...]]:
    """The plan of a deployment folder as far as it can be read, and every finding about it.

    What a finding is about may have a value that stands for nothing. Raises DeploymentError when there is no plan to speak of.
    """
    folder = Path(folder)
    values, lines = toml_file.read(folder / PLAN, remedy="name a folder like deployments/guide")
    return _read(folder, values, lines)


def _read(folder: Path, values: dict[str, Any], lines: TomlLines) -> tuple[Deployment, tuple[Finding, ...]]:
    findings = Findings(str(folder / PLAN), lines)
    table = Table(values, (), findings)
    name = table.text("name")
    deployment = Deployment(
        folder=folder,
        name=name,
        title=table.text("title", default=folder.name),
        sites={name: reader.read_site(name, entry) for name, entry in table.named_tables("sites").items()},
        tunnels=tuple(reader.read_tunnel(entry) for entry in table.tables("tunnels")),
        internet=reader.read_internet(table.table("internet")),
        secrets=reader.read_secrets(table.table("secrets")),
        budgets=reader.read_budgets(table.optional_table("budgets")),
        cloud=read_cloud(table.optional_table("cloud"), name),
        lines=lines,
    )
    table.close()
    _check(deployment, findings)
    return deployment, located(findings.file, findings.lines()) if findings else ()


def _check(deployment: Deployment, findings: Findings) -> None:
    checks.check_name(deployment.name, findings)
    if not deployment.sites:
        findings.add(("sites",), "no site", "add at least one [sites.NAME]")
    for site in deployment.sites.values():
        checks.check_site(site, findings)
    checks.check_between_sites(deployment.sites, deployment.internet, findings)
    checks.check_tunnels(deployment.tunnels, deployment.sites, findings)
    checks.check_internet(deployment.internet, findings, deployment.sites.values())
    used: list[tuple[Place, str]] = [((*person.place, "password"), person.password) for person in deployment.people()]
    used += [((*tunnel.place, "key"), tunnel.key) for tunnel in deployment.tunnels]
    checks.check_secrets(deployment.folder, deployment.secrets, used, findings)
    checks.check_folders(deployment.folder, deployment.sites.values(), findings)
