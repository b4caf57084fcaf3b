"""The implicit filter rules (sns.md 2), evaluated before the slot, in the product's order.

Each stands for a token of ``Filter/filter`` and exists only when the service that it opens does. What this model has no
service for has no rule: PPTP server, dial-up, captive portal, DHCP relay, IPv6 (``Rtadv``, ``DHCP6``), and ``Ipfix``,
which only concerns logging.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .addresses import ALL, EMPTY, AddressSet
from .errors import ResolutionError
from .model import Configuration, Location
from .resolution import PortRange, Resolver

FIREWALL = "firewall"
"""The arrival of what the firewall itself sends."""


@dataclass(frozen=True, slots=True)
class ImplicitRule:
    """One implicit rule. ``interfaces`` are the arrival interfaces by user name, None for any; ``()`` ports for any."""

    token: str
    name: str
    action: str  # pass or reset
    interfaces: tuple[str, ...] | None
    sources: AddressSet
    destinations: AddressSet
    ip_protocol: str | None
    ports: tuple[PortRange, ...]
    description: str
    location: Location


def rules(configuration: Configuration, resolver: Resolver | None = None) -> tuple[ImplicitRule, ...]:
    """The implicit rules that hold, in the product's order. A name that does not resolve opens nothing."""
    return tuple(_Rules(configuration, resolver or Resolver(configuration)).all())


class _Rules:
    def __init__(self, configuration: Configuration, resolver: Resolver) -> None:
        self._configuration = configuration
        self._resolver = resolver
        self._own = resolver.own_addresses()
        self._protected = tuple(i.name for i in configuration.interfaces if i.enabled and i.protected)
        self._ethernet = tuple(i.name for i in configuration.interfaces if i.enabled)

    def all(self) -> Iterator[ImplicitRule]:
        options = self._configuration.implicit
        if options.firewall_default:
            yield self._rule("FwDefault", "firewall", "what the firewall itself sends", (FIREWALL,), destinations=ALL)
        if not options.implicit:
            return
        for token, source in (
            ("HA", self._ha),
            ("Vpn", self._vpn),
            ("Dns", self._dns),
            ("Ident", self._ident),
            ("Serverd", self._serverd),
            ("Sshd", self._sshd),
            ("WebAdmin", self._web),
            ("SslVPN", self._ssl_vpn),
        ):
            if options.services.get(token.lower(), False):
                yield from source()

    def _rule(
        self,
        token: str,
        name: str,
        description: str,
        interfaces: tuple[str, ...] | None,
        *,
        action: str = "pass",
        sources: AddressSet = ALL,
        destinations: AddressSet | None = None,
        ip_protocol: str | None = None,
        ports: tuple[PortRange, ...] = (),
    ) -> ImplicitRule:
        return ImplicitRule(
            token,
            name,
            action,
            interfaces,
            sources,
            self._own if destinations is None else destinations,
            ip_protocol,
            ports,
            description,
            self._configuration.implicit.where(token),
        )

    def _port(self, service: str, protocol: str) -> tuple[PortRange, ...]:
        try:
            return self._resolver.services(service, protocol)
        except ResolutionError:
            return ()

    def _ha(self) -> Iterator[ImplicitRule]:
        """Between the members; while there is only one, between all addresses of the link, or none could join."""
        ha = self._configuration.ha
        interface = self._configuration.interface(ha.interface or "")
        if not ha.enabled or interface is None:
            return
        members = AddressSet.of(*(member.address for member in ha.members))
        if len(ha.members) < 2:
            members = AddressSet.of(interface.address.network) if interface.address else EMPTY
        description = "mutual access of the members of the cluster"
        yield self._rule("HA", "ha", description, (interface.name,), sources=members, destinations=members)

    def _vpn(self) -> Iterator[ImplicitRule]:
        """ISAKMP, its NAT traversal, and ESP, from the peers of the active tunnels."""
        vpn = self._configuration.vpn
        peers = EMPTY
        for tunnel in vpn.tunnels:
            peer = vpn.peers.get(tunnel.peer.lower())
            if peer is not None and self._resolver.knows(peer.remote):
                peers = peers | self._resolver.addresses(peer.remote)
        if not peers:
            return
        ports = (PortRange("udp", 500, 500), PortRange("udp", 4500, 4500))
        yield self._rule("Vpn", "isakmp", "IKE from IPsec peers", None, sources=peers, ip_protocol="udp", ports=ports)
        yield self._rule("Vpn", "esp", "ESP from IPsec peers", None, sources=peers, ip_protocol="vpn-esp")

    def _dns(self) -> Iterator[ImplicitRule]:
        ports = (PortRange("tcp", 53, 53), PortRange("udp", 53, 53))
        yield self._rule("Dns", "dns", "DNS service for protected interfaces", self._protected, ports=ports)

    def _ident(self) -> Iterator[ImplicitRule]:
        ports = (PortRange("tcp", 113, 113),)
        description = "ident is refused at once"
        yield self._rule("Ident", "ident", description, self._ethernet, action="reset", ip_protocol="tcp", ports=ports)

    def _serverd(self) -> Iterator[ImplicitRule]:
        yield self._service("Serverd", "serverd", "administration server for protected interfaces", "firewall_srv")

    def _sshd(self) -> Iterator[ImplicitRule]:
        if self._configuration.management.ssh_enabled:
            service = self._configuration.management.ssh_port
            yield self._service("Sshd", "sshd", "SSH for protected interfaces", service)

    def _web(self) -> Iterator[ImplicitRule]:
        if self._configuration.management.web_enabled:
            service = self._configuration.management.web_port
            yield self._service("WebAdmin", "webadmin", "web administration for protected interfaces", service)

    def _service(self, token: str, name: str, description: str, service: str) -> ImplicitRule:
        ports = self._port(service, "tcp")
        interfaces = self._protected if ports else ()
        return self._rule(token, name, description, interfaces, ip_protocol="tcp", ports=ports)

    def _ssl_vpn(self) -> Iterator[ImplicitRule]:
        """Clients reach the SSL VPN server on its TCP and UDP ports, from anywhere."""
        vpn = self._configuration.ssl_vpn
        if not vpn.enabled:
            return
        for protocol, pool, service in (("tcp", vpn.pool, vpn.port), ("udp", vpn.udp_pool, vpn.udp_port)):
            ports = self._port(service, protocol)
            if pool and ports:
                description = f"SSL VPN clients over {protocol.upper()}"
                yield self._rule("SslVPN", f"sslvpn-{protocol}", description, None, ip_protocol=protocol, ports=ports)
