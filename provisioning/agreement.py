"""Whether a deployment's plan and its firewalls' configuration say the same, where both must speak of it.

A fact has one home; these are the few that two readers need: the plan to build the networks and to know what to expect,
the firewall to work. Each finding stands in the file that more likely needs the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from provisioning.deployment import Deployment
from provisioning.deployment_model import Network, Pool, PublishedService, Site, Tunnel
from provisioning.secrets import REFERENCE
from provisioning.toml_lines import Place, field_name
from sns.errors import ConfigurationNotFound, ResolutionError
from sns.model import Configuration, Finding, Interface, Location, Peer, Rule, Severity
from sns.resolution import Resolver

_Value = TypeVar("_Value")


def check(deployment: Deployment) -> tuple[Finding, ...]:
    """Every error of the ConfigFiles trees, then every disagreement with the plan; empty when all is well."""
    findings: list[Finding] = []
    for site in deployment.sites.values():
        findings += _SiteComparison(deployment, site).findings()
    return tuple(dict.fromkeys(findings))


def check_site(deployment: Deployment, site: str, configuration: Configuration) -> tuple[Finding, ...]:
    """The same of one site, if its firewall had another configuration than that of its folder."""
    return tuple(dict.fromkeys(_SiteComparison(deployment, deployment.site(site)).findings(configuration)))


class _SiteComparison:
    """One site's plan beside its firewall's configuration."""

    def __init__(self, deployment: Deployment, site: Site) -> None:
        self.deployment = deployment
        self.site = site
        self._found: list[Finding] = []

    def findings(self, instead: Configuration | None = None) -> list[Finding]:
        try:
            self.configuration = instead or self.deployment.configuration(self.site.name)
        except ConfigurationNotFound as error:
            self._in_plan(self.site.place, str(error))
            return self._found
        for finding in self.configuration.findings:
            if finding.severity is Severity.ERROR:
                self._in_tree(finding.location, finding.field, finding.message, finding.remedy)
        self.resolver = Resolver(self.configuration)
        self._secrets()
        self._interfaces()
        self._default_route()
        self._cluster()
        self._published()
        self._remote_access()
        self._management()
        for tunnel in self.deployment.tunnels_of(self.site.name):
            self._tunnel(tunnel)
        return self._found

    # Where a finding stands

    def _in_plan(self, place: Place, message: str, remedy: str = "") -> None:
        location = Location(str(self.deployment.plan), self.deployment.lines.line(place))
        self._found.append(Finding(Severity.ERROR, location, field_name(place), message, remedy))

    def _in_tree(self, location: Location, field: str, message: str, remedy: str = "") -> None:
        folder = self.deployment.configuration_folder(self.site.name)
        if location.file.startswith("Data/"):
            folder = folder.parent
        place = Location(str(folder / location.file), location.line)
        self._found.append(Finding(Severity.ERROR, place, field, message, remedy))

    def _network_of(self, name: str | None) -> IPv4Network | None:
        return self._resolved(self.resolver.network, name)

    def _address_of(self, name: str | None) -> IPv4Address | None:
        return self._resolved(self.resolver.address, name)

    def _resolved(self, resolve: Callable[[str], _Value], name: str | None) -> _Value | None:
        if not name:
            return None
        try:
            return resolve(name)
        except ResolutionError:
            return None  # the reader's own finding says so, with file and line

    # Secrets

    def _secrets(self) -> None:
        folder = self.deployment.configuration_folder(self.site.name)
        for path in sorted((*folder.rglob("*"), *self.deployment.data_folder(self.site.name).rglob("*"))):
            if not path.is_file():
                continue
            file = str(path.relative_to(folder.parent)).removeprefix("ConfigFiles/")
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                self._in_tree(Location(file, 1), "file", f"cannot be read: {error.strerror}")
                continue
            for number, line in enumerate(text.splitlines(), start=1):
                for name in REFERENCE.findall(line):
                    if name not in self.deployment.secrets:
                        location = Location(file, number)
                        self._in_tree(location, name or "secret", "unknown secret", "add it to [secrets] of the plan")

    # Network

    def _interfaces(self) -> None:
        for number, nic in enumerate(self.site.firewall.nics):
            network = self.site.networks[nic]
            interface = self.configuration.interface(f"ethernet{number}")
            place = (*self.site.firewall.place, "nics", number)
            if interface is None or not interface.enabled:
                self._in_plan(place, f"the firewall has no ethernet{number} that is on", "see ConfigFiles/network")
            elif network.role == "ha":
                self._ha_interface(interface, network)
            else:
                self._data_interface(interface, network)

    def _ha_interface(self, interface: Interface, network: Network) -> None:
        if interface.address is not None and not interface.dhcp and interface.address.ip not in network.subnet:
            self._in_tree(interface.location, "Address", f"{interface.address.ip} is outside {network.subnet}")

    def _data_interface(self, interface: Interface, network: Network) -> None:
        expected = self.site.block if network.role == "external" else network.subnet
        what = "the public block" if network.role == "external" else f"the subnet of {network.name}"
        if interface.dhcp or interface.address is None:
            self._in_tree(interface.location, "Address", "no fixed address", f"give it one of {what} {expected}")
            return
        if interface.address.network != expected:
            self._in_tree(interface.location, "Address", f"{interface.address} is not in {what} {expected}")
        elif owner := self._owner(interface.address.ip):
            self._in_tree(interface.location, "Address", f"{interface.address.ip} is {owner}'s", "choose a free one")
        if interface.protected != (network.role == "private"):
            wanted = "1 on a private network" if network.role == "private" else "0 on the Internet's side"
            self._in_tree(interface.location, "Protected", f"must be {wanted}")

    def _owner(self, address: IPv4Address) -> str:
        """Who else has an address, in the plan; empty when nobody does."""
        if address == self.site.gateway:
            return "the provider's gateway"
        if address in self.site.released:
            return "nobody any more: it was released, and that"
        for network in self.site.networks.values():
            if address in network.dhcp:
                return f"the DHCP service of {network.name}"
        return next((host.id for host in self.site.hosts.values() if host.address == address), "")

    def _default_route(self) -> None:
        routing = self.configuration.routing
        gateway = self._address_of(routing.default)
        location = routing.default_location or Location("route", 1)
        if routing.default is None:
            self._in_tree(location, "DefaultRoute", "no default route", f"lead it to {self.site.gateway}")
        elif gateway is not None and gateway != self.site.gateway:
            self._in_tree(
                location, "DefaultRoute", f"{routing.default} is {gateway}, the block's gateway is {self.site.gateway}"
            )

    # High availability

    def _cluster(self) -> None:
        ha, firewall = self.configuration.ha, self.site.firewall
        if not firewall.is_cluster:
            if ha.enabled:
                self._in_tree(Location("HA/highavailability", 1), "State", "high availability on a single appliance")
            return
        if not ha.enabled:
            self._in_tree(Location("HA/highavailability", 1), "State", "high availability is off on a pair")
            return
        members = {member.serial: member for member in ha.members}
        for member in firewall.members:
            configured = members.pop(member.serial, None)
            if configured is None:
                self._in_plan((*member.place, "serial"), f"{member.serial} is no section of HA/hacluster")
            elif configured.address != member.ha_address:
                self._in_tree(configured.location, "Ip", f"{configured.address}, where DHCP will give {member.ha_address}")
        for stranger in members.values():
            self._in_tree(stranger.location, stranger.serial, "no member of the plan has this serial number")

    # Published services

    def _published(self) -> None:
        for service in self.site.published:
            if not any(self._leads_to(rule, service) for rule in self._translations()):
                self._in_plan(
                    service.place,
                    f"no rule of the active slot leads {service.protocol} {service.port} to {service.host}",
                    "publish it in ConfigFiles/Filter, or take it out of the plan",
                )
        for rule in self._translations():
            assert rule.translation is not None  # noqa: S101 (that is what _translations selects)
            target = self._address_of(rule.translation.destination)
            if target is not None and target not in {host.address for host in self.site.hosts.values()}:
                name = rule.translation.destination
                self._in_tree(rule.location, "destination", f"{name} is {target}, which no host of the plan has")

    def _translations(self) -> Iterator[Rule]:
        policy = self.configuration.policies.get(self.configuration.active_policy)
        for rule in (*policy.filter, *policy.nat) if policy else ():
            if rule.enabled and rule.translation is not None and rule.translation.destination:
                yield rule

    def _leads_to(self, rule: Rule, service: PublishedService) -> bool:
        assert rule.translation is not None  # noqa: S101
        if self._address_of(rule.translation.destination) != self.site.hosts[service.host].address:
            return False
        try:
            ports = self.resolver.services(rule.destination_port, service.protocol)
        except ResolutionError:
            return False
        return not ports or any(service.port in port for port in ports)

    # Tunnels

    def _tunnel(self, tunnel: Tunnel) -> None:
        other = self.deployment.site(tunnel.other(self.site.name))
        ours = self.site.networks[tunnel.network_at(self.site.name)]
        theirs = other.networks[tunnel.network_at(other.name)]
        wanted = (ours.subnet, theirs.subnet)
        for candidate in self.configuration.vpn.tunnels:
            if (self._network_of(candidate.local), self._network_of(candidate.remote)) == wanted:
                peer = self.configuration.vpn.peers.get(candidate.peer.lower())
                if peer is not None:
                    self._peer(peer, other, tunnel)
                return
        self._in_plan(
            (*tunnel.place, "between"),
            f"{self.site.name} has no active tunnel between {ours.subnet} and {theirs.subnet}",
            f"add it to {self.site.name}/ConfigFiles/VPN, or take it out of the plan",
        )

    def _peer(self, peer: Peer, other: Site, tunnel: Tunnel) -> None:
        address = self._address_of(peer.remote)
        try:
            expected = self.deployment.public_address(other.name)
        except (LookupError, ConfigurationNotFound):
            return  # told where that site is compared
        if address is not None and address != expected:
            self._in_tree(peer.location, "Remote", f"{peer.remote} is {address}, the firewall of {other.name} {expected}")
        key = self.configuration.vpn.preshared_keys.get(peer.remote.lower(), "")
        if key and key != f"${{secret:{tunnel.key}}}":
            self._in_tree(Location("VPN/psk", 1), peer.remote, "is not the plan's key", f"write ${{secret:{tunnel.key}}}")

    # Remote access

    def _remote_access(self) -> None:
        ssl_vpn = self.configuration.ssl_vpn
        if ssl_vpn.enabled != bool(self.site.pools):
            on, planned = ("on", "no pool") if ssl_vpn.enabled else ("off", "pools")
            self._in_tree(ssl_vpn.location, "state", f"the SSL VPN is {on}, the plan of {self.site.name} has {planned}")
        if not (ssl_vpn.enabled and self.site.pools):
            return
        for pool in self.site.pools:
            self._pool(pool, ssl_vpn.udp_pool if pool.protocol == "udp" else ssl_vpn.pool)
        self._announced_address()
        self._people()

    def _announced_address(self) -> None:
        """The address that clients are told to call must be the firewall's own."""
        ssl_vpn = self.configuration.ssl_vpn
        told, public = ssl_vpn.public_address, self.deployment.interface(self.site.name, self._external().name)
        if not told or public is None or public.address is None or told == str(public.address.ip):
            return
        if self._address_of(told) != public.address.ip:
            self._in_tree(ssl_vpn.location, "serverPublicAddr", f"{told} is not the firewall's {public.address.ip}")

    def _external(self) -> Network:
        return self.site.network_of("external")

    def _pool(self, pool: Pool, name: str | None) -> None:
        location = self.configuration.ssl_vpn.location
        token = "udpPool" if pool.protocol == "udp" else "pool"
        if not name:
            self._in_tree(location, token, f"no {pool.protocol} pool", f"name an object for {pool.network}")
        elif (network := self._network_of(name)) is not None and network != pool.network:
            self._in_tree(location, token, f"{name} is {network}, the plan says {pool.network}")

    def _people(self) -> None:
        directory = self.configuration.directory
        users = {user.uid: user for user in directory.users}
        for person in self.site.people:
            place = (*person.place, "login")
            user = users.get(person.uid)
            if user is None:
                self._in_plan(place, f"{person.uid} is not in the directory", "see Data/Ldapbase.ldif")
            elif user.password != f"${{secret:{person.password}}}":
                self._in_tree(user.location, "userPassword", "is not the plan's", f"${{secret:{person.password}}}")
            if person.domain and person.domain != directory.domain:
                self._in_plan(place, f"the directory's domain is {directory.domain}", "see ConfigFiles/ldap")

    # Management

    def _management(self) -> None:
        management, admin = self.configuration.management, self.deployment.internet.admin
        allowed = [self.resolver.addresses(name) for name, _ in management.web_access if self.resolver.knows(name)]
        if not any(admin in addresses for addresses in allowed):
            location = management.web_access[0][1] if management.web_access else Location("webadmin", 1)
            self._in_tree(location, "ACL", f"the administrator's address {admin} is not allowed")
