"""Tunnels: algorithms against a dated policy, and the ways by which traffic could bypass its tunnel."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from sns.addresses import EMPTY, AddressSet
from sns.model import Configuration, CryptoProfile, Peer, Proposal, Tunnel
from sns.network import BLACK_HOLE
from sns.paths import IPSEC
from sns.resolution import Resolver

from .result import Check, Level, Result

WEAK = Check(
    "weak-proposal",
    Level.WARNING,
    "A proposal below the minimum of the policy",
    "The peers may agree on the weakest proposal that both have.",
    ("ANSSI SNS R38", "ANSSI DAT-NT-003 R13"),
)
NOT_RECOMMENDED = Check(
    "proposal-not-recommended",
    Level.NOTE,
    "A proposal above the minimum, and below what the policy recommends",
    "It is accepted today; the policy says what will be asked for.",
    ("ANSSI SNS R38",),
)
PRESHARED = Check(
    "preshared-key",
    Level.NOTE,
    "A peer that is known by a shared secret",
    "The recommendation is mutual authentication by certificates; a robust key is its fallback.",
    ("ANSSI SNS R40", "ANSSI SNS R40-"),
)
NO_BLACK_HOLE = Check(
    "no-black-hole-route",
    Level.WARNING,
    "A remote network without a black-hole route",
    "With the tunnel down its traffic takes the default route, in clear.",
    ("ANSSI SNS R41",),
)
NOT_VIA = Check(
    "source-not-via-tunnel",
    Level.WARNING,
    "A rule for what comes from a remote network that does not ask for the tunnel",
    "It would also let pass packets that claim those addresses and did not come through the tunnel.",
    ("ANSSI SNS R42",),
)
PASSIVE_DPD = Check(
    "passive-dpd",
    Level.NOTE,
    "A peer whose death is not looked for",
    "A tunnel to a dead peer stays up and swallows what it is given.",
    ("ANSSI SNS R47",),
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Algorithms by the product's names, and Diffie-Hellman groups."""

    encryption: frozenset[str]
    authentication: frozenset[str]
    groups: frozenset[int]

    def lacks(self, proposal: Proposal, group: int | None) -> list[str]:
        """What of a proposal is not among them. An authenticated cipher needs no authentication beside it."""
        found = []
        if proposal.encryption not in self.encryption:
            found.append(proposal.encryption or "no encryption")
        if "gcm" not in proposal.encryption and proposal.authentication not in self.authentication:
            found.append(proposal.authentication or "no authentication")
        if group not in self.groups:
            found.append(f"group {group}" if group else "no Diffie-Hellman group")
        return found


@dataclass(frozen=True, slots=True)
class CryptoPolicy:
    """A dated policy for proposals."""

    name: str
    published: date
    minimum: Threshold
    recommended: Threshold


@cache
def crypto_policy() -> CryptoPolicy:
    """The policy that ships with these checks (``crypto.toml``)."""
    values = tomllib.loads((resources.files(__package__) / "crypto.toml").read_text())
    minimum, recommended = (
        Threshold(frozenset(each["encryption"]), frozenset(each["authentication"]), frozenset(each["groups"]))
        for each in (values["minimum"], values["recommended"])
    )
    return CryptoPolicy(values["name"], values["published"], minimum, recommended)


def check(configuration: Configuration) -> Iterator[Result]:
    """Doubts about the active tunnels, their peers and profiles."""
    resolver = Resolver(configuration)
    tunnels = configuration.vpn.tunnels
    yield from _profiles(configuration, tunnels)
    for peer in _peers(configuration, tunnels):
        if peer.method == "psk":
            message = "is authenticated by a pre-shared key"
            remedy = "use certificates, or keep the key long, random, and this tunnel's own"
            yield Result(PRESHARED, peer.location, peer.name, message, remedy)
        if peer.dpd_mode == "passive":
            yield Result(PASSIVE_DPD, peer.location, "DPDMode", "is passive", "set it to high or low")
    for tunnel in tunnels:
        yield from _black_hole(configuration, resolver, tunnel)
    yield from _not_via(configuration, resolver, tunnels)


def _peers(configuration: Configuration, tunnels: Sequence[Tunnel]) -> list[Peer]:
    peers = configuration.vpn.peers
    return list(
        {tunnel.peer.lower(): peers[tunnel.peer.lower()] for tunnel in tunnels if tunnel.peer.lower() in peers}.values()
    )


def _profiles(configuration: Configuration, tunnels: Sequence[Tunnel]) -> Iterator[Result]:
    """Each profile in use once."""
    vpn = configuration.vpn
    used: dict[str, CryptoProfile] = {}
    for names, profiles in (
        ([peer.profile for peer in _peers(configuration, tunnels)], vpn.phase1),
        ([tunnel.profile for tunnel in tunnels], vpn.phase2),
    ):
        found = {str(profiles[name.lower()].location): profiles[name.lower()] for name in names if name.lower() in profiles}
        used.update(found)
    policy = crypto_policy()
    for profile in used.values():
        for proposal in profile.proposals:
            group = proposal.dh if profile.location.file.endswith("ph1profile") else profile.pfs
            for check_, threshold, word in (
                (WEAK, policy.minimum, "below the minimum"),
                (NOT_RECOMMENDED, policy.recommended, "not what is recommended"),
            ):
                if lacking := threshold.lacks(proposal, group):
                    message = f"{_words(proposal, group)} is {word} ({policy.published:%Y-%m}): {', '.join(lacking)}"
                    yield Result(check_, profile.location, profile.name, message, _best(policy))
                    break


def _words(proposal: Proposal, group: int | None) -> str:
    parts = [proposal.encryption, proposal.authentication, f"group {group}" if group else None]
    return " ".join(part for part in parts if part)


def _best(policy: CryptoPolicy) -> str:
    groups = ", ".join(str(group) for group in sorted(policy.recommended.groups))
    return f"use {', '.join(sorted(policy.recommended.encryption))}, and a group of {groups}"


def _black_hole(configuration: Configuration, resolver: Resolver, tunnel: Tunnel) -> Iterator[Result]:
    discarded = EMPTY
    for route in configuration.routing.static:
        if route.interface.lower() == BLACK_HOLE:
            discarded = discarded | resolver.resolved(route.destination)
    bare = resolver.resolved(tunnel.remote) - discarded
    if bare:
        message = f"{tunnel.remote} ({bare}) leaves by the default route when the tunnel is down"
        remedy = f"add {tunnel.remote},{BLACK_HOLE} to [StaticRoutes] of route"
        yield Result(NO_BLACK_HOLE, tunnel.location, "remote", message, remedy)


def _not_via(configuration: Configuration, resolver: Resolver, tunnels: Sequence[Tunnel]) -> Iterator[Result]:
    remotes = AddressSet.of(*(resolver.resolved(tunnel.remote) for tunnel in tunnels))
    for rule in configuration.policy.filter if remotes else ():
        if not rule.enabled or rule.action != "pass" or rule.via == IPSEC:
            continue
        source = AddressSet.of(*(resolver.resolved(name) for name in rule.source.names))
        interface = (rule.source_interface or "").lower()
        if source and not rule.source.negated and source in remotes and interface != IPSEC:
            message = f'"{rule.text}" takes what claims to come from {source}, from anywhere'
            yield Result(NOT_VIA, rule.location, "from", message, 'write "via ipsec" behind its source')
