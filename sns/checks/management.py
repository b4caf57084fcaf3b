"""Who reaches the administration of the firewall, whatever combination of rules and lists lets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sns.addresses import ALL, EMPTY, AddressSet
from sns.errors import ResolutionError
from sns.first_match import FirstMatch, Layer
from sns.model import Configuration, Location
from sns.resolution import PortRange, Resolver

from .result import Check, Level, Result

OPEN = Check(
    "management-open",
    Level.ERROR,
    "Administration that anybody on an unprotected network can reach",
    "The rules, taken together, let more than half of all addresses come to an administration service.",
    ("ANSSI SNS R11", "ANSSI SNS R3", "PCI DSS 1.3.1"),
)
ACL_OPEN = Check(
    "web-acl-open",
    Level.WARNING,
    "A web administration page whose own list admits anybody",
    "Only the filter keeps strangers from the page: one wrong rule opens it.",
    ("ANSSI SNS R11", "ANSSI SNS R12"),
)
SSH_PASSWORD = Check(
    "ssh-password",
    Level.NOTE,
    "SSH that accepts passwords",
    "A password can be guessed and reused; a key cannot.",
    ("ANSSI SNS R4",),
)

ANYBODY = 2**31
"""Addresses from which a service is called open: half of all, which no list of administrators comes near."""


def check(configuration: Configuration, policy: FirstMatch) -> Iterator[Result]:
    """Doubts about who may administer."""
    management = configuration.management
    resolver = Resolver(configuration)
    services: list[tuple[str, str, AddressSet]] = [("firewall_srv", "NSRPC", ALL)]
    if management.ssh_enabled:
        services.append((management.ssh_port, "SSH", ALL))
    if management.web_enabled:
        admitted = EMPTY
        for name, location in management.web_access:
            found = resolver.resolved(name)
            admitted = admitted | found
            if len(found) >= ANYBODY:
                message = f'"{name}" admits {"anybody" if name.lower() == "any" else "half of all addresses or more"}'
                yield Result(ACL_OPEN, location, "[ACL]", message, "list the administrators' addresses")
        services.append((management.web_port, "the administration page", admitted))
    for service, what, admits in services:
        yield from _open(configuration, policy, resolver, service, what, admits)
    if management.ssh_enabled and management.ssh_password:
        message = "SSH accepts passwords"
        yield Result(SSH_PASSWORD, management.ssh_password_location, "Password", message, "set Password=0, use keys")


def _open(
    configuration: Configuration,
    policy: FirstMatch,
    resolver: Resolver,
    service: str,
    what: str,
    admits: AddressSet,
) -> Iterator[Result]:
    outer = [interface.name for interface in configuration.interfaces if interface.enabled and not interface.protected]
    if configuration.ha.enabled and configuration.ha.interface in outer:
        outer.remove(configuration.ha.interface)
    try:
        ports = resolver.services(service, "tcp")
    except ResolutionError:
        return
    for rule, sources in _passing(policy, outer, resolver.own_addresses(), ports):
        if len(sources & admits) >= ANYBODY:
            location = rule.rule.location if rule.rule else Location("Filter/filter", 1)
            message = f"lets anybody on {', '.join(outer)} reach {what} ({service})"
            yield Result(OPEN, location, "rule", message, "name the administrators as its source")


def _passing(
    policy: FirstMatch, arrivals: Iterable[str], own: AddressSet, ports: Iterable[PortRange]
) -> Iterator[tuple[Layer, AddressSet]]:
    """Each layer that lets such packets pass, with their sources."""
    box = policy.space.towards(arrivals, own, ports)
    found: dict[int, tuple[Layer, AddressSet]] = {}
    for part, layer in policy.fates([box] if box else []):
        if layer is not None and layer.action == "pass":
            before = found.get(id(layer), (layer, EMPTY))[1]
            found[id(layer)] = (layer, before | policy.space.sources(part))
    yield from found.values()
