"""The counters of the rule sets: one per rule, named by slot and line, and one per thing that is not a rule.

In nft ``filter_05_14`` and ``nat_05_21`` are lines 14 and 21 of ``Filter/05``, ``implicit_sslvpn`` is the implicit rule
of the token ``SslVPN``, ``route_2`` is line 2 of ``route``, and ``antispoof``, ``spd``, ``invalid``, ``fwdefault``,
``default`` are what their names say. They count the first packets of connections (later ones are accepted before any
rule), or every packet where it is refused. Applying a policy starts all of them at zero, except ``spd``, which ``envpn``
starts; ``applied`` counts nothing, its packets say when (ms since the epoch) that was.
"""

from __future__ import annotations

import re

from sns.model import Location, Rule

ANTISPOOF = "antispoof"
SPD = "spd"
INVALID = "invalid"
FIREWALL_DEFAULT = "fwdefault"
DEFAULT = "default"
APPLIED = "applied"

_RULE = re.compile(r"(?:filter|nat)_(\d\d)_(\d+)")
TABLES = ("sns", "sns_spd")
"""Where the counters are; other tables are not ours."""


def of_rule(rule: Rule, slot: int) -> str:
    """The nft name of a rule's counter."""
    return f"{rule.section}_{slot:02d}_{rule.location.line}"


def of_implicit(token: str) -> str:
    """The nft name of an implicit rule's counter; rules of one token share it."""
    return f"implicit_{token.lower()}"


def of_route(location: Location) -> str:
    """The nft name of a route's counter."""
    return f"route_{location.line}"


def key(name: str) -> str:
    """A counter's name outside nft: ``filter_05_14`` is ``Filter/05:14``, ``route_2`` is ``route:2``, ``implicit_ha`` is
    ``implicit/ha``.
    """
    rule = _RULE.fullmatch(name)
    if rule:
        return f"Filter/{rule[1]}:{rule[2]}"
    return name.replace("implicit_", "implicit/", 1).replace("route_", "route:", 1)
