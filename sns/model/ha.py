"""High availability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from sns.model.findings import Location


@dataclass(frozen=True, slots=True)
class HaMember:
    """A section of ``HA/hacluster``, named by the member's serial number."""

    serial: str
    location: Location
    address: IPv4Address
    priority: int
    node_id: int


@dataclass(frozen=True, slots=True)
class HighAvailability:
    """``HA/highavailability`` and ``HA/hacluster``. Times are milliseconds unless said otherwise (sns.md 1.9)."""

    enabled: bool = False
    interface: str | None = None  # user name of the HA interface
    members: tuple[HaMember, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)  # interface section -> weight
    token_timeout: int = 4000
    ping_interval: int = 100
    ping_count: int = 5
    send_arp: bool = False
    send_arp_period: int = 30  # seconds
    purge_arp: bool = False
    interfaces_flip_flop: int = 1000
    password: str = field(default="", repr=False)
    forward: str = "All"

    @property
    def paired(self) -> bool:
        """Whether there are two members. A cluster that waits for its second one works as a firewall that stands alone."""
        return self.enabled and len(self.members) > 1
