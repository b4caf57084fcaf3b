"""Sets of packets in the words of the one who wrote the configuration: its objects' names where they fit exactly."""

from __future__ import annotations

from .addresses import ALL, AddressSet
from .boxes import Box, cells
from .comparison import Fate
from .cuts import TRANSPORTS
from .errors import ResolutionError
from .model import Configuration
from .paths import Paths
from .resolution import PROTOCOL_NAMES, PortRange, Resolver
from .space import Space

_SHOWN = 6
"""Addresses or services that are listed before "and N more"."""


class Wording:
    """Words for boxes of one space, with the names of one configuration."""

    def __init__(self, configuration: Configuration, space: Space) -> None:
        self._space = space
        self._names: dict[AddressSet, str] = {ALL: "any"}
        resolver, objects = Resolver(configuration), configuration.objects
        names = [host.name for host in objects.hosts.values()]
        names += [network.name for network in objects.networks.values()]
        names += [group.name for group in objects.groups.values()]
        for interface in configuration.interfaces:
            names += [f"Firewall_{interface.name}", f"Network_{interface.name}"]
        for name in (*names, "Internet", "Network_internals", "Firewall_all"):
            try:
                self._names.setdefault(resolver.addresses(name), name)
            except ResolutionError:
                continue
        no_host = Paths(configuration, resolver).no_host()
        self._senders: dict[AddressSet, str] = {}
        for addresses, name in self._names.items():
            self._senders.setdefault(addresses - no_host, name)

    def fate(self, fate: Fate) -> str:
        """``passes by out as Firewall_out``, ``passes by in to ubuntu-webserver:80``, ``is refused``."""
        if fate.verdict != "pass":
            return "is reset" if fate.verdict == "reset" else "is refused"
        way = {"firewall": "reaches the firewall", "ipsec": "passes into the tunnel"}.get(
            fate.departure or "", f"passes by {fate.departure}"
        )
        ends = ((" as ", fate.source), (" to ", fate.destination))
        return way + "".join(f"{word}{self._end(*end)}" for word, end in ends if end) + (", by name" if fate.names else "")

    def _end(self, addresses: AddressSet, ports: tuple[PortRange, ...]) -> str:
        spans = _listed(list(dict.fromkeys(_span(port.first, port.last) for port in ports)))
        if not addresses:
            return f"port {spans}"
        return self.addresses(addresses) + (f":{spans}" if spans else "")

    def box(self, box: Box) -> str:
        """``vlan200 -> Internet, tcp/80, in by in``."""
        source = AddressSet(self._space.addresses.runs(box.source))
        senders = self._senders.get(source) or self.addresses(source)  # of an object those that can send are all of it
        parts = [f"{senders} -> {self._addresses(box.destination)}", self._services(box.service)]
        if box.source_port != self._space.source_ports.all:
            parts.append(f"from ports {self._source_ports(box.source_port)}")
        if box.arrival != self._space.everything.arrival:
            parts.append(f"in by {' or '.join(self._space.arrivals[place] for place in cells(box.arrival))}")
        return ", ".join(parts)

    def addresses(self, addresses: AddressSet) -> str:
        """An object's name, an object but a few of its addresses, or the addresses themselves."""
        name = self._names.get(addresses)
        if name is not None:
            return name
        missing = {called: known - addresses for known, called in self._names.items() if addresses in known}
        nearest = min(missing, key=lambda called: (len(missing[called].ranges()), len(missing[called])))
        if len(missing[nearest].ranges()) < len(addresses.ranges()):
            return f"{nearest} but {self._names.get(missing[nearest]) or _ranges(missing[nearest])}"
        return _ranges(addresses)

    def _addresses(self, mask: int) -> str:
        return self.addresses(AddressSet(self._space.addresses.runs(mask)))

    def _source_ports(self, mask: int) -> str:
        return _listed([_span(first, last) for first, last in self._space.source_ports.runs(mask)])

    def _services(self, mask: int) -> str:
        if mask == self._space.services.all:
            return "any service"
        found = []
        for number, first, last in self._space.services.spans(mask):
            name = PROTOCOL_NAMES.get(number, f"protocol {number}")
            if first is None or (first, last) == (0, 65535 if name in TRANSPORTS else 255):
                found.append(name)
            else:
                found.append(f"{name}{'/' if name in TRANSPORTS else ' type '}{_span(first, last)}")
        return _listed(found)


def _ranges(addresses: AddressSet) -> str:
    return _listed([str(first) if first == last else f"{first}-{last}" for first, last in addresses.ranges()])


def _span(first: int, last: int | None) -> str:
    return str(first) if last in (first, None) else f"{first}-{last}"


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
