"""Where configurations draw lines through the packets, and the cells between those lines.

Two configurations are compared on the cells that both of them cut.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from . import implicit
from .addresses import AddressSet
from .boxes import cells, lowest
from .errors import ResolutionError
from .implicit import FIREWALL
from .model import Configuration, Operand
from .paths import IPSEC, SSL_VPN, Paths
from .prediction import ICMP_REQUESTS
from .resolution import PROTOCOL_NUMBERS, PortRange, Resolver

TRANSPORTS = ("tcp", "udp")
ICMP = PROTOCOL_NUMBERS["icmp"]


@dataclass(frozen=True, slots=True)
class Cuts:
    """The lines of one or more configurations: at addresses, ports, ICMP types and IP protocols; and the ways in."""

    arrivals: tuple[str, ...]
    addresses: frozenset[AddressSet]
    ports: frozenset[PortRange]
    source_ports: frozenset[PortRange]
    icmp_types: frozenset[int]
    protocols: frozenset[int]

    @classmethod
    def of(cls, configuration: Configuration) -> Cuts:
        """The lines of one configuration's active slot, its implicit rules, routes and anti-spoofing.

        The ports of the firewall's own administration are always among them. Raises KeyError when the active slot has no
        file. A name that does not resolve draws no line (the reader has said so).
        """
        lines = _Lines(configuration)
        enabled = (interface.name.lower() for interface in configuration.interfaces if interface.enabled)
        return cls(
            (*enabled, IPSEC, SSL_VPN, FIREWALL),
            frozenset(lines.addresses()),
            frozenset(lines.ports()),
            frozenset(lines.source_ports()),
            frozenset({*ICMP_REQUESTS, *(rule.icmp_type for rule in lines.rules if rule.icmp_type is not None)}),
            frozenset(lines.protocols()),
        )

    def __or__(self, other: Cuts) -> Cuts:
        return Cuts(
            tuple(dict.fromkeys((*self.arrivals, *other.arrivals))),
            self.addresses | other.addresses,
            self.ports | other.ports,
            self.source_ports | other.source_ports,
            self.icmp_types | other.icmp_types,
            self.protocols | other.protocols,
        )


class _Lines:
    """Collects the lines of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self.rules = [*configuration.policy.filter, *configuration.policy.nat]
        self._hidden = implicit.rules(configuration, self._resolver)

    def addresses(self) -> Iterator[AddressSet]:
        yield from Paths(self._configuration, self._resolver).borders()
        for hidden in self._hidden:
            yield from (hidden.sources, hidden.destinations)
        for rule in self.rules:
            for operand in (rule.source, rule.destination):
                with suppress(ResolutionError):
                    yield self._resolver.addresses(operand)

    def ports(self) -> Iterator[PortRange]:
        management = self._configuration.management
        for service in ("firewall_srv", management.ssh_port, management.web_port):
            yield from self._ports(Operand((service,)), "tcp")
        for hidden in self._hidden:
            yield from hidden.ports
        for rule in self.rules:
            yield from self._ports(rule.destination_port, rule.ip_protocol)

    def source_ports(self) -> Iterator[PortRange]:
        for rule in self.rules:
            yield from self._ports(rule.source_port, rule.ip_protocol)

    def _ports(self, operand: Operand, protocol: str | None) -> Iterator[PortRange]:
        with suppress(ResolutionError):
            yield from self._resolver.services(operand, protocol)

    def protocols(self) -> Iterator[int]:
        for name in {*(rule.ip_protocol for rule in self.rules), *(hidden.ip_protocol for hidden in self._hidden)}:
            if name is not None:
                with suppress(ResolutionError):
                    yield self._resolver.protocol_number(name)


class Cells:
    """A dimension of numbers (addresses, ports) cut at the ends of ranges."""

    def __init__(self, last: int, ranges: Iterable[tuple[int, int]]) -> None:
        starts = {0}
        for first, final in ranges:
            starts.add(first)
            starts.add(final + 1)
        self.starts = sorted(start for start in starts if start <= last)
        self._last = last
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

    def runs(self, mask: int) -> Iterator[tuple[int, int]]:
        """A set of cells as ranges, both ends included, adjacent cells as one."""
        bounds = [*self.starts, self._last + 1]
        begun = following = -1
        for place in cells(mask):
            if bounds[place] != following:
                if begun >= 0:
                    yield begun, following - 1
                begun = bounds[place]
            following = bounds[place + 1]
        if begun >= 0:
            yield begun, following - 1


class Services:
    """The dimension of services: TCP and UDP ports, ICMP types, then every other IP protocol."""

    def __init__(self, ports: Iterable[PortRange], icmp_types: Iterable[int], protocols: Iterable[int]) -> None:
        ranges: dict[str, list[tuple[int, int]]] = {transport: [] for transport in TRANSPORTS}
        for port in ports:
            ranges[port.protocol].append((port.first, port.last))
        kinds = {ICMP: Cells(255, [(kind, kind) for kind in icmp_types])}
        for transport in TRANSPORTS:
            kinds[PROTOCOL_NUMBERS[transport]] = Cells(65535, ranges[transport])
        others = Cells(255, [(number, number) for number in {*protocols, *kinds}])
        self._flat: list[tuple[int, int | None]] = []
        self._masks: dict[int, int] = {}
        self._cells = kinds
        self._offsets: dict[int, int] = {}
        for number in others.starts:
            kind = kinds.get(number)
            self._offsets[number] = len(self._flat)
            width = len(kind.starts) if kind else 1
            self._masks[number] = ((1 << width) - 1) << len(self._flat)
            self._flat += [(number, start) for start in kind.starts] if kind else [(number, None)]
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
        return self._cells[ICMP].mask([(kind, kind)]) << self._offsets[ICMP]

    def spans(self, mask: int) -> Iterator[tuple[int, int | None, int | None]]:
        """Protocol, first and last port or ICMP type, of a set; adjacent cells as one. Both None for other protocols."""
        for number, own in self._masks.items():
            found = (mask & own) >> self._offsets[number]
            if not found:
                continue
            if number in self._cells:
                yield from ((number, first, last) for first, last in self._cells[number].runs(found))
            else:
                yield number, None, None

    def first(self, mask: int) -> tuple[int, int | None]:
        """Protocol number, and port or ICMP type (None for a protocol without), of the lowest service in a set."""
        return self._flat[lowest(mask)]


def ranges(sets: Iterable[AddressSet]) -> Iterator[tuple[int, int]]:
    """The ranges of some sets, as numbers."""
    return ((int(first), int(last)) for each in sets for first, last in each.ranges())
