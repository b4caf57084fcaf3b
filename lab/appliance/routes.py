"""The routing table as ``route`` says: the default route, static routes, black holes. Ours carry a protocol number."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from lab.appliance import devices, leases, programs
from sns.errors import ResolutionError
from sns.model import Configuration, Interface, Location
from sns.network import BLACK_HOLE
from sns.resolution import Resolver

_OURS = "79"  # the routes' protocol: nobody else's, so that ours can be told and taken away


class Route(NamedTuple):
    """A route as ``ip`` writes it; without ``device`` it discards."""

    destination: str
    gateway: str | None
    device: str | None

    def __str__(self) -> str:
        if self.device is None:
            return f"blackhole {self.destination}"
        via = f" via {self.gateway}" if self.gateway else ""
        return f"{self.destination}{via} dev {self.device}"


def apply(configuration: Configuration) -> None:
    """Make the kernel's routes the wanted ones; only what differs is changed.

    To be called again after an interface was down, which takes its routes away. A route whose gateway is on no network
    of the firewall is left out, and told on standard error. Raises ProgramFailed.
    """
    target = list(wanted(configuration))
    present = _present()
    lines = [f"route delete {route} proto {_OURS}" for route in present if route not in target]
    lines += [f"route replace {route} proto {_OURS}" for route in target if route not in present]
    if lines:
        programs.run(("ip", "-batch", "-"), given="\n".join(lines) + "\n")


def wanted(configuration: Configuration) -> Iterator[Route]:
    """The routes that the configuration describes."""
    resolver = Resolver(configuration)
    for static in configuration.routing.static:
        for network in resolver.addresses(static.destination).networks():
            destination = str(network.network_address) if network.prefixlen == 32 else str(network)
            interface = configuration.interface(static.interface)
            if static.interface.lower() == BLACK_HOLE:
                yield Route(destination, None, None)
            elif static.gateway:
                yield from _by(configuration, resolver, static.gateway, destination, static.location)
            elif interface is not None and interface.enabled:
                yield Route(destination, None, devices.device(interface.section))
    default = configuration.routing.default
    if default:
        location = configuration.routing.default_location or Location("route", 1)
        yield from _by(configuration, resolver, default, "default", location)


def _by(configuration: Configuration, resolver: Resolver, name: str, destination: str, location: Location) -> Iterator[Route]:
    try:
        gateways = resolver.gateways(name)
    except ResolutionError:
        gateways = ()  # a finding of the reader
    for gateway in gateways:
        interface = _on_network(configuration, gateway)
        if interface is not None:
            yield Route(destination, str(gateway), devices.device(interface.section))
            return
    for interface in configuration.interfaces:
        router = leases.router(devices.device(interface.section)) if interface.dhcp else None
        if router and not gateways and name.lower() == f"firewall_{interface.name.lower()}_router":
            yield Route(destination, str(router), devices.device(interface.section))
            return
    print(f"{location}: gateway: {name} is on no network of the firewall: route left out", file=sys.stderr)


def _on_network(configuration: Configuration, gateway: IPv4Address) -> Interface | None:
    return next((i for i in configuration.interfaces if i.address and gateway in i.address.network), None)


def _present() -> list[Route]:
    listing = programs.run(("ip", "-j", "-4", "route", "show", "proto", _OURS)) or "[]"
    entries: list[dict[str, Any]] = json.loads(listing)
    return [
        Route(entry["dst"], None, None)
        if entry.get("type") == "blackhole"
        else Route(entry["dst"], entry.get("gateway"), entry["dev"])
        for entry in entries
    ]
