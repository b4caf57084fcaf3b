"""Measure packets in a deployment's lab and hold what was seen against what the configurations say: for anyone who asks.

    for compared in measure(environment, [("sbg7", flow), …]):
        compared.disagreements   # () when prediction and measurement agree
        compared.trace.last      # where the packet was last seen, as what

The running configurations are read when it begins: whoever changes one measures anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab.matrix.measure import Measurement
from lab.matrix.stand import Client
from lab.matrix.trace import Batch, Probe, Trace
from provisioning.matrix.comparison import Compared, compare
from provisioning.matrix.journeys import Candidates, journeys_of
from provisioning.matrix.points import Ways, open_stand
from sns.implicit import FIREWALL
from sns.paths import SSL_VPN
from sns.prediction import Flow

if TYPE_CHECKING:
    from lab.device import Snapshot
    from provisioning.environment import LabEnvironment

REPEATED = 100  # packets that are measured again alone, at the most, because they disagree: more are no accident
_ROUTE = "route:"  # its counter: which way a packet took its sightings tell
_CONTROL_PORT, _CONTROL_SOURCE_PORT = 7, 39_999  # echo; a source port that no class has


class Matrix:
    """The firewalls of a lab, ready to be measured until it is closed. Raises LabError."""

    def __init__(self, environment: LabEnvironment, clients: Sequence[tuple[Client, IPv4Address]] = ()) -> None:
        """``clients`` are connected VPN users with the address that each has in its tunnel."""
        deployment = environment.deployment
        self._environment, self._begun_with = environment, _active(environment)
        configurations = {site: environment.configuration(site) for site in deployment.sites}
        self.journeys = journeys_of(configurations)
        self._hosts = (*_hosts(environment), *(address for _, address in clients))
        self._stand = open_stand(environment, configurations, [client for client, _ in clients])
        self.ways = Ways(self.journeys, self._stand.entries, clients)

    @property
    def hosts(self) -> Sequence[IPv4Address]:
        """The addresses of the plan's hosts and of connected VPN users, which classes tell apart."""
        return self._hosts

    def is_of_now(self) -> bool:
        """Whether the members that it measures are still the active ones, and have the configuration that they had."""
        return _active(self._environment) == self._begun_with

    def close(self) -> None:
        """Leave the lab as it was."""
        self._stand.close()

    def measure(self, asked: Iterable[tuple[str, Flow]], *, enough: int = REPEATED) -> Iterator[Compared]:
        """Measure flows, each as it arrives at a site's firewall; what nothing in the lab can send is left out.

        Once ``enough`` of those that disagree have done so twice, none is sent again.
        """
        for _, compared in self.batches(asked, enough=enough):
            yield from compared

    def batches(
        self, asked: Iterable[tuple[str, Flow]], *, enough: int = REPEATED
    ) -> Iterator[tuple[Batch, Sequence[Compared]]]:
        """The same, a batch at a time, with what the rules counted meanwhile."""
        waiting = self._waiting(asked)
        measurement = self._measurement(waiting)
        patience = REPEATED
        for batch in measurement.batches(waiting):
            found = [compare(self.journeys, *waiting[trace.probe], trace) for trace in batch.traces]
            for place, compared in enumerate(found):
                if compared.disagreements and patience and enough:
                    patience -= 1
                    found[place] = self._alone(measurement, compared)
                    enough -= bool(found[place].disagreements)
            yield batch, found

    def traces(self, asked: Iterable[tuple[str, Flow]]) -> Iterator[tuple[Flow, Trace]]:
        """What was seen of flows, for those who know themselves what should be: nothing is compared or sent again."""
        waiting = self._waiting(asked)
        for batch in self._measurement(waiting).batches(waiting):
            yield from ((waiting[trace.probe][1], trace) for trace in batch.traces)

    def _waiting(self, asked: Iterable[tuple[str, Flow]]) -> dict[Probe, tuple[str, Flow]]:
        """What can be sent, by how it is."""
        waiting: dict[Probe, tuple[str, Flow]] = {}
        for site, flow in asked:
            if (probe := self.ways.probe(site, flow)) is not None:
                waiting.setdefault(probe, (site, flow))
        return waiting

    def _measurement(self, probes: Iterable[Probe]) -> Measurement:
        return Measurement(self._stand, list(self._controls({probe.entry for probe in probes})))

    def _alone(self, measurement: Measurement, compared: Compared) -> Compared:
        """The same packet with no other in flight: two of a protocol without ports cannot share a translated address."""
        (batch,) = measurement.batches([compared.trace.probe])
        expected = Counter(place for control in batch.controls for place in self._places(control))
        grown = tuple(
            f"{site}/{place}"
            for site, places in batch.counted.items()
            for place, number in places.items()
            if number > expected[f"{site}/{place}"] and not place.startswith(_ROUTE)
        )
        return replace(compare(self.journeys, compared.site, compared.flow, batch.traces[0]), counted=grown)

    def _places(self, probe: Probe) -> Iterator[str]:
        """The rules that count a packet, by the configurations."""
        for stage in self.journeys.of(probe.entry.partition(":")[0], probe.flow):
            told = stage.prediction
            yield from (f"{stage.site}/{rule.location}" for rule in (told.rule, told.nat_rule) if rule is not None)

    def _controls(self, entries: Iterable[str]) -> Iterator[Probe]:
        """For each entry one packet that gets through, and one that gets through by each tunnel that it leads to."""
        for entry in sorted(entries):
            site, _, arrival = entry.partition(":")
            own = tuple(first for first, _ in self.journeys.own_addresses(site).ranges())
            if arrival.startswith("client-"):
                arrival, sources = SSL_VPN, tuple(self.ways.addresses(entry))
            else:
                sources = own if arrival == FIREWALL else self._hosts
            services = (*self.journeys.services(site), ("tcp", _CONTROL_PORT), ("udp", _CONTROL_PORT))
            candidates = Candidates(arrival, sources, (*self._hosts, *own), services, _CONTROL_SOURCE_PORT)
            for flow in self.journeys.getting_through(site, candidates):
                yield Probe(entry, flow, self.journeys.protocol(site, flow.protocol))


def measure(
    environment: LabEnvironment, asked: Iterable[tuple[str, Flow]], clients: Sequence[tuple[Client, IPv4Address]] = ()
) -> list[Compared]:
    """Measure flows once, each as it arrives at the firewall of a site. Raises LabError."""
    matrix = Matrix(environment, clients)
    try:
        return list(matrix.measure(asked))
    finally:
        matrix.close()


def _active(environment: LabEnvironment) -> dict[str, tuple[str, Snapshot]]:
    """Who is active at each site, and its configuration files."""
    active = {site: environment.firewall(site) for site in environment.deployment.sites}
    return {site: (member.name, member.snapshot()) for site, member in active.items()}


def _hosts(environment: LabEnvironment) -> Iterator[IPv4Address]:
    deployment = environment.deployment
    internet = deployment.internet
    yield from (internet.stranger, internet.admin, internet.public)
    for site in deployment.sites.values():
        yield from (host.address for host in site.hosts.values())
