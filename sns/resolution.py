"""What names stand for: objects, groups, services, and the implicit objects of sns.md 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Literal, NamedTuple, TypeAlias, cast

from .addresses import ALL, EMPTY, AddressSet
from .errors import AddressUnknown, CircularGroup, ResolutionError, ServiceMismatch, UnknownObject, WrongKind
from .model import Configuration, Operand

Transport: TypeAlias = Literal["tcp", "udp"]

PROTOCOL_NUMBERS: Mapping[str, int] = {
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "vpn-esp": 50, "vpn-ah": 51, "sctp": 132,
}  # fmt: skip
"""The product's read-only ``[Protocol]`` objects."""

PROTOCOL_NAMES: Mapping[int, str] = {number: name for name, number in PROTOCOL_NUMBERS.items()}

STOCK_SERVICES: Mapping[str, tuple[str, int, int]] = {
    # What rules may name without a line in ``object``: built into the product, or always in its stock object base.
    "firewall_srv": ("tcp", 1300, 1300),
    "ephemeral_fw": ("any", 20000, 59999),
    "ephemeral_fw_tcp": ("tcp", 20000, 59999),
    "ephemeral_fw_udp": ("udp", 20000, 59999),
    "http": ("tcp", 80, 80),
    "https": ("tcp", 443, 443),
    "ssh": ("tcp", 22, 22),
    "dns": ("any", 53, 53),
    "dns_tcp": ("tcp", 53, 53),
    "dns_udp": ("udp", 53, 53),
    "ntp": ("udp", 123, 123),
    "isakmp": ("udp", 500, 500),
    "isakmp_natt": ("udp", 4500, 4500),
    "sslvpn": ("tcp", 443, 443),
    "udpvpn": ("udp", 1194, 1194),
    "bootps": ("udp", 67, 67),
    "bootpc": ("udp", 68, 68),
    "ftp": ("tcp", 21, 21),
    "telnet": ("tcp", 23, 23),
    "smtp": ("tcp", 25, 25),
    "pop3": ("tcp", 110, 110),
    "imap": ("tcp", 143, 143),
    "ldap": ("tcp", 389, 389),
    "ldaps": ("tcp", 636, 636),
    "snmp": ("udp", 161, 161),
    "syslog": ("udp", 514, 514),
    "pptp": ("tcp", 1723, 1723),
    "mysql": ("tcp", 3306, 3306),
    "microsoft-ts": ("tcp", 3389, 3389),
}
STOCK_SERVICE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "admin_srv": ("firewall_srv", "ssh", "https"),
    "web_srv": ("dns_udp", "http", "https"),
}


class PortRange(NamedTuple):
    """Ports ``first`` to ``last`` of one transport, both included."""

    protocol: Transport
    first: int
    last: int

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last


class Resolver:
    """Resolves the names of one configuration, without regard to case; results are kept."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._objects = configuration.objects
        self._known: dict[str, AddressSet] = {}
        self._ports: dict[str, tuple[PortRange, ...]] = {}
        self._open: list[str] = []
        self._implicit = self._implicit_objects()

    # addresses

    def knows(self, name: str) -> bool:
        """Whether ``name`` is an address object, group or implicit object."""
        key = name.lower()
        objects = self._objects
        return key in self._implicit or key in objects.hosts or key in objects.networks or key in objects.groups

    def addresses(self, what: Operand | str) -> AddressSet:
        """The addresses of an object, or of a rule's operand (negation applied).

        An object whose address is not known yet (DHCP without lease, name resolved later) has none: the empty set.
        Raises UnknownObject or CircularGroup.
        """
        if isinstance(what, str):
            return self._named(what)
        found = EMPTY
        for name in what.names:
            found = found | self._named(name)
        return ~found if what.negated else found

    def resolved(self, what: Operand | str) -> AddressSet:
        """The addresses, none for a name that does not resolve: the reader has said so, with file and line."""
        try:
            return self.addresses(what)
        except ResolutionError:
            return EMPTY

    def address(self, name: str) -> IPv4Address:
        """The one address of a host. Raises UnknownObject, WrongKind (several addresses) or AddressUnknown (none)."""
        ranges = self._named(name).ranges()
        if not ranges:
            raise AddressUnknown(name)
        if len(ranges) > 1 or ranges[0][0] != ranges[0][1]:
            raise WrongKind(name, "is not one host")
        return ranges[0][0]

    def network(self, name: str) -> IPv4Network:
        """The one network of an object (a host is a /32). Raises UnknownObject, WrongKind or AddressUnknown."""
        networks = self._named(name).networks()
        if not networks:
            raise AddressUnknown(name)
        if len(networks) > 1:
            raise WrongKind(name, "is not one network")
        return networks[0]

    def gateways(self, name: str) -> tuple[IPv4Address, ...]:
        """The addresses of a gateway: a host's, or a router object's in order of preference.

        A dynamic ``Firewall_<if>_router`` that no host overrides has none yet. Raises UnknownObject or WrongKind.
        """
        router = self._objects.routers.get(name.lower())
        names: Iterable[str] = (*router.principals, *router.backups) if router else (name,)
        found: list[IPv4Address] = []
        for each in names:
            if self.knows(each):
                try:
                    found.append(self.address(each))
                except AddressUnknown:
                    continue
            elif not self.knows_gateway(each):
                raise UnknownObject(each)
        return tuple(found)

    def knows_gateway(self, name: str) -> bool:
        """Whether a default route or a static route may name this: a host, a router, or a DHCP interface's router."""
        key = name.lower()
        if self.knows(name) or key in self._objects.routers:
            return True
        return any(key == f"firewall_{i.name.lower()}_router" for i in self._configuration.interfaces if i.dhcp)

    def own_addresses(self) -> AddressSet:
        """Every address of the firewall itself, its ends of the SSL VPN pools included (``Firewall_all``)."""
        return self._named("firewall_all")

    def internals(self) -> AddressSet:
        """``Network_internals``: networks of protected interfaces, SSL VPN pools, networks routed behind the former."""
        return self._named("network_internals")

    def pools(self) -> tuple[IPv4Network, ...]:
        """The networks of SSL VPN clients, when the SSL VPN is on."""
        vpn = self._configuration.ssl_vpn
        names = (vpn.pool, vpn.udp_pool) if vpn.enabled else ()
        found = []
        for name in names:
            if name:
                try:
                    found.append(self.network(name))
                except ResolutionError:
                    continue  # the reader has said so, with file and line
        return tuple(found)

    def _named(self, name: str) -> AddressSet:
        key = name.lower()
        found = self._known.get(key)
        if found is None:
            if key in self._open:
                raise CircularGroup(name)
            self._open.append(key)
            try:
                found = self._known[key] = self._look_up(key, name)
            finally:
                self._open.pop()
        return found

    def _look_up(self, key: str, name: str) -> AddressSet:
        objects = self._objects
        if key in self._implicit:
            return self._implicit[key]()
        if key in objects.hosts:
            host = objects.hosts[key]
            return AddressSet.of((host.first, host.last)) if host.first and host.last else EMPTY
        if key in objects.networks:
            return AddressSet.of(objects.networks[key].network)
        if key in objects.groups:
            return AddressSet.of(*(self._named(member) for member, _ in objects.groups[key].members))
        raise UnknownObject(name)

    # implicit objects

    def _implicit_objects(self) -> dict[str, Callable[[], AddressSet]]:
        found: dict[str, Callable[[], AddressSet]] = {
            "any": lambda: ALL,
            "internet": self._internet,
            "firewall_all": self._all_own,
            "network_internals": self._all_internal,
        }
        for interface in self._configuration.interfaces:
            address = interface.address
            host, network = (AddressSet.of(address.ip), AddressSet.of(address.network)) if address else (EMPTY, EMPTY)
            found[f"firewall_{interface.name.lower()}"] = partial(AddressSet.of, host)
            found[f"network_{interface.name.lower()}"] = partial(AddressSet.of, network)
        return found

    def _internet(self) -> AddressSet:
        declared = self._objects.internet
        if declared is None:
            return ~self.internals()
        named = self._named(declared.object)
        return named if declared.operator == "eq" else ~named

    def _all_own(self) -> AddressSet:
        addresses = [i.address.ip for i in self._configuration.interfaces if i.address]
        # OpenVPN's server takes the first address of its pool (sns.md 7, "Addressing is net30").
        return AddressSet.of(*addresses, *(pool.network_address + 1 for pool in self.pools()))

    def _all_internal(self) -> AddressSet:
        protected = [i for i in self._configuration.interfaces if i.protected and i.address]
        behind = EMPTY
        for interface in protected:
            behind = behind | self.routed_behind(interface.name, interface.section)
        networks = [i.address.network for i in protected if i.address]
        return AddressSet.of(*networks, *self.pools()) | behind

    def routed_behind(self, *interface: str) -> AddressSet:
        """The destinations of the static routes that leave by the interface of this name (or one of these names)."""
        wanted = {name.lower() for name in interface}
        found = EMPTY
        for route in self._configuration.routing.static:
            if route.interface.lower() in wanted and self.knows(route.destination):
                found = found | self._named(route.destination)
        return found

    # services

    def knows_service(self, name: str) -> bool:
        """Whether ``name`` is a service, a service group, or ``any``."""
        key = name.lower()
        objects = self._objects
        return (
            key == "any"
            or key in objects.services
            or key in objects.service_groups
            or key in STOCK_SERVICES
            or key in STOCK_SERVICE_GROUPS
        )

    def has_port(self, name: str, ip_protocol: str | None) -> bool:
        """Whether the service has a port of that IP protocol (True for ``any``)."""
        if name.lower() == "any":
            return True
        try:
            return any(ip_protocol in (None, port.protocol) for port in self._service(name))
        except ResolutionError:
            return True  # told where the service is declared

    def services(self, what: Operand | str, ip_protocol: str | None = None) -> tuple[PortRange, ...]:
        """The ports of a service or of a rule's operand, negation applied, sorted; ``()`` means no constraint.

        ``ip_protocol`` (``tcp``, ``udp`` or None) leaves only that one's ports. Raises UnknownObject, CircularGroup, or
        ServiceMismatch when a constraint has no port left.
        """
        operand = Operand((what,)) if isinstance(what, str) else what
        if any(name.lower() == "any" for name in operand.names):
            return ()
        ports = tuple(port for name in operand.names for port in self._service(name))
        if operand.negated:
            ports = _complement(ports)
        if ip_protocol is not None:
            ports = tuple(port for port in ports if port.protocol == ip_protocol.lower())
        if not ports:
            raise ServiceMismatch("|".join(operand.names))
        return tuple(sorted(set(ports)))

    def port(self, name: str) -> int:
        """The one port of a service. Raises UnknownObject, or WrongKind when it has several."""
        ports = {(port.first, port.last) for port in self.services(name)}
        first, last = next(iter(ports), (0, 65535))
        if len(ports) != 1 or first != last:
            raise WrongKind(name, "is not one port")
        return first

    def _service(self, name: str) -> tuple[PortRange, ...]:
        key = name.lower()
        found = self._ports.get(key)
        if found is None:
            if key in self._open:
                raise CircularGroup(name)
            self._open.append(key)
            try:
                found = self._ports[key] = self._look_up_service(key, name)
            finally:
                self._open.pop()
        return found

    def _look_up_service(self, key: str, name: str) -> tuple[PortRange, ...]:
        objects = self._objects
        if key in objects.services:
            service = objects.services[key]
            return _ports(service.protocol, service.first, service.last)
        if key in objects.service_groups:
            members = [member for member, _ in objects.service_groups[key].members]
        elif key in STOCK_SERVICES:
            return _ports(*STOCK_SERVICES[key])
        elif key in STOCK_SERVICE_GROUPS:
            members = list(STOCK_SERVICE_GROUPS[key])
        else:
            raise UnknownObject(name)
        return tuple(port for member in members for port in self._service(member))

    # IP protocols

    def protocol_number(self, name: str) -> int:
        """The number of an IP protocol, by name or written as a number. Raises UnknownObject."""
        key = name.lower()
        if key in self._objects.protocols:
            return self._objects.protocols[key].number
        if key in PROTOCOL_NUMBERS:
            return PROTOCOL_NUMBERS[key]
        if key.isascii() and key.isdigit() and int(key) <= 255:
            return int(key)
        raise UnknownObject(name)


def _ports(protocol: str, first: int, last: int) -> tuple[PortRange, ...]:
    transports = ("tcp", "udp") if protocol == "any" else (protocol,)
    return tuple(PortRange(cast("Transport", transport), first, last) for transport in transports)


def _complement(ports: Iterable[PortRange]) -> tuple[PortRange, ...]:
    found: list[PortRange] = []
    transports: tuple[Transport, ...] = ("tcp", "udp")
    for transport in transports:
        start = 0
        for port in sorted(port for port in ports if port.protocol == transport):
            if port.first > start:
                found.append(PortRange(transport, start, port.first - 1))
            start = max(start, port.last + 1)
        if start <= 65535:
            found.append(PortRange(transport, start, 65535))
    return tuple(found)
