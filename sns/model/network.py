"""Interfaces and routes."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface

from sns.model.findings import Location


@dataclass(frozen=True, slots=True)
class Interface:
    """A section of ``network``. ``section`` is the file's name (``ethernet0``), ``name`` the user's (``out``).

    ``address`` is None for a disabled interface, and for a DHCP one whose lease is not known to the reader.
    """

    section: str
    name: str
    location: Location
    enabled: bool
    protected: bool
    address: IPv4Interface | None
    dhcp: bool = False
    mac: str | None = None
    mtu: int | None = None
    physical: str | None = None  # VLAN interfaces only
    tag: int | None = None  # VLAN interfaces only


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A ``[StaticRoutes]`` line: ``destination,interface[->gateway]``. Interface ``loopback`` is a black hole."""

    location: Location
    destination: str
    interface: str
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Routing:
    """The ``route`` file."""

    default: str | None = None
    default_location: Location | None = None
    static: tuple[StaticRoute, ...] = ()
