"""The counters of the rule sets: one per rule, named by slot and line, and one per thing that is not a rule.

In nft ``filter_05_14`` and ``nat_05_21`` are lines 14 and 21 of ``Filter/05``, ``implicit_sslvpn`` is the implicit rule
of the token ``SslVPN``, and ``antispoof``, ``spd``, ``invalid``, ``fwdefault``, ``default`` are what their names say.
They count the first packets of connections (later ones are accepted before any rule), or every packet where it is
refused. Applying a policy starts all of them at zero, except ``spd``, which ``envpn`` starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lab.appliance import programs
from sns.model import Rule

Counts = Mapping[str, tuple[int, int]]
"""Packets and bytes by place: ``Filter/05:14``, ``implicit/sslvpn``, ``antispoof``, ``spd``, ``default`` …"""

LIST_COMMAND = ("nft", "-j", "list", "counters")
"""Prints the counters as JSON for :func:`places`, in about 3 ms; with ``table ip sns`` behind it, without ``spd``."""

ANTISPOOF = "antispoof"
SPD = "spd"
INVALID = "invalid"
FIREWALL_DEFAULT = "fwdefault"
DEFAULT = "default"

_RULE = re.compile(r"(?:filter|nat)_(\d\d)_(\d+)")
_TABLES = ("sns", "sns_spd")


def of_rule(rule: Rule, slot: int) -> str:
    """The nft name of a rule's counter."""
    return f"{rule.section}_{slot:02d}_{rule.location.line}"


def of_implicit(token: str) -> str:
    """The nft name of an implicit rule's counter; rules of one token share it."""
    return f"implicit_{token.lower()}"


def key(name: str) -> str:
    """A counter's name outside nft: ``filter_05_14`` is ``Filter/05:14``, ``implicit_ha`` is ``implicit/ha``."""
    rule = _RULE.fullmatch(name)
    if rule:
        return f"Filter/{rule[1]}:{rule[2]}"
    return name.replace("implicit_", "implicit/", 1)


def places(listing: Mapping[str, Any]) -> Counts:
    """The counters in what :data:`LIST_COMMAND` printed, once decoded."""
    entries = [entry["counter"] for entry in listing["nftables"] if "counter" in entry]
    return {key(e["name"]): (e["packets"], e["bytes"]) for e in entries if e["table"] in _TABLES}


def read() -> Counts:
    """The counters of the running rule sets of this network namespace. Raises ProgramFailed."""
    return places(json.loads(programs.run(LIST_COMMAND)))
