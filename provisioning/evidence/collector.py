"""Collects the evidence of one scenario after the other: follows who takes part, and keeps what concerns them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from lab.cluster import Cluster
from lab.journal import Ran
from provisioning.deployment import Deployment
from provisioning.deployment_model import Tunnel
from provisioning.evidence import bounds, commands, logs, states
from provisioning.evidence.bounds import Piece
from provisioning.evidence.captures import capture
from provisioning.evidence.commands import Step
from provisioning.evidence.exercised import Exercisable, Exercised
from provisioning.evidence.flows import Flows, Owners, is_in, owners
from provisioning.outline import outline
from provisioning.redaction import Redaction

if TYPE_CHECKING:
    from lab.capture import Frame
    from lab.running import Lab

VPN_CLIENT = "vpn-client"


@dataclass(slots=True)
class Span:
    """One scenario, from its beginning: who took part by name, which firewalls, and how they were."""

    logs: logs.Positions
    hosts: set[str] = field(default_factory=set)
    commands: list[Ran] = field(default_factory=list)
    before: dict[str, states.Moment] = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)
    took_part: set[str] = field(default_factory=set)
    left: int = bounds.SCENARIO
    tunnels: set[str] = field(default_factory=set)
    exercised: dict[str, Exercised] = field(default_factory=dict)


class Collector:
    """The evidence of one environment."""

    def __init__(self, deployment: Deployment, lab: Lab, cluster: Callable[[str], Cluster], redaction: Redaction) -> None:
        self._deployment = deployment
        self._lab = lab
        self._cluster = cluster
        self._redaction = redaction
        self._exercisable: dict[str, Exercisable] = {}
        self._left = bounds.RUN
        self._span = Span({})

    @cached_property
    def _owners(self) -> Owners:
        return _owners(self._deployment, self._lab)

    @cached_property
    def _firewalls(self) -> frozenset[str]:
        return frozenset(member.id for site in self._deployment.sites.values() for member in site.firewall.members)

    # While it goes on

    def begin(self) -> None:
        """A scenario begins."""
        self._span = Span(logs.positions(self._lab.hosts.values()))
        for host in self._lab.hosts.values():
            host.journal = self._ran

    def concerns(self, *sites: str, tunnel: str = "") -> None:
        """It is about the firewalls of these sites, and about a tunnel."""
        for site in sites:
            self._span.before.setdefault(site, states.Moment.of(self._cluster(site)))
        self._span.tunnels |= {tunnel} - {""}

    def takes_part(self, host: str) -> None:
        """A step asked for a host."""
        self._span.hosts.add(host)

    def concerns_cluster(self, site: str) -> None:
        """A step asked for a pair as such: high availability is what it looks at."""
        self._span.clusters.add(site)
        self._span.hosts |= {member.name for member in self._cluster(site).members}

    def _ran(self, command: Ran) -> None:
        self._span.commands.append(command)
        for text in (command.command, command.stdout, command.stderr):
            self._redaction.notice(text)

    # When it has ended

    def pieces(self, title: str, steps: Sequence[Step], frames: Mapping[str, Sequence[Frame]]) -> Iterator[Piece]:
        """What is kept of the scenario that ends: what its hosts told, what its firewalls hold, what its wires carried.

        ``title`` names run and scenario. Nothing exceeds the bounds; what was cut says so in its description.
        """
        span, flows = self._span, Flows(frames, self._owners, self._firewalls)
        span.took_part = self._took_part(span, flows)
        yield from map(self._within_bounds, self._texts(span, flows, steps))
        points = sorted(frames, key=lambda point: len(frames[point]))
        for number, point in enumerate(points):
            if seen := flows.of(point, span.took_part, heartbeats=bool(span.clusters)):
                limit = min(bounds.CAPTURE, self._allowance // (len(points) - number))
                yield self._taken(capture(point, seen, title=title, steps=steps, redaction=self._redaction, limit=limit))

    @property
    def exercised(self) -> Mapping[str, Exercised]:
        """What the scenario exercised of each site that it is about, once :meth:`pieces` has told all."""
        return self._span.exercised

    def logs(self) -> Iterator[Piece]:
        """What the logs of the hosts that took part gained since the scenario began, for one that failed."""
        for name in sorted(self._span.took_part):
            yield self._within_bounds(logs.gained(self._lab.host(name), self._span.logs))

    @property
    def _allowance(self) -> int:
        return max(0, min(self._span.left, self._left))

    def _within_bounds(self, piece: Piece) -> Piece:
        text = self._redaction.text(str(piece.content))
        what, text = bounds.shortened(piece.what, text, min(bounds.TEXT, self._allowance))
        # As bytes, which nobody needs to look through for secrets again.
        return self._taken(Piece(piece.name, text.encode("utf-8", "backslashreplace"), what))

    def _taken(self, piece: Piece) -> Piece:
        self._span.left -= piece.size
        self._left -= piece.size
        return piece

    def _took_part(self, span: Span, flows: Flows) -> set[str]:
        """Hosts that steps asked for, the firewalls that it is about, and whom the former exchanged packets with."""
        about = {member.id for site in span.before for member in self._deployment.site(site).firewall.members}
        return span.hosts | about | flows.partners(span.hosts)

    def _texts(self, span: Span, flows: Flows, steps: Sequence[Step]) -> Iterator[Piece]:
        if span.commands:
            text = commands.shown(span.commands, steps, self._redaction.text)
            yield Piece("commands.txt", text, "the commands that were run, and what they printed")
        after = {site: states.Moment.of(self._cluster(site)) for site in {*span.before, *span.clusters}}
        span.exercised = {
            site: self._exercisable_of(site).exercised(self._cluster(site), before, after[site], span.logs)
            for site, before in span.before.items()
        }
        for site in span.before:
            yield states.counted(self._cluster(site), span.before[site], after[site])
        for site in sorted(span.clusters & {site.name for site in self._deployment.sites.values() if site.firewall.is_cluster}):
            yield states.availability(self._cluster(site), span.before.get(site, after[site]), after[site])
        yield from states.associations([self._cluster(site) for site in self._joined(span, flows)])
        if VPN_CLIENT in span.hosts:
            served = [site for site in span.before if self._deployment.site(site).pools]
            yield from states.vpn_users([self._cluster(site) for site in served])

    def _exercisable_of(self, site: str) -> Exercisable:
        if site not in self._exercisable:
            self._exercisable[site] = Exercisable(self._deployment.configuration(site))
        return self._exercisable[site]

    def _joined(self, span: Span, flows: Flows) -> list[str]:
        """The sites of the tunnels that it is about, or that packets between their networks should have taken."""
        pairs = flows.pairs()
        used = [tunnel for tunnel in self._deployment.tunnels if tunnel.id in span.tunnels or self._crossed(tunnel, pairs)]
        return list(dict.fromkeys(site for tunnel in used for site in tunnel.sites))

    def _crossed(self, tunnel: Tunnel, pairs: set[tuple[bytes, bytes]]) -> bool:
        first, second = (self._deployment.site(site).networks[tunnel.network_at(site)].subnet for site in tunnel.sites)
        return any(is_in(pair[0], one) and is_in(pair[1], other) for pair in pairs
                   for one, other in ((first, second), (second, first)))  # fmt: skip


def _owners(deployment: Deployment, lab: Lab) -> Owners:
    """Every address of the plan, and the hosts that have it; members of a pair share those of the data networks."""
    found = [(host["name"], address) for host in outline(deployment)["hosts"]
             for interface in host["interfaces"] for address in interface["addresses"]]  # fmt: skip
    found += [(host.name, nic.mac) for host in lab.topology.hosts for nic in host.nics]
    for site in deployment.sites.values():
        shared = [one.mac for name in site.firewall.nics if (one := deployment.interface(site.name, name)) and one.mac]
        found += [(member.id, mac) for member in site.firewall.members for mac in shared]
    return owners(found)
