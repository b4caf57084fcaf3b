"""What a member knows of the cluster, in the product's words (``HA INFO``, sns.md 5.6) as far as they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.appliance.ha_state import Mode, Report

if TYPE_CHECKING:
    from lab.appliance.ha_agent import Agent

_STATES = {
    Mode.STARTING: "Waiting peer",
    Mode.PASSIVE: "Ready",
    Mode.ACTIVE: "Running",
    Mode.YIELDING: "Running",
}


def status(agent: Agent, now: float) -> dict[str, object]:
    """``local`` and ``peer`` (None when it is not heard), the HA link, and whether both configurations are the same.

    ``segments`` are the data segments where the peer is heard; ``synchronised`` is None when the peer is not heard.
    """
    member, place = agent.member, agent.place
    peer = member.peer if member.hears(now) else None
    link = "OK" if member.link_alive(now) else "Failed"
    own = agent.report(now)
    return {
        "local": _described(own, str(place.own.address), link, agent.link_since),
        "peer": None if peer is None else _described(peer, str(place.peer.address), link, agent.link_since),
        "peer_serial": place.peer.serial,
        "peer_ip": str(place.peer.address),
        "link": link,
        "segments": list(member.segments_alive(now)),
        "synchronised": None if peer is None else peer.digest == own.digest,
        "gate": "open" if agent.lease.held else "shut",
        "cause": member.cause.value,
        "priority_class": agent.priority,
    }


def _described(report: Report, address: str, link: str, link_since: int) -> dict[str, object]:
    standing = report.standing
    return {
        "serial": standing.serial,
        "reply": 1,
        "mode": report.mode.value,
        "state": _STATES[report.mode],
        "forced": standing.forced.value,
        "quality": standing.quality,
        "priority": standing.priority,
        "ip": address,
        "link": link,
        "link_changed": link_since,
        "boot": report.boot // 1_000_000_000,
        "last_sync": report.last_sync,
        "last_change": report.last_change,
        "digest": report.digest.hex(),
    }
