"""The object base: hosts, networks, services, groups and routers that everything else names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from sns.model.findings import Location


@dataclass(frozen=True, slots=True)
class HostObject:
    """``[Host]``: one address, or a range (``first`` to ``last``, both included); no address when resolved later."""

    name: str
    location: Location
    first: IPv4Address | None
    last: IPv4Address | None
    resolve: str = "static"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NetworkObject:
    """``[Network]``: an address and its mask."""

    name: str
    location: Location
    network: IPv4Network
    comment: str = ""


@dataclass(frozen=True, slots=True)
class InternetObject:
    """``[Internet]``: everything that is not (``ne``) or is (``eq``) the named object."""

    location: Location
    operator: str
    object: str


@dataclass(frozen=True, slots=True)
class ServiceObject:
    """``[Service]``: a port range (inclusive) of ``tcp``, ``udp`` or ``any`` (both)."""

    name: str
    location: Location
    protocol: str
    first: int
    last: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ProtocolObject:
    """``[Protocol]``: an IP protocol number."""

    name: str
    location: Location
    number: int


@dataclass(frozen=True, slots=True)
class Group:
    """A section of ``objectgroup``, ``servicegroup``, ``urlgroup`` or ``cngroup``: member lines with their places."""

    name: str
    location: Location
    members: tuple[tuple[str, Location], ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Router:
    """A section of ``router``: gateways in order of preference (principals, then backups), by object name."""

    name: str
    location: Location
    principals: tuple[str, ...]
    backups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objects:
    """The object base. Keys are lower-cased names: rules match names without regard to case (sns.md 2)."""

    hosts: Mapping[str, HostObject] = field(default_factory=dict)
    networks: Mapping[str, NetworkObject] = field(default_factory=dict)
    services: Mapping[str, ServiceObject] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolObject] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    service_groups: Mapping[str, Group] = field(default_factory=dict)
    routers: Mapping[str, Router] = field(default_factory=dict)
    url_groups: Mapping[str, Group] = field(default_factory=dict)
    cn_groups: Mapping[str, Group] = field(default_factory=dict)
    internet: InternetObject | None = None
