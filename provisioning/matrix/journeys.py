"""What the configurations of a deployment say of one packet, from firewall to firewall: a tunnel leads to the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from lab.appliance.proxies import Proxy, proxies_of
from sns.cuts import Cuts
from sns.implicit import FIREWALL
from sns.paths import IPSEC, SSL_VPN, Paths
from sns.prediction import ICMP_REQUESTS, Flow, Prediction, Predictor
from sns.resolution import PortRange, Resolver

if TYPE_CHECKING:
    from sns.addresses import AddressSet
    from sns.model import Configuration


@dataclass(frozen=True, slots=True)
class Stage:
    """One firewall's part: the packet as it arrives there, and what it does with it. ``proxied``: it takes it for itself,
    to speak for the client.
    """

    site: str
    flow: Flow
    prediction: Prediction
    proxied: bool = False

    @property
    def departure(self) -> str | None:
        """Where it leaves; None when it does not."""
        return FIREWALL if self.proxied else self.prediction.departure


class Candidates(NamedTuple):
    """Packets from any of these sources to any other address of these destinations, by each service: transport and port."""

    arrival: str
    sources: tuple[IPv4Address, ...]
    destinations: tuple[IPv4Address, ...]
    services: tuple[tuple[str, int], ...]
    source_port: int

    def flows(self) -> Iterator[Flow]:
        """All of them."""
        for source, destination, (protocol, port) in product(self.sources, self.destinations, self.services):
            if source != destination:
                yield Flow(self.arrival, source, destination, protocol, self.source_port, port)


class Journeys:
    """Predictions over all firewalls of a deployment, by site."""

    def __init__(self, configurations: Mapping[str, Configuration]) -> None:
        """Raises KeyError when an active slot has no file."""
        self.configurations = configurations
        self._predictors = {site: Predictor(one) for site, one in configurations.items()}
        self._resolvers = {site: Resolver(one) for site, one in configurations.items()}
        self._paths = {site: Paths(one, self._resolvers[site]) for site, one in configurations.items()}
        self._proxies = {site: proxies_of(one, self._resolvers[site]) for site, one in configurations.items()}
        self._through: dict[tuple[str, Candidates], tuple[Flow, ...]] = {}

    def protocol(self, site: str, name: str) -> int:
        """The number of an IP protocol as a site's configuration knows it. Raises UnknownObject."""
        return self._resolvers[site].protocol_number(name)

    def own_addresses(self, site: str) -> AddressSet:
        """The addresses of a site's firewall itself."""
        return self._resolvers[site].own_addresses()

    def sends(self, site: str, flow: Flow) -> bool:
        """Whether a site's firewall may itself begin with this: from an address of its own to a host, not to itself."""
        begins = flow.icmp_type is None or flow.icmp_type in ICMP_REQUESTS
        own = self.own_addresses(site)
        return begins and flow.source in own and flow.destination not in own | self._paths[site].everybodys()

    def answers(self, stage: Stage) -> bool:
        """Whether a firewall that takes a packet has a way to say something back."""
        flow = stage.flow
        if not stage.proxied and flow.destination not in self.own_addresses(stage.site):
            return False
        return self.way_back(stage) is not None

    def services(self, site: str) -> Iterator[tuple[str, int]]:
        """The services that a site's rules name: transport and first port."""
        yield from sorted({(port.protocol, port.first) for port in Cuts.of(self.configurations[site]).ports})

    def ports(self, site: str, service: str) -> tuple[PortRange, ...]:
        """The ports of a service of a site's configuration. Raises UnknownObject."""
        return self._resolvers[site].services(service)

    def of(self, site: str, flow: Flow) -> tuple[Stage, ...]:
        """The stages of a packet that arrives at a site's firewall; the last one is where it ends, or leaves for good."""
        return tuple(self._stages(site, flow))

    def getting_through(self, site: str, candidates: Candidates) -> tuple[Flow, ...]:
        """The first that gets to a host through a site's firewall alone, and the first that does through a tunnel too.

        Thousands may have to be looked at for two: what was found is kept.
        """
        if (site, candidates) not in self._through:
            found: dict[bool, Flow] = {}
            for flow in candidates.flows():
                stages = self.of(site, flow)
                if stages[-1].departure not in (None, SSL_VPN, IPSEC, FIREWALL):
                    found.setdefault(len(stages) > 1, flow)
                if len(found) == 2:
                    break
            self._through[site, candidates] = tuple(found.values())
        return self._through[site, candidates]

    def way_back(self, stage: Stage) -> str | None:
        """Where a reply to a packet leaves the firewall at which it was put in; None when no way leads back."""
        return self._paths[stage.site].way(stage.flow.destination, stage.flow.source).departure

    def _stages(self, site: str, flow: Flow) -> Iterator[Stage]:
        met: set[str] = set()
        while site not in met:
            met.add(site)
            stage = self._stage(site, flow)
            yield stage
            if stage.departure != IPSEC:
                return
            flow = replace(stage.prediction.translated, arrival=IPSEC)
            there = self.beyond_tunnel(site, flow.source, flow.destination)
            if there is None:
                return
            site = there

    def _stage(self, site: str, flow: Flow) -> Stage:
        prediction = self._predictors[site].predict(flow)
        return Stage(site, flow, prediction, any(_takes(proxy, flow, prediction) for proxy in self._proxies[site]))

    def beyond_tunnel(self, site: str, source: IPv4Address, destination: IPv4Address) -> str | None:
        """The site whose firewall gets these addresses out of a tunnel from another; None when nobody of ours does."""
        for other, paths in self._paths.items():
            if other != site and paths.refusal(IPSEC, source, destination) is None:
                return other
        return None

    def before_tunnel(self, site: str, flow: Flow) -> tuple[str, Flow] | None:
        """Where a packet that is to come out of a tunnel at a site has to be sent, and how it arrives there."""
        for other, paths in self._paths.items():
            if other == site or paths.way(flow.source, flow.destination).departure != IPSEC:
                continue
            arrival = paths.way(flow.destination, flow.source).departure
            if arrival not in (None, FIREWALL, IPSEC, SSL_VPN):
                return other, replace(flow, arrival=str(arrival))
        return None


_latest: list[Journeys] = []


def journeys_of(configurations: Mapping[str, Configuration]) -> Journeys:
    """Journeys by these configurations: those of last time while all of them are equal, so that what they have found serves.

    A configuration never changes; that of a firewall that was changed is another one, which differs. Raises KeyError as
    :class:`Journeys` does.
    """
    if not _latest or _latest[0].configurations != configurations:
        _latest[:] = [Journeys(configurations)]
    return _latest[0]


def _takes(proxy: Proxy, flow: Flow, prediction: Prediction) -> bool:
    return (
        prediction.rule is proxy.rule  # it is led to the proxy before anybody asks for its way
        and flow.protocol == "tcp"
        and any(flow.destination_port in port for port in proxy.ports)
    )
