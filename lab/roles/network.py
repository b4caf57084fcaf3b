"""Where a host stands: its name, its routes, its resolver, the authorities it trusts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.roles.boot import Service, command, ip_batch, word

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""The bundle that curl reads. It holds the lab's authorities alone: nothing else has a name in a lab."""

RESOLVER_OPTIONS = "options timeout:1 attempts:2"
"""Of ``resolv.conf``. With the 5 s of the C library a single lost packet would outlast what a scenario waits for."""


@dataclass(frozen=True, slots=True)
class Route:
    """A static route; the whole Internet is ``0.0.0.0/0``."""

    destination: IPv4Network
    via: IPv4Address


def routes(wanted: Iterable[Route]) -> Service:
    """These routes, from the boot on."""
    return Service(start=ip_batch(f"route replace {route.destination} via {route.via}" for route in wanted))


def hostname(name: str) -> Service:
    """The host knows its own name without asking anyone; ``sudo`` would wait for a resolver otherwise."""
    lines = ("127.0.0.1 localhost", f"127.0.1.1 {word(name, 'host name')}")
    return Service(start=(command("printf", r"%s\n", *lines) + " >/etc/hosts",))


def resolver(nameservers: Iterable[IPv4Address]) -> Service:
    """The host asks these name servers; with none of them, nobody."""
    lines = [*(f"nameserver {server}" for server in nameservers), RESOLVER_OPTIONS]
    text = command("printf", r"%s\n", *lines)
    return Service(start=(f"{text} >/etc/resolv.conf",))


def trust(authorities: bytes) -> Service:
    """The host trusts these certificate authorities (PEM), and no other."""
    return Service(files={AUTHORITIES: (authorities, 0o644)})
