"""Mistakes in site-to-site IPsec: keys, proposals, peers, and the networks of tunnels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sns.mutation.rules import Found
from sns.mutation.settings import Slip, other_host, slips
from sns.mutation.tree import Setting, Tree

_WORD = r"\b{0}=(\S+)"
_WEAK = {"aes/256": "aes/128", "aes_gcm_16/256": "aes_gcm_16/128", "aes/192": "aes/128", "aes/128": "3des",
         "14": "2", "15": "14", "16": "15", "19": "14", "20": "19", "21": "20", "sha2_256": "sha1", "sha2_384": "sha2_256",
         "sha2_512": "sha2_256", "hmac_sha256": "hmac_sha1", "hmac_sha384": "hmac_sha256",
         "hmac_sha512": "hmac_sha256"}  # fmt: skip


def key_wrong(tree: Tree) -> Iterator[Found]:
    """A pre-shared key has a letter wrong."""
    for one in tree.settings("VPN/psk"):
        yield f"the key of {one.token} is another", one.set("not-the-key-of-the-other-end")


def key_missing(tree: Tree) -> Iterator[Found]:
    """A peer has no pre-shared key."""
    for one in tree.settings("VPN/psk"):
        yield f"the key of {one.token} is missing", one.becomes()


def proposal_weakened(tree: Tree) -> Iterator[Found]:
    """The first proposal of a profile in use is weaker by one of its algorithms."""
    for file, token in (("VPN/ph1profile", "enc"), ("VPN/ph1profile", "auth"), ("VPN/ph1profile", "dh"),
                        ("VPN/ph2profile", "enc"), ("VPN/ph2profile", "auth"), ("VPN/ph2profile", "pfs")):  # fmt: skip
        for section in _profiles_in_use(tree, file):
            for one in _first(tree, file, section, token):
                yield from _weakened(one, token)


def proposal_missing(tree: Tree) -> Iterator[Found]:
    """The first proposal of a profile in use is missing: the next one counts."""
    for section in _profiles_in_use(tree, "VPN/ph1profile"):
        for one in _first(tree, "VPN/ph1profile", section, "enc"):
            yield f"[{one.section}] lacks {one.text.split('#')[0].strip()!r}", one.becomes()
    for section in _profiles_in_use(tree, "VPN/ph2profile"):
        for one in _first(tree, "VPN/ph2profile", section, "enc"):
            if "," in one.value:
                yield f"[{one.section}] lacks {one.value.partition(',')[0]}", one.set(one.value.partition(",")[2])


def secrecy_forgotten(tree: Tree) -> Iterator[Found]:
    """Phase 2 has no Diffie-Hellman group of its own."""
    for section in _profiles_in_use(tree, "VPN/ph2profile"):
        for one in _first(tree, "VPN/ph2profile", section, "pfs"):
            yield f"[{one.section}] lacks pfs", one.becomes()


def lifetime_longer(tree: Tree) -> Iterator[Found]:
    """Keys live ten times as long."""
    for file in ("VPN/ph1profile", "VPN/ph2profile"):
        for section in _profiles_in_use(tree, file):
            for one in _first(tree, file, section, "lifetime"):
                yield f"[{one.section}] lifetime={one.value}0", one.set(f"{one.value}0")


def tunnel_missing(tree: Tree) -> Iterator[Found]:
    """A tunnel's line is missing."""
    for one in _tunnels(tree):
        yield "the tunnel is missing", one.becomes()


def tunnel_off(tree: Tree) -> Iterator[Found]:
    """A tunnel's line is off."""
    yield from _reworded(tree, "state", lambda _, value: "off" if value.lower() == "on" else None)


def tunnel_network_swapped(tree: Tree) -> Iterator[Found]:
    """A tunnel is for another network than meant, at either end."""
    for token in ("local", "remote"):
        yield from _reworded(tree, token, _other_network)


def tunnel_network_widened(tree: Tree) -> Iterator[Found]:
    """A tunnel is for a larger network than meant, at either end."""
    for token in ("local", "remote"):
        yield from _reworded(tree, token, _larger_network)


def _reworded(tree: Tree, token: str, other: Callable[[Tree, str], str | None]) -> Iterator[Found]:
    for one in _tunnels(tree):
        found = re.search(_WORD.format(token), one.text)
        value = other(tree, found[1]) if found else None
        if found and value:
            text = one.text[: found.start(1)] + value + one.text[found.end(1) :]
            yield f"the tunnel to {_remote(one)}: {token}={value}", one.becomes(text)


def _remote(one: Setting) -> str:
    found = re.search(_WORD.format("peer"), one.text)
    return found[1] if found else "its peer"


def _other_network(tree: Tree, name: str) -> str | None:
    names = [one.name for one in tree.configuration.objects.networks.values()]
    lower = [one.lower() for one in names]
    return names[(lower.index(name.lower()) + 1) % len(names)] if name.lower() in lower and len(names) > 1 else None


def _larger_network(tree: Tree, name: str) -> str | None:
    networks = tree.configuration.objects.networks
    own = networks.get(name.lower())
    larger = [one for one in networks.values() if own and own.network != one.network and own.network.subnet_of(one.network)]
    return max(larger, key=lambda one: one.network.prefixlen).name if larger else None


def _tunnels(tree: Tree) -> Iterator[Setting]:
    """The lines of the active slot's enabled tunnels."""
    for tunnel in tree.configuration.vpn.tunnels:
        yield tree.at(tunnel.location.file, tunnel.location.line)


def _profiles_in_use(tree: Tree, file: str) -> list[str]:
    vpn = tree.configuration.vpn
    peers = [vpn.peers[tunnel.peer.lower()] for tunnel in vpn.tunnels if tunnel.peer.lower() in vpn.peers]
    names = [peer.profile for peer in peers] if "ph1" in file else [tunnel.profile for tunnel in vpn.tunnels]
    return list(dict.fromkeys(name.lower() for name in names))


def _first(tree: Tree, file: str, section: str, token: str) -> Iterator[Setting]:
    """The first line of a profile that says something of this token, which may share its line with others."""
    for one in tree.settings(file):
        if one.section.lower() == section and re.search(_WORD.format(token), one.text):
            yield one
            return


def _weakened(one: Setting, token: str) -> Iterator[Found]:
    found = re.search(_WORD.format(token), one.text)
    value = found[1].partition(",")[0] if found else ""
    if found and value in _WEAK:
        text = one.text[: found.start(1)] + _WEAK[value] + one.text[found.start(1) + len(value) :]
        yield f"[{one.section}] {token}={_WEAK[value]}, not {value}", one.becomes(text)


peer_stale = slips("A peer is the host object that stands next to the right one.", Slip("VPN/peer", "Remote", other_host))
peer_setting_wrong = slips(
    "A peer speaks another version of IKE, does not look for dead peers, or only answers.",
    Slip("VPN/peer", "IKEVersion", lambda _, one: {"2": "1", "1": "2"}.get(one.value)),
    Slip("VPN/peer", "DPDMode", lambda _, one: "passive" if one.value != "passive" else "high"),
    Slip("VPN/peer", "ResponderOnly", lambda _, one: "1" if one.value == "0" else "0"),
)
