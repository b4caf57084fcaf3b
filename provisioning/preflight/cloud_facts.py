"""What preflight wants to know of a cloud: read-only facts, region by region, in the plan's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class CloudUnavailable(Exception):
    """The cloud does not answer, or refuses the credentials; the message says which, in a person's words."""


class CredentialsRefused(CloudUnavailable):
    """The cloud answers, and does not take the credentials."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of server. ``ram`` in MB."""

    vcpus: int
    ram: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the project can use. ``ours`` when it carries the deployment's tag."""

    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A network that the project sees. ``vlan`` is its provider segment, None where the cloud does not tell."""

    name: str
    vlan: int | None
    mtu: int | None
    external: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server of the project."""

    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What a quota leaves; None is no limit. ``ram`` in MB."""

    instances: int | None = None
    vcpus: int | None = None
    ram: int | None = None
    networks: int | None = None
    subnets: int | None = None
    ports: int | None = None


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """One region, as the project sees it."""

    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    images: tuple[Image, ...] = ()
    networks: tuple[NetworkFacts, ...] = ()
    servers: tuple[ServerFacts, ...] = ()
    keys: frozenset[str] = frozenset()
    room: Room = Room()


class CloudFacts(Protocol):
    """A cloud that can be asked. Nothing is ever changed through it."""

    def regions(self) -> frozenset[str]:
        """The names of its regions. Raises CloudUnavailable."""
        ...

    def region(self, name: str) -> RegionFacts:
        """The facts of one region. Raises CloudUnavailable."""
        ...
