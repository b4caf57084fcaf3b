"""Whether a running lab is as it was when it was whole: its pairs, their files, the published sites, the tunnels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lab import probe
from lab.device import differences
from lab.probe import Target, reached

if TYPE_CHECKING:
    from lab.device import Snapshot
    from provisioning.deployment_model import PrivateHost, Tunnel
    from provisioning.environment import LabEnvironment

ANSWERED_WITHIN = 0.3  # s, twenty times the round trip between the sites


def configured(environment: LabEnvironment) -> dict[str, Snapshot]:
    """Every member's configuration as it is now, by name."""
    return {
        member.name: member.snapshot() for site in environment.deployment.sites for member in environment.cluster(site).members
    }


def ailments(environment: LabEnvironment, planned: Mapping[str, Snapshot]) -> list[str]:
    """What is not as it was: members, their configuration, the published sites, the tunnels; nothing when all is well."""
    return list(_pairs(environment, planned)) or [*_published(environment), *_tunnels(environment)]


def _pairs(environment: LabEnvironment, planned: Mapping[str, Snapshot]) -> Iterator[str]:
    for site in environment.deployment.sites.values():
        pair = environment.cluster(site.name)
        states = pair.states()
        if sorted(states.values()) != ["active", "passive"][: len(states)]:
            yield f"the members are {states}"
        yield from (f"{one.name} is configured differently" for one in pair.members if one.snapshot() != planned[one.name])


def _published(environment: LabEnvironment) -> Iterator[str]:
    for site in environment.deployment.sites.values():
        public = environment.deployment.public_address(site.name)
        for service in site.published:
            if service.protocol == "tcp" and not reached(environment.stranger, Target(public, service.port)):
                yield f"the published {service.name} of {site.name} does not answer"


def _tunnels(environment: LabEnvironment) -> Iterator[str]:
    for tunnel in environment.deployment.tunnels:
        ends = [environment.deployment.site(site).hosts_of("web")[:1] for site in tunnel.sites]
        for near, far in (ends, ends[::-1]):
            for one, other in zip(near, far, strict=False):
                if _lost(environment, one, other):
                    found = [_standing(environment, tunnel), *_counted(environment, tunnel, one, other)]
                    yield f"{one.id} does not reach {other.id} ({'; '.join(found)})"


def _lost(environment: LabEnvironment, one: PrivateHost, other: PrivateHost) -> int:
    return probe.ping(environment.host(one.id), other.address, count=1, within=ANSWERED_WITHIN).lost


def _counted(environment: LabEnvironment, tunnel: Tunnel, one: PrivateHost, other: PrivateHost) -> Iterator[str]:
    """Which rules of the firewalls count while it is tried once more: where the packet ends."""
    firewalls = [environment.firewall(site) for site in tunnel.sites]
    before = [firewall.counters() for firewall in firewalls]
    _lost(environment, one, other)
    for firewall, counters in zip(firewalls, before, strict=True):
        grown = differences(counters, firewall.counters())
        yield f"{firewall.name} counted {', '.join(f'{place} {packets}' for place, packets in grown.items()) or 'nothing'}"


def _standing(environment: LabEnvironment, tunnel: Tunnel) -> str:
    standing = {
        site: [
            f"{sa.child} {sa.spi_in}/{sa.spi_out}"
            for sa in environment.firewall(site).security_associations()
            if sa.established
        ]
        for site in tunnel.sites
    }
    return "tunnels that stand: " + ", ".join(f"{', '.join(found) or 'none'} at {site}" for site, found in standing.items())
