"""What the firewalls of a scenario hold: rules that counted, security associations, VPN users, the state of the pair."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.appliance import ha_info, ipsec, openvpn, security_associations
from lab.appliance.counters import APPLIED
from lab.appliance.vici import Session, ViciError
from lab.cluster import Cluster
from lab.device import Appliance
from lab.errors import LabError
from lab.rule_counters import Counter
from provisioning.evidence.bounds import Piece

Counters = Mapping[str, Counter]
_RULE = re.compile(r"(Filter/\d\d):(\d+)")


@dataclass(frozen=True, slots=True)
class Moment:
    """A pair at one moment: what each member had counted, and what it said of the cluster; None from one that is silent."""

    counters: Mapping[str, Counters | None]
    said: Mapping[str, Mapping[str, Any] | None]

    @classmethod
    def of(cls, pair: Cluster) -> Moment:
        """The pair as it is now."""
        alone = len(pair.members) == 1
        return cls(
            {member.name: _counters(member) for member in pair.members},
            {} if alone else pair.statuses(),
        )


def _counters(member: Appliance) -> Counters | None:
    try:
        return member.counters()
    except (LabError, OSError):  # its host has ended
        return None


# Rules --------------------------------------------------------------------------------------------------------------


def counted(pair: Cluster, before: Moment, after: Moment) -> Piece:
    """The rules that counted something meanwhile, by member, with their text and place."""
    parts = [_table(member, before.counters[member.name], after.counters[member.name]) for member in pair.members]
    return Piece(f"counters-{pair.site}.txt", "\n".join(parts), f"what the rules of {pair.site} counted, before and after")


def _table(member: Appliance, before: Counters | None, after: Counters | None) -> str:
    if before is None or after is None:
        return f"{member.name} does not tell its counters\n"
    changed = [place for place in after if place != APPLIED and after[place] != before.get(place, Counter(0, 0))]
    words = _Words(member)
    lines = [f"{member.name}: packets counted before, after, and the rule"]
    for place in sorted(changed, key=_order):
        first, last = before.get(place, Counter(0, 0)).packets, after[place].packets
        anew = " (its policy was applied meanwhile: counted from zero)" if last < first else ""
        lines.append(f"{first:>8} {last:>8}  {place}  {words.of(place)}{anew}".rstrip())
    others = len(after.keys() - {APPLIED}) - len(changed)
    return "\n".join([*lines, f"                   the other {others} counted nothing", ""])


def _order(place: str) -> tuple[str, int]:
    rule = _RULE.fullmatch(place)
    return (rule[1], int(rule[2])) if rule else (place, 0)


class _Words:
    """The rules of a member as their files have them now, each file read once."""

    def __init__(self, member: Appliance) -> None:
        self._member = member
        self._lines: dict[str, list[str]] = {}

    def of(self, place: str) -> str:
        """A rule's words; nothing for a counter that is no rule of the policy."""
        if (rule := _RULE.fullmatch(place)) is None:
            return ""
        try:
            if rule[1] not in self._lines:
                self._lines[rule[1]] = self._member.read(rule[1]).splitlines()
            return self._lines[rule[1]][int(rule[2]) - 1].strip()
        except (OSError, IndexError):
            return ""


# Tunnels and VPN users ----------------------------------------------------------------------------------------------


def associations(pairs: Sequence[Cluster]) -> Iterator[Piece]:
    """The IPsec security associations of each firewall, as ``showSAD`` tells them."""
    for pair in pairs:
        parts = [f"{member.name}\n{_associations(member)}\n" for member in pair.members]
        what = f"the IPsec security associations of {pair.site}"
        yield Piece(f"security-associations-{pair.site}.txt", "\n".join(parts), what)


def _associations(member: Appliance) -> str:
    try:
        with Session(member.path(str(ipsec.SOCKET))) as session:
            found = security_associations.read(session)
    except ViciError:
        return "its IKE daemon does not run"
    return "\n".join(one.shown for one in found) or "none"


def vpn_users(pairs: Sequence[Cluster]) -> Iterator[Piece]:
    """Who is connected to each SSL VPN, as OpenVPN writes it once a second."""
    for pair in pairs:
        parts = [f"{member.name}, {server.transport}\n{_status(member, server)}\n"
                 for member in pair.members for server in openvpn.SERVERS]  # fmt: skip
        yield Piece(f"openvpn-{pair.site}.txt", "\n".join(parts), f"the OpenVPN status of {pair.site}")


def _status(member: Appliance, server: openvpn.Server) -> str:
    try:
        return member.path(str(server.status)).read_text(errors="backslashreplace") or "it tells nothing: it does not run"
    except OSError:
        return "it never ran here"


# High availability --------------------------------------------------------------------------------------------------


def availability(pair: Cluster, before: Moment, after: Moment) -> Piece:
    """What each member said of the cluster when the scenario began and when it ended, as ``hainfo`` tells it."""
    parts = [f"{member.name}, {when}\n{_said(moment.said.get(member.name))}\n"
             for when, moment in (("when the scenario began", before), ("when it ended", after))
             for member in pair.members]  # fmt: skip
    return Piece(f"ha-{pair.site}.txt", "\n".join(parts), f"the state of the cluster of {pair.site}, before and after")


def _said(status: Mapping[str, Any] | None) -> str:
    return "it does not answer" if status is None else ha_info.shown(status)
