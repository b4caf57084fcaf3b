"""What a driver of an appliance does, whichever way it goes: by the management API or by SSH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from provisioning.appliance.tree import Tree


@dataclass(frozen=True, slots=True)
class Access:
    """How an appliance is reached. ``timeout`` is for every word of it, in seconds.

    ``name`` is what its certificate names, usually its serial number; ``authority`` the file of the CA that signed it, of each
    appliance its own (sns.md 4). ``host_key`` is its SSH key as ``known_hosts`` holds it, ``key`` ours; either side may miss
    where only the other way is used. ``unsigned`` accepts backups that no appliance of the vendor signed: simulated ones.
    """

    address: IPv4Address
    name: str
    user: str = "admin"
    password: str = ""
    authority: Path | None = None
    host_key: bytes = b""
    key: bytes = b""
    timeout: float = 30.0
    unsigned: bool = False

    def __repr__(self) -> str:
        return f"Access({self.user}@{self.address}, {self.name})"


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member of a cluster as ``HA INFO`` tells it. One that does not reply has only its serial number and link."""

    serial: str
    replies: bool
    mode: str = ""  # active passive …
    state: str = ""
    quality: int = 0  # percent
    priority: int = 0
    link: str = ""


Row = Mapping[str, str]
"""A line of monitoring: the appliance's own tokens."""


class Driver(Protocol):
    """An open way to an appliance. Every method raises ApplianceError."""

    @property
    def access(self) -> Access:
        """Where it leads."""

    def version(self) -> str:
        """The firmware that runs."""

    def configuration(self) -> AbstractContextManager[Tree]:
        """The configuration that it has, as files, while they are needed."""

    def write(self, wanted: Tree) -> Sequence[str]:
        """Bring it to a configuration; what was done for it. Who may administer comes last."""

    def members(self) -> Sequence[MemberState]:
        """Its cluster; empty for one that stands alone."""

    def synchronise(self) -> None:
        """Have the other member take its configuration over."""

    def security_associations(self) -> Sequence[Row]:
        """The IPsec SAs in place."""

    def vpn_sessions(self) -> Sequence[Row]:
        """The SSL VPN's users."""

    def connections(self) -> Sequence[Row]:
        """The connections that it knows."""

    def counters(self) -> Mapping[str, int]:
        """Packets by rule (``Filter/05:14``) and by what else counts."""

    def close(self) -> None:
        """Leave."""
