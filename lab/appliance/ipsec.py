"""``VPN/`` of a configuration, as strongSwan's charon (the product's own IKE daemon) understands it.

ESP is done in user space by charon's kernel-libipsec, so everything decrypted comes from, and everything to encrypt
goes to, one interface ``ipsec0``. Nothing here touches the system; see :mod:`lab.appliance.charon` for that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TypeAlias

from lab.appliance import paths
from lab.appliance.errors import Refused
from sns.errors import ResolutionError
from sns.model import Configuration, CryptoProfile, Finding, Location, Peer, Proposal, Severity, Tunnel
from sns.resolution import Resolver

LOG = paths.LOG / "l_vpn"
SOCKET = paths.RUN / "charon.vici"

Settings: TypeAlias = Mapping[str, "str | Settings"]
"""A section of a strongSwan file: settings and sections by name."""

FIREWALL_MARK = "0x42"
"""Mark of charon's own packets: the routing rule that leads traffic into ``ipsec0`` leaves them alone."""

DPD_DELAYS: Mapping[str, int] = {"passive": 0, "low": 30, "high": 1}
"""Seconds of silence before the peer is asked whether it lives; ``passive`` only answers.

The product's own are of the order of 600 s (low) and 30 s (high), for which no scenario can wait. How long an
unanswered question is repeated is the slot's own ``RetransmitTries/Timeout/Base``.
"""

_ENCRYPTION = {
    "aes/128": "aes128", "aes/192": "aes192", "aes/256": "aes256",
    "aes_gcm_16/128": "aes128gcm16", "aes_gcm_16/192": "aes192gcm16", "aes_gcm_16/256": "aes256gcm16",
    "3des": "3des", "3des/192": "3des",
}  # fmt: skip
_AUTHENTICATION = {
    "md5": "md5", "sha1": "sha1", "sha2_256": "sha256", "sha2_384": "sha384", "sha2_512": "sha512",
    "hmac_md5": "md5", "hmac_sha1": "sha1", "hmac_sha256": "sha256", "hmac_sha384": "sha384", "hmac_sha512": "sha512",
}  # fmt: skip
_GROUPS = {
    1: "modp768", 2: "modp1024", 5: "modp1536", 14: "modp2048", 15: "modp3072", 16: "modp4096", 17: "modp6144",
    18: "modp8192", 19: "ecp256", 20: "ecp384", 21: "ecp521", 28: "ecp256bp", 29: "ecp384bp", 30: "ecp512bp",
    31: "curve25519",
}  # fmt: skip

_PLUGINS = (
    "random nonce openssl pem pkcs1 pkcs8 x509 pubkey revocation constraints kdf hmac gcm aes sha2 sha1 curve25519 "
    "kernel-libipsec kernel-netlink socket-default vici updown"
)  # kernel-libipsec stands before kernel-netlink, which would otherwise try the kernel's ESP

_SLOT_OPTIONS = {
    "retransmittries": "retransmit_tries",
    "retransmittimeout": "retransmit_timeout",
    "retransmitbase": "retransmit_base",
    "natkeepalive": "keep_alive",
    "fragmentsize": "fragment_size",
    "cookiethreshold": "cookie_threshold",
    "blockthreshold": "block_threshold",
}
_SLOT_SWITCHES = {"dosprotection": "dos_protection", "makebeforebreak": "make_before_break"}
_SLOT_DEFAULTS = {"retransmittries": "3", "retransmittimeout": "4", "retransmitbase": "1.8", "natkeepalive": "20"}


@dataclass(frozen=True, slots=True)
class Child:
    """One tunnel of the policy: a pair of traffic selectors under a peer. charon calls it ``key`` (``01-1``)."""

    key: str
    tunnel: Tunnel
    settings: Settings


@dataclass(frozen=True, slots=True)
class Connection:
    """One peer with its tunnels. ``key`` is what charon calls it."""

    key: str
    peer: Peer
    children: tuple[Child, ...]
    settings: Settings
    secret: Settings = field(repr=False)

    @property
    def identity(self) -> str:
        """Changes with whatever makes an established SA untrue: everything but the times of its renewal."""
        return render({"connection": _untimed(self.settings), "secret": self.secret})


def strongswan_conf(configuration: Configuration) -> str:
    """``strongswan.conf``: the daemon's own settings, the IKE tokens of the active slot among them."""
    slot = configuration.vpn.slots.get(configuration.vpn.active)
    options = {**_SLOT_DEFAULTS, **(slot.options if slot else {})}
    charon: dict[str, str | Settings] = {
        "load_modular": "no",
        "load": _PLUGINS,
        "threads": "16",  # with 8 the user-space IPsec takes them all and vici never answers
        "install_virtual_ip": "no",
        **{name: options[token] for token, name in _SLOT_OPTIONS.items() if token in options},
        **{name: _yes(options.get(token, "1")) for token, name in _SLOT_SWITCHES.items()},
        "filelog": {
            "log": {
                "path": str(LOG),
                "time_format": "%Y-%m-%d %H:%M:%S",
                "time_add_ms": "yes",
                "append": "yes",
                "net": "0",  # every packet
                "enc": "0",  # and its payloads: a line each, twice a second with dead peer detection
                "default": "1",
                "ike_name": "yes",
                "flush_line": "yes",
            }
        },
        "plugins": {
            "vici": {"socket": f"unix://{SOCKET}"},
            "kernel-netlink": {"fwmark": f"!{FIREWALL_MARK}"},
            "socket-default": {"fwmark": FIREWALL_MARK},
            "kernel-libipsec": {"allow_peer_ts": "yes"},
        },
    }
    return render({"charon": charon, "swanctl": {"socket": f"unix://{SOCKET}"}})


def swanctl_conf(connections: tuple[Connection, ...]) -> str:
    """``swanctl.conf``: one connection per peer, one child per tunnel, and the pre-shared keys."""
    return render({
        "connections": {connection.key: connection.settings for connection in connections},
        "secrets": {f"ike-{connection.key}": connection.secret for connection in connections},
    })  # fmt: skip


def translate(configuration: Configuration) -> tuple[Connection, ...]:
    """The connections of the active slot, in the order of its lines; none when slot 00 is active.

    Raises Refused with every finding at once: an unknown peer, profile, object or algorithm, a missing key.
    """
    problems: list[Finding] = []
    translator = _Translator(configuration, Resolver(configuration), problems)
    by_peer: dict[str, list[Tunnel]] = {}
    for tunnel in configuration.vpn.tunnels:
        by_peer.setdefault(tunnel.peer.lower(), []).append(tunnel)
    peers = {name.lower(): peer for name, peer in configuration.vpn.peers.items()}
    connections = []
    for name, tunnels in by_peer.items():
        if name in peers:
            connections.append(translator.connection(peers[name], tunnels))
        else:
            problems.extend(_error(t.location, "peer", f"{t.peer} is not in VPN/peer", "declare it") for t in tunnels)
    if problems:
        raise Refused(tuple(dict.fromkeys(problems)))
    return tuple(connections)


def rekeying(lifetime: int, *, early: bool) -> int:
    """Seconds after which an SA of this lifetime is renewed.

    The two ends must not do so at the same moment (a collision costs packets), so one end is early and the other late;
    no randomness, so that a scenario can say when it happens. A ``lifetime`` below 4 s leaves no room for both.
    """
    margin = max(2, lifetime // 10)
    return max(1, lifetime - (margin if early else margin // 2))


@dataclass(frozen=True, slots=True)
class _Translator:
    """Builds connections; whatever is wrong goes to ``problems``, and the connection is then not to be used."""

    configuration: Configuration
    resolver: Resolver
    problems: list[Finding]

    def connection(self, peer: Peer, tunnels: list[Tunnel]) -> Connection:
        remote = self._address(peer, peer.remote, "Remote")
        local = None if peer.local.lower() == "any" else self._address(peer, peer.local, "Local")
        early = local is None or remote is None or local < remote
        profile = self._profile(self.configuration.vpn.phase1, peer.profile, peer.location, "VPN/ph1profile")
        lifetime = profile.lifetime if profile else 0
        children = tuple(self._child(peer, tunnel, early) for tunnel in tunnels)
        settings: Settings = {
            "version": str(peer.ike_version),
            "local_addrs": str(local or "%any"),
            "remote_addrs": str(remote),
            "proposals": self._proposals(profile),
            "encap": "yes",  # the user-space ESP exists in UDP only
            "mobike": "no",
            "unique": "replace",
            "keyingtries": "0",  # an initiator never gives up on a silent peer
            "dpd_delay": f"{self._dpd_delay(peer)}s",
            "reauth_time": "0s",  # renewed inline: nothing is torn down
            "rekey_time": f"{rekeying(lifetime, early=early)}s",
            "over_time": f"{max(1, lifetime - rekeying(lifetime, early=early))}s",
            "rand_time": "0s",
            "local": {"auth": "psk"} | ({"id": str(local)} if local else {}),
            "remote": {"auth": "psk", "id": str(remote)},
            "children": {child.key: child.settings for child in children},
        }
        owners = {f"id-{number}": str(address) for number, address in enumerate(filter(None, (local, remote)))}
        secret: Settings = {**owners, "secret": self._key(peer)}
        return Connection(identifier(peer.name), peer, children, settings, secret)

    def _child(self, peer: Peer, tunnel: Tunnel, early: bool) -> Child:
        profile = self._profile(self.configuration.vpn.phase2, tunnel.profile, tunnel.location, "VPN/ph2profile")
        lifetime = profile.lifetime if profile else 0
        settings: Settings = {
            "local_ts": self._selector(tunnel.local, tunnel.location, "local"),
            "remote_ts": self._selector(tunnel.remote, tunnel.location, "remote"),
            "esp_proposals": self._proposals(profile),
            "start_action": "none",  # charon.py initiates: "start" would also close the SA whenever a file changes
            "close_action": "none",  # starting again at a close, with unique = replace at both ends, would never end
            "dpd_action": "clear" if peer.responder_only else "restart",
            "rekey_time": f"{rekeying(lifetime, early=early)}s",
            "life_time": f"{lifetime}s",
            "rand_time": "0s",
        }
        return Child(f"{self.configuration.vpn.active:02d}-{tunnel.number}", tunnel, settings)

    def _dpd_delay(self, peer: Peer) -> int:
        if peer.dpd_mode.lower() not in DPD_DELAYS:
            self._note(peer.location, "DPDMode", f'"{peer.dpd_mode}" is unknown', f"one of {', '.join(DPD_DELAYS)}")
        return DPD_DELAYS.get(peer.dpd_mode.lower(), 0)

    def _key(self, peer: Peer) -> str:
        key = self.configuration.vpn.preshared_keys.get(peer.remote.lower(), "")
        if peer.method.lower() != "psk":
            self._note(peer.location, "Method", f"{peer.method} is not simulated", "use psk")
        elif not key:
            self._note(peer.location, "Remote", f"VPN/psk holds no key for {peer.remote}", "add it to [psk]")
        return "0s" + base64.b64encode(key.encode()).decode()

    def _address(self, peer: Peer, name: str, token: str) -> IPv4Address | None:
        try:
            return self.resolver.address(name)
        except ResolutionError as problem:
            self._note(peer.location, token, str(problem), "name a host object with one address")
            return None

    def _selector(self, name: str, location: Location, token: str) -> str:
        try:
            return ",".join(str(network) for network in self.resolver.addresses(name).networks())
        except ResolutionError as problem:
            self._note(location, token, str(problem), "name a network object")
            return ""

    def _profile(self, profiles: Mapping[str, CryptoProfile], name: str, location: Location, file: str) -> CryptoProfile | None:
        found = next((profile for profile in profiles.values() if profile.name.lower() == name.lower()), None)
        if found is None:
            known = ", ".join(profile.name for profile in profiles.values())
            self._note(location, "conf", f"{name} is not a profile of {file}", f"choose one of: {known}")
        return found

    def _proposals(self, profile: CryptoProfile | None) -> str:
        if profile is None:
            return ""
        if not profile.proposals:
            self._note(profile.location, "enc", f"profile {profile.name} has no proposal", "add a line enc=… auth=…")
        wanted = []
        for proposal in profile.proposals:
            try:
                wanted.append(_proposal(proposal, profile.pfs))
            except KeyError as unknown:
                self._note(profile.location, "enc, auth, dh", f"{unknown.args[0]} is not simulated", "use another")
        return ",".join(dict.fromkeys(wanted))

    def _note(self, location: Location, token: str, message: str, remedy: str) -> None:
        self.problems.append(_error(location, token, message, remedy))


def _proposal(proposal: Proposal, pfs: int | None) -> str:
    """An algorithm set in strongSwan's words. AEAD ciphers take their hash as a pseudo-random function in phase 1."""
    encryption = _ENCRYPTION[proposal.encryption.lower()]
    hashing = _AUTHENTICATION[proposal.authentication.lower()] if proposal.authentication else None
    group = proposal.dh or pfs
    parts = [encryption]
    if "gcm" in encryption:
        if hashing and proposal.dh:
            parts.append(f"prf{hashing}")
    elif hashing:
        parts.append(hashing)
    else:
        raise KeyError(f"{proposal.encryption} without auth=")
    return "-".join([*parts, *([_GROUPS[group]] if group else [])])


def _untimed(settings: Settings) -> Settings:
    timing = ("rekey_time", "life_time", "over_time")
    return {
        name: value if isinstance(value, str) else _untimed(value) for name, value in settings.items() if name not in timing
    }


def identifier(name: str) -> str:
    """A name as strongSwan's files allow it: letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def render(settings: Settings, depth: int = 0) -> str:
    """The text of a strongSwan file."""
    indent = "  " * depth
    lines = []
    for name, value in settings.items():
        if isinstance(value, str):
            lines.append(f"{indent}{name} = {value}\n")
        else:
            lines.append(f"{indent}{name} {{\n{render(value, depth + 1)}{indent}}}\n")
    return "".join(lines)


def _yes(token: str) -> str:
    return "yes" if token.strip() == "1" else "no"


def _error(location: Location, token: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, location, token, message, remedy)
