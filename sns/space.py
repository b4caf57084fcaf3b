"""Sets of packets with exact arithmetic, for one configuration: what a rule takes, what is left for those below it.

A packet has five dimensions: where it arrives, source, destination, service (IP protocol with destination port or ICMP
type) and source port. Each is cut wherever the configuration draws a line (:mod:`sns.cuts`), so that all packets of a cell
meet the same fate. Every set of packets is a list of boxes, and nothing is ever estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from .addresses import ALL, AddressSet
from .boxes import Box, cells, lowest, meet, outside
from .cuts import ICMP, TRANSPORTS, Cells, Cuts, Services, ranges
from .errors import ResolutionError, ServiceMismatch
from .implicit import FIREWALL, ImplicitRule
from .model import Configuration, Operand, Rule
from .paths import IPSEC, SSL_VPN, Paths
from .prediction import ICMP_REQUESTS, Flow
from .resolution import PROTOCOL_NAMES, PROTOCOL_NUMBERS, PortRange, Resolver

_TUNNELS = (IPSEC, SSL_VPN)


class Space:
    """The packets that can reach one configuration's rules, and what each rule takes of them."""

    def __init__(self, configuration: Configuration, cuts: Cuts) -> None:
        """``cuts`` are this configuration's, and maybe another's with which it is compared."""
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self._paths = Paths(configuration, self._resolver)
        self._enabled = {interface.name.lower() for interface in configuration.interfaces if interface.enabled}
        self.arrivals = cuts.arrivals
        self._way = {name: 1 << place for place, name in enumerate(cuts.arrivals)}
        for interface in configuration.interfaces:
            self._way.setdefault(interface.section.lower(), self._way.get(interface.name.lower(), 0))
        self.services = Services(cuts.ports, cuts.icmp_types, cuts.protocols)
        self.source_ports = Cells(65535, ((port.first, port.last) for port in cuts.source_ports))
        self.addresses = Cells(2**32 - 1, ranges(cuts.addresses))
        self.everything = Box(
            (1 << len(self.arrivals)) - 1, self.addresses.all, self.addresses.all, self.services.all, self.source_ports.all
        )

    def _ports(self, operand: Operand, rule: Rule) -> tuple[PortRange, ...]:
        try:
            return self._resolver.services(operand, rule.ip_protocol)
        except ResolutionError:
            return ()

    # What rules take

    def implicit(self, rule: ImplicitRule) -> Box | None:
        """The packets of an implicit rule."""
        arrival = self.everything.arrival
        if rule.interfaces is not None:
            arrival = _union(self._way.get(name.lower(), 0) for name in rule.interfaces)
        service = self.services.ports(rule.ports) if rule.ports else self.services.all
        if rule.ip_protocol is not None:
            service &= self.services.protocol(self._resolver.protocol_number(rule.ip_protocol))
        box = Box(arrival, self._mask(rule.sources), self._mask(rule.destinations), service, self.source_ports.all)
        return box if all(box) else None

    def rule(self, rule: Rule) -> list[Box]:
        """The packets that a rule of the slot describes, disjoint; none when a name of it does not resolve."""
        try:
            service, source_port = self._service(rule), self.source_ports.all
        except ResolutionError:
            return []
        if not rule.source_port.is_any:
            ports = self._ports(rule.source_port, rule)
            source_port = self.source_ports.mask((port.first, port.last) for port in ports)
            service &= _union(self.services.protocol(PROTOCOL_NUMBERS[port.protocol]) for port in ports)
        source, destination = (
            self._mask(self._resolver.resolved(rule.source)),
            self._mask(self._resolver.resolved(rule.destination)),
        )
        box = Box(self._arrival(rule), source, destination, service, source_port)
        if not all(box):
            return []
        return list(self._leaving(rule, box)) if rule.destination_interface else [box]

    def towards(self, arrivals: Iterable[str], destinations: AddressSet, ports: Iterable[PortRange]) -> Box | None:
        """The packets that arrive somewhere for some ports, among the cuts, of some addresses."""
        arrival = _union(self._way.get(name.lower(), 0) for name in arrivals)
        box = self.everything._replace(
            arrival=arrival, destination=self._mask(destinations), service=self.services.ports(ports)
        )
        return box if all(box) else None

    def packets(
        self, arrivals: Iterable[str] | None, sources: AddressSet, destinations: AddressSet, service: int | None
    ) -> Box | None:
        """The packets that these describe, all of them among the cuts; None is any arrival or service."""
        arrival = None if arrivals is None else _union(self._way.get(name.lower(), 0) for name in arrivals)
        box = self.everything._replace(
            arrival=self.everything.arrival if arrival is None else arrival,
            source=self._mask(sources),
            destination=self._mask(destinations),
            service=self.services.all if service is None else service,
        )
        return box if all(box) else None

    def _arrival(self, rule: Rule) -> int:
        arrival = self.everything.arrival
        if rule.source_interface:
            arrival = self._way.get(rule.source_interface.lower(), 0)
        if rule.via in _TUNNELS:
            arrival &= self._way[rule.via]
        elif rule.via == "none":
            arrival &= ~(self._way[IPSEC] | self._way[SSL_VPN])
        return arrival

    def _service(self, rule: Rule) -> int:
        service = self.services.all
        if rule.ip_protocol is not None:
            service = self.services.protocol(self._resolver.protocol_number(rule.ip_protocol))
        if rule.icmp_type is not None:
            service &= self.services.icmp(rule.icmp_type)
        if not rule.destination_port.is_any:
            try:
                ports = self._resolver.services(rule.destination_port, rule.ip_protocol)
            except ServiceMismatch:
                return 0
            service &= self.services.ports(ports) if ports else service
        return service

    def _leaving(self, rule: Rule, box: Box) -> Iterator[Box]:
        """The part of a box that leaves by the rule's ``on`` behind ``to``: what is routed there, tunnels apart."""
        wanted = self._configuration.interface(rule.destination_interface or "")
        name = (wanted.name if wanted else rule.destination_interface or "").lower()
        for departure, boxes in self.departures(box, rule.route):
            if departure is not None and departure.lower() == name:
                yield from boxes

    def tunnelled(self) -> list[Box]:
        """What the tunnels take, wherever it arrives."""
        own = self._mask(self._resolver.own_addresses())
        taken = (
            self.everything._replace(source=self._mask(local), destination=self._mask(remote) & ~own)
            for local, remote in self._paths.selectors()
        )
        return [box for box in taken if all(box)]

    def departures(self, box: Box, gateway: str | None = None) -> Iterator[tuple[str | None, list[Box]]]:
        """The disjoint parts of a box by the way that they leave (None: by none). ``gateway`` is a rule's ``route``."""
        tunnels = self.tunnelled()
        if inside := [common for tunnel in tunnels if (common := meet(box, tunnel))]:
            yield IPSEC, inside
        # Apart from tunnels the way depends on the destination alone: any source that no tunnel selects will do.
        stranger = next(iter((~_joined(local for local, _ in self._paths.selectors())).ranges()), None)
        source = stranger[0] if stranger else IPv4Address(0)
        ways: dict[str | None, int] = {}
        for place in cells(box.destination):
            departure = self._paths.way(source, IPv4Address(self.addresses.starts[place]), gateway).departure
            ways[departure] = ways.get(departure, 0) | 1 << place
        for departure, destination in ways.items():
            if left := outside([box._replace(destination=destination)], tunnels):
                yield departure, left

    # What can arrive

    def refused(self) -> list[Box]:
        """What anti-spoofing keeps from every rule."""
        found: list[Box] = []
        selectors = self._paths.selectors()
        hosts = self._paths.no_host()
        for name in self.arrivals:
            if name == FIREWALL:
                continue
            here = self.everything._replace(arrival=self._way[name])
            if name not in (*_TUNNELS, *self._enabled):
                found.append(here)  # an interface that is off, or another configuration's
                continue
            pairs = [here._replace(source=self._mask(remote), destination=self._mask(local)) for local, remote in selectors]
            pairs = [box for box in pairs if all(box)]
            if name == IPSEC:
                found += outside([here], pairs)
            else:
                found += pairs
            wrong = self._mask(self._paths.foreign(name) | hosts)
            if wrong:
                found.append(here._replace(source=wrong))
            source, destination = (self._mask(each) for each in self._paths.nobodys())
            found.append(here._replace(source=source, destination=destination))
        return found

    def unsolicited(self) -> list[Box]:
        """The ICMP answers and errors, which belong to connections and begin none; the firewall's own are its affair."""
        service = self.services.protocol(ICMP) & ~_union(self.services.icmp(kind) for kind in ICMP_REQUESTS)
        box = self.everything._replace(arrival=self.everything.arrival & ~self._way[FIREWALL], service=service)
        return [box] if all(box) else []

    # Examples

    def example(self, box: Box) -> Flow:
        """A packet of a box: the lowest of each dimension."""
        number, part = self.services.first(box.service)
        protocol = PROTOCOL_NAMES.get(number, str(number))
        transport = protocol in TRANSPORTS
        return Flow(
            arrival=self.arrivals[lowest(box.arrival)],
            source=IPv4Address(self.addresses.first(box.source)),
            destination=IPv4Address(self.addresses.first(box.destination)),
            protocol=protocol,
            source_port=self.source_ports.first(box.source_port) if transport else None,
            destination_port=part if transport else None,
            icmp_type=part if number == ICMP else None,
        )

    def sources(self, box: Box) -> AddressSet:
        """The sources of a box as addresses."""
        return AddressSet(self.addresses.runs(box.source))

    def _mask(self, addresses: AddressSet) -> int:
        if addresses == ALL:
            return self.addresses.all
        return self.addresses.mask(ranges([addresses]))


def _joined(sets: Iterable[AddressSet]) -> AddressSet:
    return AddressSet.of(*sets)


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
