"""Expected changes against what changes: which sets of packets somebody answers for, by exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from typing import TypeVar

from provisioning.deployment import DeploymentError, located
from provisioning.gate.files import EXPECTED, Expected
from sns.addresses import ALL, AddressSet
from sns.boxes import Box, meet, outside
from sns.cuts import Cuts
from sns.errors import ResolutionError
from sns.implicit import FIREWALL
from sns.model import Configuration, Operand
from sns.paths import IPSEC, SSL_VPN
from sns.resolution import PROTOCOL_NUMBERS, PortRange, Resolver, Transport
from sns.space import Space

_Value = TypeVar("_Value")
_TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")


class _Wrong(Exception):
    """A value that the configuration does not understand."""


@dataclass(frozen=True, slots=True)
class _Service:
    """What a service stands for: ports, or one IP protocol, with an ICMP type or without; nothing of it is any."""

    ports: tuple[PortRange, ...] = ()
    protocol: int | None = None
    icmp_type: int | None = None

    def mask(self, space: Space) -> int | None:
        if self.ports:
            return space.services.ports(self.ports)
        if self.icmp_type is not None:
            return space.services.icmp(self.icmp_type)
        return space.services.protocol(self.protocol) if self.protocol is not None else None


@dataclass(frozen=True, slots=True)
class _Packets:
    """The packets that an expectation is about."""

    expected: Expected
    sources: AddressSet
    destinations: AddressSet
    service: _Service

    def box(self, space: Space) -> Box | None:
        arrivals = None if self.expected.arrival is None else (self.expected.arrival,)
        return space.packets(arrivals, self.sources, self.destinations, self.service.mask(space))


class Expectations:
    """The expected changes of one site. ``cuts`` are the lines that they draw; ``met`` those (by line) that came about."""

    def __init__(self, site: str, configuration: Configuration, expected: Sequence[Expected], day: date) -> None:
        """Raises DeploymentError for names that the configuration does not have, all at once."""
        self.met: set[int] = set()
        self._day = day
        reader = _Reader(configuration)
        mine = [one for one in expected if one.site in (None, site)]
        self._settings = [one for one in mine if one.kind == "settings"]
        self._packets = [reader.packets(one) for one in mine if one.kind != "settings"]
        if reader.wrong:
            raise DeploymentError(located(EXPECTED, reader.wrong))
        services = [one.service for one in self._packets]
        self.cuts = Cuts(
            (),
            frozenset(part for one in self._packets for part in (one.sources, one.destinations)),
            frozenset(port for service in services for port in service.ports),
            frozenset(),
            frozenset(service.icmp_type for service in services if service.icmp_type is not None),
            frozenset(service.protocol for service in services if service.protocol is not None),
        )

    def divided(self, kind: str, boxes: Sequence[Box], space: Space) -> Iterator[tuple[list[Box], str]]:
        """These packets as parts: each that somebody answers for, with who and why, and the rest with ""."""
        left = list(boxes)
        for one in self._packets:
            if one.expected.kind != kind or (box := one.box(space)) is None:
                continue
            taken = [common for each in left if (common := meet(each, box))]
            if taken and self._counts(one.expected):
                yield taken, _who(one.expected)
                left = outside(left, [box])
        if left:
            yield left, ""

    def of_setting(self, path: str) -> str:
        """Who answers for a change of this setting, and why; "" when nobody does."""
        for one in self._settings:
            if fnmatchcase(path.lower(), (one.setting or "").lower()) and self._counts(one):
                return _who(one)
        return ""

    def _counts(self, one: Expected) -> bool:
        self.met.add(one.line)
        return one.in_force(self._day)


def _who(one: Expected) -> str:
    return f"{one.owner}: {one.reason} (until {one.expires}, line {one.line})"


class _Reader:
    """Reads what expectations name in the words of one configuration; ``wrong`` is what it does not know."""

    def __init__(self, configuration: Configuration) -> None:
        self.wrong: list[tuple[int, str, str, str]] = []
        self._configuration = configuration
        self._resolver = Resolver(configuration)

    def packets(self, one: Expected) -> _Packets:
        """The packets of an expectation, as far as its names are known."""
        self._read(one.line, "in", one.arrival, self._arrival, "")
        return _Packets(
            one,
            self._read(one.line, "from", one.source, self._addresses, ALL),
            self._read(one.line, "to", one.destination, self._addresses, ALL),
            self._read(one.line, "service", one.service, self._service, _Service()),
        )

    def _read(self, line: int, field: str, text: str | None, read: Callable[[str], _Value], without: _Value) -> _Value:
        try:
            return read(text) if text is not None else without
        except (_Wrong, ResolutionError) as why:
            self.wrong.append((line, field, str(why), "write it as a rule there would; say site when not every one has it"))
            return without

    def _arrival(self, name: str) -> str:
        if name.lower() not in (IPSEC, SSL_VPN, FIREWALL) and self._configuration.interface(name) is None:
            raise _Wrong(f'"{name}" is no interface, nor {IPSEC}, {SSL_VPN} or {FIREWALL}')
        return name

    def _addresses(self, text: str) -> AddressSet:
        return AddressSet.of(*(self._address(name.strip()) for name in text.split("|")))

    def _address(self, name: str) -> AddressSet:
        try:
            return AddressSet.of(IPv4Network(name))
        except ValueError:
            return self._resolver.addresses(name)

    def _service(self, text: str) -> _Service:
        protocol, slash, part = text.partition("/")
        for transport in _TRANSPORTS:
            if protocol == transport and slash:
                first, _, last = part.partition("-")
                if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first) <= 65535):
                    raise _Wrong(f'"{text}" is not {protocol}/PORT or {protocol}/FIRST-LAST')
                return _Service((PortRange(transport, int(first), int(last or first)),))
        if protocol == "icmp" and slash:
            if not part.isdecimal() or int(part) > 255:
                raise _Wrong(f'"{text}" is not icmp/TYPE')
            return _Service(icmp_type=int(part))
        if text.lower() == "any":
            return _Service()
        if text.lower() in PROTOCOL_NUMBERS:
            return _Service(protocol=PROTOCOL_NUMBERS[text.lower()])
        return _Service(self._resolver.services(Operand(tuple(text.split("|")))))
