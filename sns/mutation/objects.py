"""Mistakes in the object base: what every rule that names the object then says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from sns.model import Group, NetworkObject, ServiceObject
from sns.mutation.rules import Found
from sns.mutation.tree import Setting, Tree

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_PORTS = re.compile(r"\d+(-\d+)?(?=/)")


def host_off_by_one(tree: Tree) -> Iterator[Found]:
    """A host object's address is the next one."""
    for one in _section(tree, "Host"):
        if address := _ADDRESS.match(one.value):
            other = str(IPv4Address(address[0]) + 1)
            yield f"{one.token} is {other}", one.set(one.value.replace(address[0], other, 1))


def network_halved(tree: Tree) -> Iterator[Found]:
    """A network object's mask is one bit longer: its second half is missing."""
    yield from _networks(tree, lambda one: next(one.subnets()) if one.prefixlen < 32 else None)


def network_doubled(tree: Tree) -> Iterator[Found]:
    """A network object's mask is one bit shorter."""
    yield from _networks(tree, lambda one: one.supernet() if one.prefixlen else None)


def network_next(tree: Tree) -> Iterator[Found]:
    """A network object is the next network of its size."""
    yield from _networks(tree, lambda one: IPv4Network((int(one.broadcast_address) + 1, one.prefixlen)))


def service_off_by_one(tree: Tree) -> Iterator[Found]:
    """A service object's port is the next one."""
    for one in _section(tree, "Service"):
        if ports := _PORTS.match(one.value):
            other = "-".join(str(int(port) + 1) for port in ports[0].split("-"))
            yield f"{one.token} is port {other}", one.set(one.value.replace(ports[0], other, 1))


def member_missing(tree: Tree) -> Iterator[Found]:
    """A group lacks a member."""
    for file in ("objectgroup", "servicegroup", "urlgroup", "cngroup"):
        for one in tree.settings(file):
            yield f"{one.section} lacks {one.token}", one.becomes()


def member_added(tree: Tree) -> Iterator[Found]:
    """A group has a member too many: the next object of its first one's kind."""
    objects = tree.configuration.objects
    kinds: Mapping[str, tuple[Mapping[str, NetworkObject | ServiceObject], Mapping[str, Group]]] = {
        "objectgroup": (objects.networks, objects.groups),
        "servicegroup": (objects.services, objects.service_groups),
    }
    for file, (kind, groups) in kinds.items():
        for group in groups.values():
            members = {name.lower() for name, _ in group.members}
            other = next((one.name for one in kind.values() if one.name.lower() not in members), None)
            if other and group.members:
                last = tree.at(file, group.members[-1][1].line)
                yield f"{group.name} has {other} too", last.becomes(last.text, other)


def internet_inverted(tree: Tree) -> Iterator[Found]:
    """What is the Internet is said the wrong way round."""
    for one in tree.tokens("object", "operator", section="Internet"):
        other = "eq" if one.value.lower() == "ne" else "ne"
        yield f"the Internet is {'inside' if other == 'eq' else 'outside'}", one.set(other)


def _networks(tree: Tree, other: Callable[[IPv4Network], IPv4Network | None]) -> Iterator[Found]:
    for one in _section(tree, "Network"):
        written = one.value.partition(",")[0]
        if wrong := other(IPv4Network(written)):
            yield f"{one.token} is {wrong}", one.set(one.value.replace(written, str(wrong), 1))


def _section(tree: Tree, name: str) -> Iterator[Setting]:
    for one in tree.settings("object"):
        if one.section.lower() == name.lower() and one.value:
            yield one
