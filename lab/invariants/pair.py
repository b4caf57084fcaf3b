"""A pair as it is watched: its members, what they share, and who stands beside them on the same segments."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.appliance.devices import device
from lab.appliance.ha_timers import Timers
from lab.cluster import Cluster
from lab.device import Appliance
from lab.host import LabHost
from lab.invariants.questions import Question


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members. ``nics`` are their data interfaces, ``addresses`` what they answer for; ``bystanders`` are the other ports
    of the data segments, and ``questions`` what one of them asks all along.
    """

    site: str
    members: tuple[Appliance, ...]
    nics: tuple[str, ...]
    timers: Timers
    addresses: tuple[IPv4Address, ...]
    questions: tuple[Question, ...]
    bystanders: tuple[tuple[str, str], ...]


def pair_of(cluster: Cluster, hosts: dict[str, LabHost]) -> Pair:
    """What there is to watch of a cluster, in a lab of these ``hosts``. Raises ValueError for a single appliance."""
    first = cluster.members[0]
    if len(cluster.members) != 2:
        raise ValueError(f"{cluster.site}: {first.name} stands alone: there is no pair to watch")
    configuration = first.configuration()
    data = {
        device(interface.section): interface.address.ip
        for interface in configuration.interfaces
        if interface.enabled and interface.name != configuration.ha.interface and interface.address is not None
    }
    segments = {first.host.nic(nic).segment: address for nic, address in data.items()}
    members = {member.name for member in cluster.members}
    beside = [
        (host, nic) for host in hosts.values() for nic in host.spec.nics if nic.segment in segments and host.name not in members
    ]
    questions = []
    for segment, address in segments.items():
        there = [one for one in beside if one[1].segment == segment and not one[1].trunk]
        (asker, nic), *others = sorted(there, key=lambda one: one[0].site != cluster.site)  # those of the site come first
        witness = (others[0][0].name, others[0][1].name) if others else None
        questions.append(Question(asker, nic.name, address, witness))
    return Pair(
        site=cluster.site,
        members=cluster.members,
        nics=tuple(data),
        timers=Timers.of(configuration.ha),
        addresses=tuple(data.values()),
        questions=tuple(questions),
        bystanders=tuple((host.name, nic.name) for host, nic in beside),
    )
