"""IPsec and SSL VPN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sns.model.findings import Location


@dataclass(frozen=True, slots=True)
class Proposal:
    """One algorithm set, in the product's words: ``aes/256``, ``sha2_256``; ``dh`` is a group number or None."""

    encryption: str
    authentication: str | None
    dh: int | None


@dataclass(frozen=True, slots=True)
class CryptoProfile:
    """A section of ``VPN/ph1profile`` or ``VPN/ph2profile``. ``lifetime`` is in seconds; ``pfs`` a DH group or None."""

    name: str
    location: Location
    lifetime: int
    proposals: tuple[Proposal, ...]
    pfs: int | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A section of ``VPN/peer``."""

    name: str
    location: Location
    remote: str  # host object
    local: str  # host object or "any"
    ike_version: int
    method: str  # psk
    profile: str
    dpd_mode: str = "passive"  # passive low high
    responder_only: bool = False


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A ``[Policy]`` line of a ``VPN/NN`` slot. ``number`` counts lines from 1."""

    location: Location
    number: int
    enabled: bool
    local: str  # network object
    remote: str  # network object
    peer: str
    profile: str
    keepalive: int = 0  # seconds, 0 is off
    name: str | None = None


@dataclass(frozen=True, slots=True)
class VpnSlot:
    """A ``VPN/NN`` slot: global IKE tokens (lower-cased, as written) and tunnels."""

    slot: int
    name: str
    options: Mapping[str, str]
    tunnels: tuple[Tunnel, ...]


@dataclass(frozen=True, slots=True)
class Vpn:
    """All of ``VPN/``. ``preshared_keys`` maps the peer's lower-cased host object to its key."""

    active: int = 0
    slots: Mapping[int, VpnSlot] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    phase1: Mapping[str, CryptoProfile] = field(default_factory=dict)
    phase2: Mapping[str, CryptoProfile] = field(default_factory=dict)
    preshared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def tunnels(self) -> tuple[Tunnel, ...]:
        """The enabled tunnels of the active slot; none when slot 00 is active."""
        slot = self.slots.get(self.active)
        return tuple(tunnel for tunnel in slot.tunnels if tunnel.enabled) if slot else ()


@dataclass(frozen=True, slots=True)
class SslVpn:
    """``Openvpn/openvpn``: pools and route are object names, ports are service objects, times are seconds."""

    location: Location
    enabled: bool = False
    route: str = "Network_internals"
    pool: str | None = None  # TCP clients
    udp_pool: str | None = None
    port: str = "sslvpn"
    udp_port: str = "udpvpn"
    public_address: str | None = None
    renegotiation: int = 14400
    cipher: str = ""
    authentication: str = ""
    ping: int = 1
    ping_restart: int = 10
