"""Mistakes in what people may do: VPN users, their rights, the administrators' addresses, filters of names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from sns.identity import BASE_FILE
from sns.mutation.mutant import Edit
from sns.mutation.rules import Found
from sns.mutation.settings import Slip, flipped, next_address, other_network, other_service, slips, to
from sns.mutation.tree import Setting, Tree

FILTERS = ("URLFiltering", "SSLFiltering")


def right_removed(tree: Tree) -> Iterator[Found]:
    """A user's right to the SSL VPN is gone."""
    for one in _rights(tree):
        if "openvpn=pass" in one.text:
            yield f"{_whose(one)} has no right to the SSL VPN", one.becomes(one.text.replace("openvpn=pass", "openvpn=default"))


def right_off(tree: Tree) -> Iterator[Found]:
    """The line of a user's rights is off, missing, or another user's."""
    for one in _rights(tree):
        yield f"the rights of {_whose(one)} are off", one.becomes(one.text.replace("state=on", "state=off"))
        yield f"the rights of {_whose(one)} are missing", one.becomes()
        yield f"the rights of {_whose(one)} are another's", one.becomes(re.sub(r"\b(user|group)=(\S+)", r"\1=\g<2>x", one.text))


def right_of_all(tree: Tree) -> Iterator[Found]:
    """Every user of the directory has the right by default."""
    for one in tree.tokens("uac", "openvpn", section="Defaults"):
        if one.value != "pass":
            yield "everybody has the right to the SSL VPN", one.set("pass")


def user_removed(tree: Tree) -> Iterator[Found]:
    """A user is gone from the directory."""
    lines = tree.files.get(BASE_FILE, "").split("\n")
    for user in tree.configuration.directory.users:
        last = next((n for n in range(user.location.line, len(lines) + 1) if not lines[n - 1].strip()), len(lines) + 1)
        places = range(user.location.line, last)
        yield f"{user.uid} is no user any more", tuple(Edit(BASE_FILE, n, lines[n - 1], ()) for n in places)


def password_changed(tree: Tree) -> Iterator[Found]:
    """A user's password in the directory is another."""
    for n, text in enumerate(tree.files.get(BASE_FILE, "").split("\n"), start=1):
        if text.lower().startswith("userpassword:"):
            yield "a user's password is another", (Edit(BASE_FILE, n, text, ("userPassword: another-one",)),)


def management_widened(tree: Tree) -> Iterator[Found]:
    """The administration page answers everybody."""
    for one in _acl(tree):
        yield "the administration page answers any", one.becomes("any")


def management_narrowed(tree: Tree) -> Iterator[Found]:
    """An administrator's address is not on the list."""
    for one in _acl(tree):
        yield f"{one.token} may not open the administration page", one.becomes()
        other = next((host.name for host in tree.configuration.objects.hosts.values() if host.name != one.token), None)
        if other:
            yield f"{other} may open the administration page, {one.token} not", one.becomes(other)


management_setting_wrong = slips(
    "The administration, or SSH, is off or at another port.",
    Slip("webadmin", "State", flipped),
    Slip("webadmin", "TcpPort", other_service),
    Slip("system", "State", flipped, "SSH"),
)

ssl_vpn_setting_wrong = slips(
    "The SSL VPN is off, or has another route, port or public address.",
    Slip("Openvpn/openvpn", "state", flipped),
    Slip("Openvpn/openvpn", "route", other_network),
    Slip("Openvpn/openvpn", "route", to("any")),
    Slip("Openvpn/openvpn", "Port", to("http")),
    Slip("Openvpn/openvpn", "udpPort", to("isakmp")),
    Slip("Openvpn/openvpn", "serverPublicAddr", next_address),
)


def pool_wrong(tree: Tree) -> Iterator[Found]:
    """A pool is another network, the other transport's, or none."""
    pools = {one.token: one for one in tree.tokens("Openvpn/openvpn", "pool", "udpPool")}
    for one in pools.values():
        yield f"{one.token} is missing", one.becomes()
        if other := other_network(tree, one):
            yield f"{one.token} is {other}", one.set(other)
    if len(pools) == 2:
        first, second = pools.values()
        yield "the pools of UDP and TCP are swapped", (*first.set(second.value), *second.set(first.value))


def name_rule_wrong(tree: Tree) -> Iterator[Found]:
    """A rule of URL or TLS name filtering is missing, off, reversed, or stands below the next one."""
    for file in _name_filters(tree):
        rules = [one for one in tree.settings(file) if one.section.lower() == "rules"]
        for one in rules:
            yield f"{_named(one)} is missing", one.becomes()
            yield f"{_named(one)} is off", one.becomes(one.text.replace("state=on", "state=off"))
            reverse = {"block": "pass", "pass": "block"}
            found = re.search(r"action=(pass|block)", one.text)
            if found:
                yield (
                    f"{_named(one)} says {reverse[found[1]]}",
                    one.becomes(one.text.replace(found[0], f"action={reverse[found[1]]}")),
                )
        for one, other in pairwise(rules):
            yield f"{_named(one)} stands below the next", (*one.becomes(other.text), *other.becomes(one.text))


def name_misspelt(tree: Tree) -> Iterator[Found]:
    """A name in a group of names has a letter too many."""
    for file in ("urlgroup", "cngroup"):
        for one in tree.settings(file):
            wrong = re.sub(r"(\w)\.", r"\1x.", one.token, count=1)
            if wrong != one.token:
                yield f"{one.section} has {wrong}, not {one.token}", one.becomes(one.text.replace(one.token, wrong, 1))


def _rights(tree: Tree) -> Iterator[Setting]:
    yield from (one for one in tree.settings("uac") if one.section.lower() == "ruleset")


def _whose(one: Setting) -> str:
    found = re.search(r"\b(?:user|group)=(\S+)", one.text)
    return found[1] if found else "somebody"


def _acl(tree: Tree) -> Iterator[Setting]:
    yield from (one for one in tree.settings("webadmin") if one.section.lower() == "acl")


def _name_filters(tree: Tree) -> Iterator[str]:
    """The slots of name filtering that a rule of the active policy uses."""
    rules = [rule for rule in tree.configuration.policy.filter if rule.enabled]
    for folder, slots in zip(FILTERS, ({rule.url_filter for rule in rules}, {rule.ssl_filter for rule in rules}), strict=True):
        yield from (f"{folder}/{slot:02d}" for slot in sorted(slot for slot in slots if slot is not None))


def _named(one: Setting) -> str:
    return f"{one.file}: {one.text.split('#')[0].strip()!r}"
