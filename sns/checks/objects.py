"""The object base: what nothing uses, and addresses that have two names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from sns.model import Configuration, Group, HostObject, NetworkObject, Router, ServiceObject

from .result import Check, Level, Result

UNUSED = Check(
    "unused-object",
    Level.NOTE,
    "An object that nothing refers to",
    "Nobody can tell whether it is still true; one day a rule will use it.",
    ("ANSSI SNS R33",),
)
DUPLICATE = Check(
    "duplicate-address",
    Level.NOTE,
    "Two objects with the same addresses",
    "One will be changed when the address moves, and the other forgotten.",
    ("ANSSI SNS R33",),
)

_NAMED = 8
"""Services told by name in one line: a stock object base has hundreds that nothing uses."""

_Addressed = TypeVar("_Addressed", HostObject, NetworkObject)


def check(configuration: Configuration) -> Iterator[Result]:
    """Doubts about the object base."""
    objects, uses = configuration.objects, configuration.uses
    named: list[HostObject | NetworkObject | Group | Router] = [
        *objects.hosts.values(), *objects.networks.values(), *objects.groups.values(), *objects.routers.values(),
    ]  # fmt: skip
    for item in named:
        if item.name.lower() not in uses:
            yield Result(UNUSED, item.location, item.name, "is used nowhere", "remove it, or use it")
    yield from _unused_services(configuration)
    yield from _duplicates(objects.hosts, lambda host: (host.first, host.last) if host.first else None)
    yield from _duplicates(objects.networks, lambda network: network.network)


def _unused_services(configuration: Configuration) -> Iterator[Result]:
    """One result for all: the product ships a long list of services, of which a policy uses few."""
    objects = configuration.objects
    services: list[ServiceObject | Group] = [*objects.services.values(), *objects.service_groups.values()]
    unused = [service for service in services if service.name.lower() not in configuration.uses]
    if unused:
        names = ", ".join(service.name for service in unused[:_NAMED])
        more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
        message = f"{len(unused)} of {len(services)} services are used nowhere: {names}{more}"
        yield Result(UNUSED, unused[0].location, "services", message, "keep those of the product, remove yours")


def _duplicates(objects: Mapping[str, _Addressed], addresses: Callable[[_Addressed], object]) -> Iterator[Result]:
    first: dict[object, _Addressed] = {}
    for item in objects.values():
        value = addresses(item)
        if value is None:
            continue
        other = first.setdefault(value, item)
        if other is not item:
            message = f"has the same addresses as {other.name} at {other.location}"
            yield Result(DUPLICATE, item.location, item.name, message, "keep one, or group them")
