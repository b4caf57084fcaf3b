"""Counts what each route of the ``route`` file carries: the first packet of a connection, by the longest that fits."""

from __future__ import annotations

from collections.abc import Iterator

from lab.appliance import counters, devices, matches
from sns.addresses import AddressSet
from sns.model import Configuration, StaticRoute
from sns.network import BLACK_HOLE
from sns.resolution import Resolver

_NO_HOSTS = "ip daddr 224.0.0.0/3 accept"  # groups and everybody need no route
_TUNNELS = devices.quoted((devices.IPSEC, devices.SSL_VPN_UDP, devices.SSL_VPN_TCP, "lo"))


def names(configuration: Configuration) -> Iterator[str]:
    """The counters."""
    routing = configuration.routing
    places = [route.location for route in routing.static]
    yield from map(counters.of_route, [*places, *([routing.default_location] if routing.default_location else [])])


def departing(configuration: Configuration, resolver: Resolver) -> Iterator[str]:
    """What leaves for a network of the firewall's own, or through a tunnel, takes none of these routes."""
    yield "ct state established,related accept"
    yield _NO_HOSTS
    yield f"oifname {_TUNNELS} accept"
    if own := [one.address.network for one in configuration.interfaces if one.address]:
        yield f"ip daddr {matches.address_text(AddressSet.of(*own))} accept"
    for network, route in _longest_first(configuration, resolver):
        if route.interface.lower() != BLACK_HOLE:
            yield f'ip daddr {matches.address_text(network)} counter name "{counters.of_route(route.location)}" accept'
    if default := configuration.routing.default_location:
        yield f'counter name "{counters.of_route(default)}"'


def discarded(configuration: Configuration, resolver: Resolver) -> Iterator[str]:
    """What has passed the policy and ends in a black hole never departs: it is counted before the kernel looks for its way."""
    for network, route in _longest_first(configuration, resolver):
        if route.interface.lower() == BLACK_HOLE:
            found = f"ip daddr {matches.address_text(network)} fib daddr type blackhole"
            yield f'{found} counter name "{counters.of_route(route.location)}" accept'


def _longest_first(configuration: Configuration, resolver: Resolver) -> list[tuple[AddressSet, StaticRoute]]:
    found = [
        (network, route)
        for route in configuration.routing.static
        if resolver.knows(route.destination)
        for network in resolver.addresses(route.destination).networks()
    ]
    return [(AddressSet.of(network), route) for network, route in sorted(found, key=lambda one: -one[0].prefixlen)]
