"""Sets of packets with exact arithmetic, for one configuration: what a rule takes, what is left for those below it.

A packet has five dimensions: where it arrives, source, destination, service (IP protocol with destination port or ICMP
type) and source port. Each is cut wherever the configuration draws a line, so that all packets of a cell meet the same
fate; a set of cells of one dimension is a bit mask, and a :class:`Box` is a product of five of them. Every set of
packets is a list of boxes, and nothing is ever estimated.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from typing import NamedTuple

from .addresses import ALL, AddressSet
from .errors import ResolutionError, ServiceMismatch
from .implicit import FIREWALL, ImplicitRule
from .model import Configuration, Operand, Rule
from .paths import IPSEC, SSL_VPN, Paths
from .prediction import Flow
from .resolution import PROTOCOL_NUMBERS, PortRange, Resolver

_TUNNELS = (IPSEC, SSL_VPN)
_TRANSPORTS = ("tcp", "udp")
_ICMP = PROTOCOL_NUMBERS["icmp"]
_NAMES = {number: name for name, number in PROTOCOL_NUMBERS.items()}


class Box(NamedTuple):
    """A product of five sets, each a mask over the cells of its dimension; none of them is empty."""

    arrival: int
    source: int
    destination: int
    service: int
    source_port: int


def apart(one: Box, other: Box) -> bool:
    """Whether two boxes have nothing in common; the dimensions that mostly say so are asked first."""
    return not (one[1] & other[1] and one[2] & other[2] and one[3] & other[3] and one[0] & other[0] and one[4] & other[4])


def meet(one: Box, other: Box) -> Box | None:
    """What two boxes have in common, None for nothing."""
    if apart(one, other):
        return None
    return Box(one[0] & other[0], one[1] & other[1], one[2] & other[2], one[3] & other[3], one[4] & other[4])


def without(box: Box, taken: Box) -> list[Box]:
    """What is left of a box: at most five disjoint ones, which differ from it in one dimension after the other."""
    if apart(box, taken):
        return [box]
    left: list[Box] = []
    rest = list(box)
    for place, (own, theirs) in enumerate(zip(box, taken, strict=True)):
        if outside := own & ~theirs:
            left.append(Box._make([*rest[:place], outside, *rest[place + 1 :]]))
        rest[place] = own & theirs
    return left


def outside(boxes: Iterable[Box], taken: Iterable[Box]) -> list[Box]:
    """What of some boxes is in none of the others."""
    left = list(boxes)
    for each in taken:
        left = [part for box in left for part in without(box, each)]
    return left


class Cells:
    """A dimension of numbers (addresses, ports) cut at the ends of ranges."""

    def __init__(self, last: int, ranges: Iterable[tuple[int, int]]) -> None:
        starts = {0}
        for first, final in ranges:
            starts.add(first)
            starts.add(final + 1)
        self.starts = sorted(start for start in starts if start <= last)
        self.all = (1 << len(self.starts)) - 1

    def mask(self, ranges: Iterable[tuple[int, int]]) -> int:
        """The cells that ranges cover, whose ends must be among the cuts."""
        found = 0
        for first, final in ranges:
            low, high = bisect_left(self.starts, first), bisect_right(self.starts, final)
            found |= ((1 << (high - low)) - 1) << low
        return found

    def first(self, mask: int) -> int:
        """The lowest number in a set of cells that is not empty."""
        return self.starts[lowest(mask)]


def lowest(mask: int) -> int:
    """The place of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1


class Services:
    """The dimension of services: TCP and UDP ports, ICMP types, then every other IP protocol."""

    def __init__(self, ports: Iterable[PortRange], icmp_types: Iterable[int], protocols: Iterable[int]) -> None:
        ranges: dict[str, list[tuple[int, int]]] = {transport: [] for transport in _TRANSPORTS}
        for port in ports:
            ranges[port.protocol].append((port.first, port.last))
        kinds = {_ICMP: Cells(255, [(kind, kind) for kind in icmp_types])}
        for transport in _TRANSPORTS:
            kinds[PROTOCOL_NUMBERS[transport]] = Cells(65535, ranges[transport])
        others = Cells(255, [(number, number) for number in {*protocols, *kinds}])
        self._flat: list[tuple[int, int | None]] = []
        self._masks: dict[int, int] = {}
        self._cells = kinds
        self._offsets: dict[int, int] = {}
        for number in others.starts:
            cells = kinds.get(number)
            self._offsets[number] = len(self._flat)
            width = len(cells.starts) if cells else 1
            self._masks[number] = ((1 << width) - 1) << len(self._flat)
            self._flat += [(number, start) for start in cells.starts] if cells else [(number, None)]
        self.all = (1 << len(self._flat)) - 1

    def protocol(self, number: int) -> int:
        """All packets of an IP protocol."""
        return self._masks[number]

    def ports(self, ports: Iterable[PortRange]) -> int:
        """The packets to some ports."""
        found = 0
        for port in ports:
            number = PROTOCOL_NUMBERS[port.protocol]
            found |= self._cells[number].mask([(port.first, port.last)]) << self._offsets[number]
        return found

    def icmp(self, kind: int) -> int:
        """The ICMP packets of a type."""
        return self._cells[_ICMP].mask([(kind, kind)]) << self._offsets[_ICMP]

    def first(self, mask: int) -> tuple[int, int | None]:
        """Protocol number, and port or ICMP type (None for a protocol without), of the lowest service in a set."""
        return self._flat[lowest(mask)]


def cells(mask: int) -> Iterator[int]:
    """The places of the bits that are set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Space:
    """The packets that can reach one configuration's rules, and what each rule takes of them."""

    def __init__(
        self,
        configuration: Configuration,
        rules: Sequence[Rule],
        hidden: Sequence[ImplicitRule],
        also: Iterable[PortRange] = (),
    ) -> None:
        """Cut the dimensions for these rules of the slot and these implicit ones, and ``also`` at these ports."""
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self._paths = Paths(configuration, self._resolver)
        enabled = [interface.name.lower() for interface in configuration.interfaces if interface.enabled]
        self.arrivals = (*enabled, *_TUNNELS, FIREWALL)
        self._way = {name: 1 << place for place, name in enumerate(self.arrivals)}
        for interface in configuration.interfaces:
            self._way.setdefault(interface.section.lower(), self._way.get(interface.name.lower(), 0))
        ports = [*also, *(port for rule in hidden for port in rule.ports)]
        source_ports: list[PortRange] = []
        sets = [each for rule in hidden for each in (rule.sources, rule.destinations)]
        for rule in rules:
            ports += self._ports(rule.destination_port, rule)
            source_ports += self._ports(rule.source_port, rule)
            sets += [self._addresses(rule.source), self._addresses(rule.destination)]
        named = [rule.ip_protocol for rule in rules] + [rule.ip_protocol for rule in hidden]
        protocols = [number for name in named if name and (number := self._protocol(name)) is not None]
        types = [rule.icmp_type for rule in rules if rule.icmp_type is not None]
        self.services = Services(ports, types, protocols)
        self.source_ports = Cells(65535, [(port.first, port.last) for port in source_ports])
        self.addresses = Cells(2**32 - 1, _ranges([*sets, *self._paths.borders()]))
        self.everything = Box(
            (1 << len(self.arrivals)) - 1, self.addresses.all, self.addresses.all, self.services.all, self.source_ports.all
        )

    def _protocol(self, name: str) -> int | None:
        try:
            return self._resolver.protocol_number(name)
        except ResolutionError:
            return None

    def _addresses(self, operand: Operand) -> AddressSet:
        """The addresses of an operand; a name that does not resolve stands for none (the reader has said so)."""
        try:
            return self._resolver.addresses(operand)
        except ResolutionError:
            return AddressSet()

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
        source, destination = self._mask(self._addresses(rule.source)), self._mask(self._addresses(rule.destination))
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
        own = self._mask(self._resolver.own_addresses())
        tunnels = [
            box._replace(source=self._mask(local), destination=self._mask(remote) & ~own)
            for local, remote in self._paths.selectors()
        ]
        if name == IPSEC:
            yield from (common for tunnel in tunnels if (common := meet(box, tunnel)))
            return
        stranger = next(iter((~_joined(local for local, _ in self._paths.selectors())).ranges()), None)
        source = stranger[0] if stranger else IPv4Address(0)
        routed = 0
        for place in cells(box.destination):
            departure = self._paths.way(source, IPv4Address(self.addresses.starts[place]), rule.route).departure
            routed |= (1 << place) if departure is not None and departure.lower() == name else 0
        if routed:
            yield from outside([box._replace(destination=box.destination & routed)], tunnels)

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
            pairs = [here._replace(source=self._mask(remote), destination=self._mask(local)) for local, remote in selectors]
            pairs = [box for box in pairs if all(box)]
            if name == IPSEC:
                found += outside([here], pairs)
            else:
                found += pairs
            wrong = self._mask(self._paths.foreign(name) | hosts)
            if wrong:
                found.append(here._replace(source=wrong))
        return found

    # Examples

    def example(self, box: Box) -> Flow:
        """A packet of a box: the lowest of each dimension."""
        number, part = self.services.first(box.service)
        protocol = _NAMES.get(number, str(number))
        transport = protocol in _TRANSPORTS
        return Flow(
            arrival=self.arrivals[lowest(box.arrival)],
            source=IPv4Address(self.addresses.first(box.source)),
            destination=IPv4Address(self.addresses.first(box.destination)),
            protocol=protocol,
            source_port=self.source_ports.first(box.source_port) if transport else None,
            destination_port=part if transport else None,
            icmp_type=part if number == _ICMP else None,
        )

    def sources(self, box: Box) -> AddressSet:
        """The sources of a box as addresses."""
        starts = [*self.addresses.starts, 2**32]
        return AddressSet((starts[place], starts[place + 1] - 1) for place in cells(box.source))

    def _mask(self, addresses: AddressSet) -> int:
        if addresses == ALL:
            return self.addresses.all
        return self.addresses.mask(_ranges([addresses]))


def _ranges(sets: Iterable[AddressSet]) -> list[tuple[int, int]]:
    return [(int(first), int(last)) for each in sets for first, last in each.ranges()]


def _joined(sets: Iterable[AddressSet]) -> AddressSet:
    return AddressSet.of(*sets)


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
