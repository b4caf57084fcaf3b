"""All that one ConfigFiles tree says, and what of it nothing is said about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sns.model.filter import ImplicitOptions, NameFilterRule, Policy
from sns.model.findings import Finding, Location
from sns.model.ha import HighAvailability
from sns.model.identity import AccessRights, Directory, Management
from sns.model.network import Interface, Routing
from sns.model.objects import Objects
from sns.model.vpn import SslVpn, Vpn


@dataclass(frozen=True, slots=True)
class SilentSetting:
    """A documented token that the model passes over: it decides nothing that the model speaks of."""

    location: Location
    section: str
    token: str
    value: str


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """A file, or a folder with so many files, of which nothing is said; ``consequence`` is what is not known therefore."""

    name: str
    files: int
    consequence: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that one ConfigFiles tree says. ``label`` names the tree in messages (``sbg7``), may be empty."""

    label: str
    objects: Objects
    interfaces: tuple[Interface, ...]
    routing: Routing
    policies: Mapping[int, Policy]
    active_policy: int
    implicit: ImplicitOptions
    vpn: Vpn
    ssl_vpn: SslVpn
    directory: Directory
    access: AccessRights
    management: Management
    ha: HighAvailability
    url_filters: Mapping[int, tuple[NameFilterRule, ...]] = field(default_factory=dict)
    ssl_filters: Mapping[int, tuple[NameFilterRule, ...]] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()  # lower-cased names that anything refers to, in slots that are not active too
    findings: tuple[Finding, ...] = ()
    read: frozenset[str] = frozenset()  # the files that the model was made of
    silent: tuple[SilentSetting, ...] = ()
    unmodelled: tuple[Unmodelled, ...] = ()

    @property
    def policy(self) -> Policy:
        """The active filter and NAT slot. Raises KeyError when the active slot has no file (also an error finding)."""
        return self.policies[self.active_policy]

    def interface(self, name: str) -> Interface | None:
        """The interface with this user name or section name, without regard to case."""
        wanted = name.lower()
        return next((i for i in self.interfaces if wanted in (i.name.lower(), i.section.lower())), None)

    def where(self, location: Location) -> str:
        """The place as messages print it: ``sbg7/Filter/05:14``."""
        return f"{self.label}/{location}" if self.label else str(location)
