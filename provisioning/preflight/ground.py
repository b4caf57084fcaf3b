"""What the rules look at: a plan with its trees, a runbook, a cloud; and how they say where something stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from provisioning.cloud_plan import CloudNetwork
from provisioning.deployment import Deployment
from provisioning.deployment_model import Member, Network, Site
from provisioning.preflight.cloud_facts import CloudFacts
from provisioning.preflight.rule import Doubt, Severity
from provisioning.preflight.runbook import Command, Runbook
from provisioning.toml_lines import Place, field_name
from provisioning.toml_table import NO_NETWORK
from sns.errors import ConfigurationNotFound, ResolutionError
from sns.model import Configuration, Location
from sns.resolution import Resolver


@dataclass(frozen=True)
class Ground:
    """Everything that is looked at. The plan may contradict itself: what is asked here passes over what is not there."""

    deployment: Deployment
    runbook: Runbook | None = None
    cloud: CloudFacts | None = None
    _trees: dict[str, Configuration | None] = field(default_factory=dict, repr=False, compare=False)

    # Parts of the plan

    @property
    def sites(self) -> tuple[Site, ...]:
        """The sites, in file order."""
        return tuple(self.deployment.sites.values())

    def networks(self) -> Iterator[tuple[Site, Network]]:
        """Every network that has a subnet."""
        for site in self.sites:
            for network in site.networks.values():
                if network.subnet != NO_NETWORK:
                    yield site, network

    def asked_networks(self) -> Iterator[tuple[Site, Network, CloudNetwork]]:
        """Every network whose plan says how OpenStack is asked for it."""
        for site, network in self.networks():
            if network.cloud is not None:
                yield site, network, network.cloud

    def members(self) -> Iterator[tuple[Site, Member]]:
        """Every appliance."""
        for site in self.sites:
            for member in site.firewall.members:
                yield site, member

    def fixed_addresses(self, site: Site, network: Network) -> list[IPv4Address]:
        """The addresses on a network that the plan gives away itself: members' ports and hosts."""
        members = [member.ports[network.name] for member in site.firewall.members if network.name in member.ports]
        return members + [host.address for host in site.hosts.values() if host.network == network.name]

    # The firewalls' own files

    def tree(self, site: Site) -> Configuration | None:
        """What a site's firewall is configured to do; None where its files cannot be had."""
        if site.name not in self._trees:
            known = site.firewall.members and all(nic in site.networks for nic in site.firewall.nics)
            try:
                self._trees[site.name] = self.deployment.configuration(site.name) if known else None
            except ConfigurationNotFound:
                self._trees[site.name] = None
        return self._trees[site.name]

    def own_address(self, site: Site, network: Network) -> IPv4Address | None:
        """The firewall's address on a network, as its files have it."""
        tree = self.tree(site)
        if tree is None or network.name not in site.firewall.nics:
            return None
        interface = tree.interface(f"ethernet{site.firewall.nics.index(network.name)}")
        return interface.address.ip if interface and interface.address and not interface.dhcp else None

    def resolved(self, site: Site, name: str | None) -> IPv4Address | None:
        """The address that a name of the firewall's files stands for."""
        tree = self.tree(site)
        if tree is None or not name:
            return None
        try:
            return Resolver(tree).address(name)
        except ResolutionError:
            return None

    # Where something stands

    def in_plan(self, rule: str, place: Place, message: str, severity: Severity | None = None) -> Doubt:
        """A doubt about a value of the plan."""
        location = Location(str(self.deployment.plan), self.deployment.lines.line(place))
        return Doubt(rule, location, field_name(place), message, severity)

    def in_tree(self, rule: str, site: Site, location: Location, name: str, message: str, *, note: bool = False) -> Doubt:
        """A doubt about a line of a firewall's files."""
        file = self.deployment.configuration_folder(site.name) / location.file
        return Doubt(rule, Location(str(file), location.line), name, message, Severity.INFORMATION if note else None)

    def in_runbook(self, rule: str, command: Command, message: str, severity: Severity | None = None) -> Doubt:
        """A doubt about a command."""
        assert self.runbook is not None  # noqa: S101 (it is where the command comes from)
        return Doubt(rule, Location(self.runbook.file, command.line), command.program or "line", message, severity)

    def file(self, written: str) -> Path:
        """A file that the plan names: ``~`` is the user's, all else is relative to the deployment's folder."""
        path = Path(written).expanduser()
        return path if path.is_absolute() else self.deployment.folder / path
