"""Looks up every name that was used somewhere, and runs the checks that need the whole configuration."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import AddressUnknown, CircularGroup, ResolutionError, UnknownObject, WrongKind
from .model import Configuration
from .network import VIRTUAL_INTERFACES
from .objects import Named
from .reading import Reading, Reference, Wanted
from .resolution import Resolver

_MAX_SUGGESTIONS = 20  # looking for near names costs milliseconds each; after that many the reader has the idea


class ReferenceCheck:
    """One pass over all references of a reading."""

    def __init__(self, reading: Reading, configuration: Configuration) -> None:
        self._reading = reading
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self._answers: dict[tuple[Wanted, str], str] = {}
        self._suggested = 0

    def run(self) -> None:
        """Add the findings of all references and deferred checks to the reading."""
        self._check_reserved_names()
        self._check_circular_groups()
        for reference in self._reading.references:
            self._check(reference)
        for check in self._reading.checks:
            try:
                check(self._configuration, self._resolver)
            except ResolutionError:
                continue  # the name that fails has its own finding, where it is declared or used

    def _check(self, reference: Reference) -> None:
        key = (reference.wanted, reference.name.lower())
        answer = self._answers.get(key)
        if answer is None:
            broken = reference.name.lower() in self._reading.broken
            answer = self._answers[key] = "" if broken else self._problem(reference)
        if answer:
            remedy = self._remedy(reference) if answer.endswith("is not declared") else ""
            self._reading.error(reference.location, reference.field, answer, remedy)

    def _problem(self, reference: Reference) -> str:
        """What is wrong with the name, or ""."""
        name, wanted, resolver = reference.name, reference.wanted, self._resolver
        if not self._known(wanted, name):
            return f'unknown {wanted.value} "{name}": it is not declared'
        try:
            match wanted:
                case Wanted.HOST:
                    resolver.address(name)
                case Wanted.NETWORK:
                    resolver.network(name)
                case Wanted.PORT:
                    if len({(port.first, port.last) for port in resolver.services(name)}) > 1:
                        return f'"{name}" has several ports, where one or one range must stand'
                case Wanted.GATEWAY if name.lower() not in self._configuration.objects.routers:
                    resolver.gateways(name)
        except WrongKind as error:
            return str(error)
        except (AddressUnknown, UnknownObject, CircularGroup):
            return ""  # only known at run time, or told where the group is declared
        return ""

    def _known(self, wanted: Wanted, name: str) -> bool:
        resolver = self._resolver
        match wanted:
            case Wanted.SERVICES | Wanted.PORT:
                return resolver.knows_service(name)
            case Wanted.INTERFACE:
                return name.lower() in VIRTUAL_INTERFACES or self._configuration.interface(name) is not None
            case Wanted.GATEWAY:
                return resolver.knows_gateway(name)
            case Wanted.IP_PROTOCOL:
                try:
                    resolver.protocol_number(name)
                except UnknownObject:
                    return False
                return True
            case _:
                return resolver.knows(name)

    def _remedy(self, reference: Reference) -> str:
        self._suggested += 1
        near = self._near(reference) if self._suggested <= _MAX_SUGGESTIONS else None
        if near:
            return f'did you mean "{near}"?'
        files = {
            Wanted.SERVICES: "object [Service] or servicegroup",
            Wanted.PORT: "object [Service]",
            Wanted.INTERFACE: "network",
            Wanted.IP_PROTOCOL: "object [Protocol]",
        }
        return f"correct the name, or declare it in {files.get(reference.wanted, 'object or objectgroup')}"

    def _near(self, reference: Reference) -> str | None:
        import difflib

        objects = self._configuration.objects
        kinds: dict[Wanted, Iterable[Named]] = {
            Wanted.SERVICES: [*objects.services.values(), *objects.service_groups.values()],
            Wanted.PORT: [*objects.services.values()],
            Wanted.INTERFACE: [*self._configuration.interfaces],
            Wanted.IP_PROTOCOL: [*objects.protocols.values()],
        }
        addressed: list[Named] = [*objects.hosts.values(), *objects.networks.values(), *objects.groups.values()]
        names = {item.name.lower(): item.name for item in kinds.get(reference.wanted, addressed)}
        if reference.wanted not in kinds:
            for interface in self._configuration.interfaces:
                for name in (f"Firewall_{interface.name}", f"Network_{interface.name}"):
                    names[name.lower()] = name
        near = difflib.get_close_matches(reference.name.lower(), names, n=1, cutoff=0.7)
        return names[near[0]] if near else None

    def _check_reserved_names(self) -> None:
        reserved = {"any", "internet", "firewall_all", "network_internals", "original"}
        for interface in self._configuration.interfaces:
            reserved |= {f"firewall_{interface.name.lower()}", f"network_{interface.name.lower()}"}
        objects = self._configuration.objects
        items: list[Named] = [*objects.hosts.values(), *objects.networks.values(), *objects.groups.values()]
        for item in items:
            if item.name.lower() in reserved:
                self._reading.error(item.location, item.name, "is the name of an implicit object", "rename it")

    def _check_circular_groups(self) -> None:
        objects = self._configuration.objects
        for group in objects.groups.values():
            try:
                self._resolver.addresses(group.name)
            except CircularGroup:
                self._reading.error(group.location, f"[{group.name}]", "contains itself", "remove it from its members")
            except UnknownObject:
                continue  # the member's line has its own finding
        for group in objects.service_groups.values():
            try:
                self._resolver.services(group.name)
            except CircularGroup:
                self._reading.error(group.location, f"[{group.name}]", "contains itself", "remove it from its members")
            except ResolutionError:
                continue
        self._check_circular_internals()

    def _check_circular_internals(self) -> None:
        """``Network_internals`` holds what is routed behind protected interfaces, which may not depend on it."""
        try:
            self._resolver.addresses("internet")
        except CircularGroup:
            message = "depends on itself through Network_internals"
            for route in self._configuration.routing.static:
                try:
                    self._resolver.addresses(route.destination)
                except CircularGroup:
                    self._reading.error(route.location, "destination", f'"{route.destination}" {message}')
                except UnknownObject:
                    continue  # told as a reference
            declared = self._configuration.objects.internet
            if declared is not None and declared.object.lower() == "internet":
                self._reading.error(declared.location, "object", f'"{declared.object}" {message}')
        except UnknownObject:
            return
