"""The classes of packets that a configuration distinguishes, each with the packets that stand for it.

Two addresses are of one class when exactly the same objects, networks and routes of the configuration hold them; ports,
ICMP types and protocols likewise. What stands for a class are its ends: the first and the last of every range that it
consists of, which are at the same time the neighbours, one off, of the classes next to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import islice

from .addresses import AddressSet
from .cuts import ICMP, TRANSPORTS, Cells, Cuts, ranges
from .model import Configuration
from .prediction import ICMP_REQUESTS, Flow
from .resolution import PROTOCOL_NAMES, PROTOCOL_NUMBERS

SOURCE_PORTS = range(40_001, 60_000)
"""Of packets whose source port no rule looks at; each class has the next one, so that no two packets are of one session."""

_MIXING = 0x9E3779B1  # 2**32 by the golden ratio: the bits of its multiples look drawn by lot
_WITH_PARTS = frozenset({ICMP, *(PROTOCOL_NUMBERS[transport] for transport in TRANSPORTS)})


@dataclass(frozen=True, slots=True)
class Service:
    """An IP protocol with a port or an ICMP type; None for a protocol without."""

    protocol: str
    part: int | None = None


@dataclass(frozen=True, slots=True)
class PacketClass:
    """One way in, one class of sources, of destinations, of services and, where a rule looks at them, of source ports.

    Each by what stands for it; all classes of a configuration are numbered.
    """

    number: int
    arrival: str
    sources: Sequence[IPv4Address]
    destinations: Sequence[IPv4Address]
    services: Sequence[Service]
    source_ports: Sequence[int]

    def flow(self) -> Flow:
        """One packet of it. Over all classes each end of each object has its turn, beside many others."""
        mixed = self.number * _MIXING
        return self._flow(mixed >> 5, mixed >> 11, mixed >> 17, mixed >> 23)

    def flows(self) -> Iterator[Flow]:
        """Packets of it with every end that it has, as many as its longest list, the shorter ones beginning again."""
        lists = (self.sources, self.destinations, self.services, self.source_ports)
        for place in range(max(map(len, lists))):
            yield self._flow(place, place + self.number, place + self.number // 3, place)

    def _flow(self, source: int, destination: int, service: int, source_port: int) -> Flow:
        chosen = self.services[service % len(self.services)]
        transport = chosen.protocol in TRANSPORTS
        ports = self.source_ports or (SOURCE_PORTS[self.number % len(SOURCE_PORTS)],)
        return Flow(
            arrival=self.arrival,
            source=self.sources[source % len(self.sources)],
            destination=self.destinations[destination % len(self.destinations)],
            protocol=chosen.protocol,
            source_port=ports[source_port % len(ports)] if transport else None,
            destination_port=chosen.part if transport else None,
            icmp_type=None if transport else chosen.part,
        )


def packet_classes(
    configuration: Configuration, hosts: Iterable[IPv4Address] = (), *, one_in: int = 1
) -> tuple[PacketClass, ...]:
    """The classes of the active slot, anti-spoofing, implicit rules and routes. Raises KeyError without an active slot.

    ``hosts`` are addresses that are told apart although no object names them; ``one_in`` n leaves only each n-th class.
    """
    cuts = Cuts.of(configuration)
    sets = [*cuts.addresses, *(AddressSet.of(host) for host in hosts)]
    cells = Cells(2**32 - 1, ranges(sets))
    addresses = [[IPv4Address(end) for end in ends] for ends in _ends(cells, [cells.mask(ranges([one])) for one in sets])]
    services = list(_services(configuration, cuts))
    source_ports = _parts(65535, [range(port.first, port.last + 1) for port in cuts.source_ports]) if cuts.source_ports else []
    found = (
        (arrival, source, destination, service, ports)
        for arrival in cuts.arrivals
        for source in addresses
        for destination in addresses
        for service in services
        for ports in (source_ports if service[0].protocol in TRANSPORTS and source_ports else [()])
    )
    return tuple(PacketClass(number, *parts) for number, parts in islice(enumerate(found), 0, None, one_in))


def _services(configuration: Configuration, cuts: Cuts) -> Iterator[Sequence[Service]]:
    """TCP and UDP ports, ICMP types, then the other protocols, those that no rule names as one class."""
    for transport in TRANSPORTS:
        spans = {range(port.first, port.last + 1) for port in cuts.ports if port.protocol == transport}
        yield from ([Service(transport, port) for port in ports] for ports in _parts(65535, sorted(spans, key=str)))
    rules = (*configuration.policy.filter, *configuration.policy.nat)
    kinds = [range(kind, kind + 1) for kind in sorted({rule.icmp_type for rule in rules if rule.icmp_type is not None})]
    yield from ([Service("icmp", kind) for kind in types] for types in _parts(255, [*kinds], ICMP_REQUESTS))
    named = sorted(cuts.protocols - _WITH_PARTS)
    for numbers in _parts(255, [range(number, number + 1) for number in named], _WITH_PARTS):
        if _WITH_PARTS.isdisjoint(numbers):
            yield [Service(PROTOCOL_NAMES.get(one, str(one))) for one in numbers]


def _parts(last: int, spans: Sequence[range], together: Iterable[int] = ()) -> list[list[int]]:
    """The classes of the numbers up to ``last``, as their ends; ``together`` is one more set that has them or has them not."""
    single = sorted(together)
    cells = Cells(last, [*((span[0], span[-1]) for span in spans), *((one, one) for one in single)])
    masks = [cells.mask([(span[0], span[-1])]) for span in spans]
    return _ends(cells, [*masks, *([cells.mask((one, one) for one in single)] if single else [])])


def _ends(cells: Cells, masks: Sequence[int]) -> list[list[int]]:
    """The classes of cells that lie in the same masks, each as the ends of its cells."""
    classes: dict[tuple[int, ...], dict[int, None]] = {}
    for place in range(len(cells.starts)):
        inside = tuple(number for number, mask in enumerate(masks) if mask >> place & 1)
        ((first, last),) = cells.runs(1 << place)
        classes.setdefault(inside, {}).update(dict.fromkeys((first, last)))
    return [list(ends) for ends in classes.values()]
