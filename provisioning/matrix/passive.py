"""What the passive member of a pair does with the packets that the active one lets through: nothing.

But for one: what comes to the firewall itself by the network of the HA link, on which both members speak, both take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.matrix import packets
from lab.matrix.measure import BURST, QUIET
from lab.matrix.stand import Stand
from lab.matrix.trace import FIREWALL, Probe, Sighting
from provisioning.matrix.points import open_stand

if TYPE_CHECKING:
    from lab.device import Appliance
    from provisioning.environment import LabEnvironment
    from sns.model import Configuration

MOST = 256
"""Packets for one member: as many ways through as a policy has, several times over."""

_PAUSE = 0.0005  # s between two looks


@dataclass(frozen=True, slots=True)
class Silence:
    """A passive member: how many packets were sent to it, how many of them arrived there, and where any came out."""

    site: str
    member: str
    sent: int
    arrived: int
    seen: tuple[str, ...]


def measure(environment: LabEnvironment, through: Mapping[str, Sequence[Probe]]) -> list[Silence]:
    """Send each passive member what its pair lets ``through``, by site, put in at a wire. Raises LabError."""
    members = {site: passive for site in through if (passive := _passive(environment, site)) is not None}
    if not members:
        return []
    configurations = {site: environment.configuration(site) for site in environment.deployment.sites}
    stand = open_stand(environment, configurations, members=members)
    try:
        return [
            _silence(stand, site, member, _some(through[site]), _shared(site, configurations[site]))
            for site, member in members.items()
        ]
    finally:
        stand.close()


def _passive(environment: LabEnvironment, site: str) -> Appliance | None:
    cluster = environment.cluster(site)
    active = cluster.active()
    return next((member for member in cluster.members if member is not active), None)


def _some(probes: Sequence[Probe]) -> Sequence[Probe]:
    """Of all kinds some: they stand in the order of their classes."""
    return probes[:: 1 + len(probes) // MOST]


def _shared(site: str, configuration: Configuration) -> str:
    """The point where the members speak to each other."""
    link = configuration.interface(configuration.ha.interface or "")
    return f"{site}:{link.name}" if link else ""


def _silence(stand: Stand, site: str, member: Appliance, probes: Sequence[Probe], shared: str) -> Silence:
    entries = sorted({probe.entry for probe in probes})
    for entry in entries:
        stand.arrived(entry)
    seen: list[str] = []
    for number, probe in enumerate(probes, start=1):
        stand.send(probe.entry, packets.first(probe.flow, number, probe.protocol))
        if number % BURST == 0:
            seen += _sightings(stand, probes, shared)
    deadline = time.monotonic() + QUIET
    while time.monotonic() < deadline:
        seen += _sightings(stand, probes, shared)
        time.sleep(_PAUSE)
    return Silence(site, member.name, len(probes), sum(stand.arrived(entry) or 0 for entry in entries), tuple(seen))


def _sightings(stand: Stand, probes: Sequence[Probe], shared: str) -> Iterator[str]:
    for one in stand.look():
        if isinstance(one, Sighting):
            probe = probes[one.seen.number - 1]
            taken = one.point.endswith(f":{FIREWALL}")
            if not (taken and probe.entry == shared):
                yield f"{probe}: {one}"
