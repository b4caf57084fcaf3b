"""What of a firewall's configuration a scenario exercised, as its counters and its log of logins tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.appliance import counters
from provisioning.evidence import logs, states
from sns import implicit
from sns.comparison import without_name
from sns.resolution import Resolver

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from sns.model import Configuration, Tunnel

LOGINS = "/log/l_auth"
_GRANTED = re.compile(r"authenticated \(\S*?/?(uac:\d+)\)")


@dataclass(frozen=True, slots=True)
class Exercised:
    """How much each place saw since a scenario began: packets, or logins for a right. Places that saw nothing are left out.

    ``whole`` is False when there may have been more: a policy was applied meanwhile, which starts its counters at zero, or a
    member took its own with it.
    """

    places: Mapping[str, int]
    whole: bool


def rules(configuration: Configuration) -> dict[str, str]:
    """Every place that can be exercised, with its words: rules of the active slot, implicit ones, tunnels, rights, routes."""
    policy = configuration.policy
    found = {str(rule.location): without_name(rule.text) for rule in (*policy.filter, *policy.nat) if rule.enabled}
    for hidden in implicit.rules(configuration):
        found[counters.key(counters.of_implicit(hidden.token))] = f"implicit rule {hidden.token}"
    for tunnel in configuration.vpn.tunnels:
        found[str(tunnel.location)] = f"tunnel from {tunnel.local} to {tunnel.remote} with {tunnel.peer}"
    for right in configuration.access.rules:
        if right.enabled:
            found[str(right.location)] = f"rights of {right.user or right.group}"
    routing = configuration.routing
    for route in routing.static:
        found[str(route.location)] = f"route to {route.destination} by {route.gateway or route.interface}"
    if routing.default_location:
        found[str(routing.default_location)] = f"default route by {routing.default}"
    return found


class Exercisable:
    """What of one configuration can be exercised: told once, asked after each scenario."""

    def __init__(self, configuration: Configuration) -> None:
        self._places = frozenset(rules(configuration))
        self._behind = {str(tunnel.location): _rules_of(configuration, tunnel) for tunnel in configuration.vpn.tunnels}

    def exercised(self, pair: Cluster, before: states.Moment, after: states.Moment, since: logs.Positions) -> Exercised:
        """What counted since a scenario began."""
        seen: Counter[str] = Counter()
        whole = True
        for member in pair.members:
            was, now = before.counters[member.name] or {}, after.counters[member.name] or {}
            whole = whole and counters.APPLIED in was and was[counters.APPLIED] == now.get(counters.APPLIED)
            for place, counter in now.items():
                first = was[place].packets if place in was else 0
                seen[place] += counter.packets - first if counter.packets >= first else counter.packets
            seen.update(_GRANTED.findall(logs.text(member.host, LOGINS, since)))
        for tunnel, behind in self._behind.items():
            seen[tunnel] = sum(seen[place] for place in behind)
        return Exercised({place: count for place, count in seen.items() if count and place in self._places}, whole)


def _rules_of(configuration: Configuration, tunnel: Tunnel) -> list[str]:
    """The rules for what comes out of a tunnel: what they count has crossed it."""
    resolver = Resolver(configuration)
    remote = resolver.resolved(tunnel.remote)
    return [
        str(rule.location)
        for rule in configuration.policy.filter
        if rule.enabled and rule.via == "ipsec" and resolver.resolved(rule.source) & remote
    ]
