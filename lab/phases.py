"""How a failover splits into phases, from what both members wrote to ``/log/l_ha`` (:mod:`lab.appliance.ha_log`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.cluster import Cluster

_LOG = "/log/l_ha"
_HANDED_OVER = "peer_yielded"
_SESSIONS, _TUNNEL = "sessions adopted", "tunnels up"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a failover, in seconds of the monotonic clock."""

    name: str
    begin: float
    end: float


Event = dict[str, Any]
"""A line of the log."""


def events(cluster: Cluster, since: float) -> list[Event]:
    """What both members logged since a moment (monotonic s), in the order in which it happened."""
    return sorted(
        (event for member in cluster.members for event in _read(member.path(_LOG).read_bytes()) if event["monotonic"] >= since),
        key=lambda event: float(event["monotonic"]),
    )


def _read(log: bytes) -> Iterable[Event]:
    for line in log.splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # a member that lost power wrote half of it
            continue


def moment_of_handover(told: Sequence[Event]) -> float | None:
    """When the active member began to give the work away (monotonic s); None when it could not."""
    yielded = _mode(told, before="active", after="yielding")
    return float(yielded["phases"]["decided"]) if yielded else None


def phases(told: Sequence[Event], moment: float) -> list[Phase]:
    """The phases of the failover whose event was at ``moment`` (monotonic s), as far as the members tell of them.

    Detection ends when somebody decides: the member that sees its own fault, or the one that misses its peer. Election ends
    when the new active member's gate is open, addresses when it has announced them. Sessions and tunnel are what its other
    programs then need, side by side.
    """
    taken = next((event for event in told if event["event"] == "mode" and event["after"] == "active"
                  and event["monotonic"] >= moment and event["before"] in ("passive", "starting")), None)  # fmt: skip
    if taken is None:
        return []
    marks = taken["phases"]
    # A member whose cables all go at once wants to hand over too, and nobody hears it: only what was taken up counts.
    yielded = taken["cause"] == _HANDED_OVER
    given = moment_of_handover([event for event in told if event["member"] != taken["member"]]) if yielded else None
    decided = max(moment, given if given is not None and given <= marks["decided"] else marks["decided"])
    found = [
        Phase("detection", moment, decided),
        Phase("election", decided, marks["gate_open"]),
        Phase("addresses", marks["gate_open"], marks["announced"]),
    ]
    for name, event in (("sessions", _SESSIONS), ("tunnel", _TUNNEL)):
        done = next((one for one in told if one["event"] == event and one["member"] == taken["member"]
                     and one["monotonic"] >= marks["announced"] and not one.get("failure")), None)  # fmt: skip
        if done is not None:
            found.append(Phase(name, marks["announced"], done["monotonic"]))
    return found


def _mode(told: Iterable[Event], *, before: str, after: str) -> Event | None:
    return next((one for one in told if one["event"] == "mode" and (one["before"], one["after"]) == (before, after)), None)


def eaten_by(found: Iterable[Phase], begin: float, end: float) -> str:
    """Which phases a silence from ``begin`` to ``end`` (monotonic s) consists of, the longest first, in words."""
    shares = {phase.name: min(end, phase.end) - max(begin, phase.begin) for phase in found}
    last = max((phase.end for phase in found), default=begin)
    shares["after the last phase"] = end - max(begin, last)
    told = [f"{share * 1000:.0f} ms {name}" for name, share in sorted(shares.items(), key=lambda one: -one[1])
            if share >= 0.0005]  # fmt: skip
    return ", ".join(told)
