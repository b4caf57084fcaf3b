"""Where a packet may come from and where it goes: anti-spoofing, tunnels, pools and routes of one configuration."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from .addresses import EMPTY, AddressSet
from .errors import ResolutionError, UnknownInterface
from .implicit import FIREWALL
from .model import Configuration, Interface, StaticRoute, Tunnel
from .network import BLACK_HOLE
from .resolution import Resolver

IPSEC = "ipsec"
SSL_VPN = "sslvpn"

_NOBODY = IPv4Address(0)  # the source of a host that asks for its first address
_EVERYBODY = IPv4Address(2**32 - 1)
_UNROUTED = AddressSet.of(IPv4Network("127.0.0.0/8"), IPv4Network("224.0.0.0/4"))


class Way(NamedTuple):
    """Where a packet leaves: an interface's user name, ``ipsec``, ``sslvpn``, ``firewall``, or None with the reason."""

    departure: str | None
    reason: str


class _Selector(NamedTuple):
    tunnel: Tunnel
    local: AddressSet
    remote: AddressSet


class Paths:
    """Answers for one configuration; names that do not resolve have no part in it (the reader has said so)."""

    def __init__(self, configuration: Configuration, resolver: Resolver) -> None:
        self._configuration = configuration
        self._resolver = resolver
        self._own = resolver.own_addresses()
        networks = [one.address.network for one in configuration.interfaces if one.address]
        self._broadcast = AddressSet.of(_EVERYBODY, *(one.broadcast_address for one in networks if one.prefixlen < 31))
        self._pools = AddressSet.of(*resolver.pools())
        self._selectors = [
            _Selector(tunnel, resolver.addresses(tunnel.local), resolver.addresses(tunnel.remote))
            for tunnel in configuration.vpn.tunnels
            if resolver.knows(tunnel.local) and resolver.knows(tunnel.remote)
        ]
        self._routes = sorted(
            (
                (network, route)
                for route in configuration.routing.static
                if resolver.knows(route.destination)
                for network in resolver.addresses(route.destination).networks()
            ),
            key=lambda entry: entry[0].prefixlen,
            reverse=True,
        )

    # what the answers depend on

    def selectors(self) -> list[tuple[AddressSet, AddressSet]]:
        """The local and remote addresses of each tunnel."""
        return [(selector.local, selector.remote) for selector in self._selectors]

    def no_host(self) -> AddressSet:
        """Sources that no packet may have, wherever it arrives: no host's, and the firewall's own."""
        return _UNROUTED | self._broadcast | self._own

    def everybodys(self) -> AddressSet:
        """Destinations that are no host's: everybody's on a wire, a group's, or of no wire at all."""
        return AddressSet.of(_UNROUTED, self._broadcast, _NOBODY)

    def nobodys(self) -> tuple[AddressSet, AddressSet]:
        """The source of a host that has no address yet, and the destinations that are refused to it."""
        return AddressSet.of(_NOBODY), ~AddressSet.of(_EVERYBODY)

    def foreign(self, arrival: str) -> AddressSet:
        """Further sources that are refused on an arrival whatever the destination; tunnels are :meth:`selectors`."""
        if arrival.lower() == SSL_VPN:
            return ~self._pools
        interface = self._configuration.interface(arrival)
        if interface is None:
            return EMPTY
        if not interface.protected:
            return self._resolver.internals()
        if interface.address is None:
            return EMPTY
        behind = self._resolver.routed_behind(interface.name, interface.section)
        return ~(AddressSet.of(interface.address.network, _NOBODY) | behind)

    def borders(self) -> list[AddressSet]:
        """Address sets at whose borders an answer of this class may change."""
        interfaces = self._configuration.interfaces
        return [
            self.no_host(),
            self._broadcast,
            AddressSet.of(_UNROUTED, _NOBODY),
            AddressSet.of(_EVERYBODY),
            self._pools,
            *(side for selector in self._selectors for side in (selector.local, selector.remote)),
            *(AddressSet.of(network) for network, _ in self._routes),
            *(AddressSet.of(interface.address.network) for interface in interfaces if interface.address),
            *(self.foreign(arrival) for arrival in (SSL_VPN, *(interface.name for interface in interfaces))),
        ]

    # arrival

    def refusal(self, arrival: str, source: IPv4Address, destination: IPv4Address) -> str | None:
        """Why a packet with these addresses cannot come in here (anti-spoofing), or None when it can.

        Raises UnknownInterface when ``arrival`` is no interface of this firewall.
        """
        where = arrival.lower()
        if where == FIREWALL:
            return None
        if source in _UNROUTED or source in self._broadcast:
            return f"spoofed: {source} is not the address of a host"
        if source in self._own:
            return f"spoofed: {source} is the firewall's own address"
        if source == _NOBODY and destination != _EVERYBODY:
            return f"spoofed: {source} is the address of a host that asks everybody for one, and nobody else"
        if where == IPSEC:
            return self._refusal_from_tunnel(source, destination)
        if where == SSL_VPN:
            inside = source in self._pools
            return None if inside else f"spoofed: {source} is in no pool of the SSL VPN"
        interface = self._configuration.interface(arrival)
        if interface is None:
            raise UnknownInterface(arrival)
        if not interface.enabled:
            return f"interface {interface.name} is off"
        return self._refusal_from_wire(interface, source, destination)

    def _refusal_from_tunnel(self, source: IPv4Address, destination: IPv4Address) -> str | None:
        for selector in self._selectors:
            if source in selector.remote and destination in selector.local:
                return None
        return f"outside the tunnels: none carries {source} to {destination}"

    def _refusal_from_wire(self, interface: Interface, source: IPv4Address, destination: IPv4Address) -> str | None:
        for selector in self._selectors:
            if source in selector.remote and destination in selector.local:
                where = self._configuration.where(selector.tunnel.location)
                return f"in clear: {source} to {destination} must come through the tunnel at {where}"
        if interface.protected:
            behind = self._resolver.routed_behind(interface.name, interface.section)
            asking = source == _NOBODY
            inside = interface.address is None or source in interface.address.network or source in behind
            if not asking and not inside:
                return f"spoofed: {source} is not behind protected interface {interface.name}"
        elif source in self._resolver.internals():
            return f"spoofed: {source} is internal, and {interface.name} is not a protected interface"
        return None

    # departure

    def way(self, source: IPv4Address, destination: IPv4Address, gateway: str | None = None) -> Way:
        """Where a packet with these addresses leaves. ``gateway`` is a rule's own ``route``."""
        if destination in self._own:
            return Way(FIREWALL, f"{destination} is the firewall itself")
        if destination in self._broadcast:
            return Way(FIREWALL, f"{destination} is everybody's on a wire: the firewall may listen, and passes nothing on")
        if destination in _UNROUTED or destination == _NOBODY:
            return Way(None, f"{destination} is not the address of a host")
        for selector in self._selectors:
            if source in selector.local and destination in selector.remote:
                return Way(IPSEC, f"tunnel at {self._configuration.where(selector.tunnel.location)}")
        if destination in self._pools:
            return Way(SSL_VPN, f"{destination} is a client of the SSL VPN")
        if gateway is not None:
            return self._by_gateway(gateway, "the rule's route")
        connected = self._connected(destination)
        static = self._static(destination)
        if static is not None and (connected is None or static[0].prefixlen > connected[0].prefixlen):
            return self._by_static(static[1])
        if connected is not None:
            return Way(connected[1].name, f"{destination} is on interface {connected[1].name}")
        if self._configuration.routing.default:
            return self._by_gateway(self._configuration.routing.default, "the default route")
        return Way(None, f"no route to {destination}")

    def _connected(self, destination: IPv4Address) -> tuple[IPv4Network, Interface] | None:
        found = [
            (interface.address.network, interface)
            for interface in self._configuration.interfaces
            if interface.address is not None and destination in interface.address.network
        ]
        return max(found, key=lambda entry: entry[0].prefixlen, default=None)

    def _static(self, destination: IPv4Address) -> tuple[IPv4Network, StaticRoute] | None:
        return next((entry for entry in self._routes if destination in entry[0]), None)

    def _by_static(self, route: StaticRoute) -> Way:
        where = self._configuration.where(route.location)
        if route.interface.lower() == BLACK_HOLE:
            return Way(None, f"the route at {where} discards it")
        interface = self._configuration.interface(route.interface)
        if interface is None or not interface.enabled:
            return Way(None, f"the route at {where} leaves by {route.interface}, which is off")
        return Way(interface.name, f"the route at {where}")

    def _by_gateway(self, name: str, what: str) -> Way:
        try:
            gateways = self._resolver.gateways(name)
        except ResolutionError:
            gateways = ()
        for gateway in gateways:
            connected = self._connected(gateway)
            if connected is not None:
                return Way(connected[1].name, f"{what} by {gateway}")
        for interface in self._configuration.interfaces:
            if interface.dhcp and interface.enabled and name.lower() == f"firewall_{interface.name.lower()}_router":
                return Way(interface.name, f"{what} by the gateway that DHCP gives on {interface.name}")
        return Way(None, f"{what} names {name}, which is on no network of the firewall")
