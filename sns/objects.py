"""The object base (sns.md 1.3): ``object``, the groups of objects, services, URLs and names, and ``router``."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Protocol, TypeVar

from .ini import Line, Section
from .model import (
    Group,
    HostObject,
    InternetObject,
    Location,
    NetworkObject,
    Objects,
    ProtocolObject,
    Router,
    ServiceObject,
)
from .reading import Reading, Wanted
from .settings import Settings

_SECTIONS = frozenset({"host", "network", "service", "protocol", "internet", "fqdn"})
_OPTIONS = frozenset({"type", "resolve", "localfirst", "color", "mac"})
_RESOLVE = frozenset({"static", "dynamic", "manual"})
_NEVER_IN_NAMES = frozenset(' \t"|!,@')
_TRANSPORTS = frozenset({"tcp", "udp", "any"})


class Named(Protocol):
    """Anything that a file declares under a name."""

    @property
    def name(self) -> str:
        """The name as written."""

    @property
    def location(self) -> Location:
        """Where it is declared."""


_Item = TypeVar("_Item", bound=Named)


class _Names:
    """One namespace: tells the second use of a name, keeps the first, and remembers those that came to nothing."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._first: dict[str, Location] = {}

    def claim(self, name: str, location: Location) -> bool:
        first = self._first.setdefault(name.lower(), location)
        if first is location:
            return True
        self._reading.error(location, name, f"is already declared at {first}", "rename or remove one of them")
        return False

    def keep(self, kept: dict[str, _Item], item: _Item | None, line: Line | None = None) -> None:
        if item is None:
            if line is not None:
                self._reading.broken.add(line.text.partition("=")[0].strip().lower())
        elif self.claim(item.name, item.location):
            kept[item.name.lower()] = item


def read_objects(reading: Reading) -> Objects:
    """All objects and groups. Names are unique among address objects, and among services, without regard to case."""
    addresses, services, protocol_names = _Names(reading), _Names(reading), _Names(reading)
    hosts: dict[str, HostObject] = {}
    networks: dict[str, NetworkObject] = {}
    service_objects: dict[str, ServiceObject] = {}
    protocols: dict[str, ProtocolObject] = {}
    internet: InternetObject | None = None
    document = reading.document("object", _SECTIONS)
    if document is None:
        reading.error(Location("object", 1), "file", "is missing", "every ConfigFiles tree has an object base")
    else:
        for line in document.lines("host"):
            addresses.keep(hosts, _host(reading, line, fqdn=False), line)
        for line in document.lines("fqdn"):
            addresses.keep(hosts, _host(reading, line, fqdn=True), line)
        for line in document.lines("network"):
            network = _network(reading, line)
            if isinstance(network, HostObject):
                addresses.keep(hosts, network)
            else:
                addresses.keep(networks, network, line)
        for line in document.lines("service"):
            services.keep(service_objects, _service(reading, line), line)
        for line in document.lines("protocol"):
            protocol_names.keep(protocols, _protocol(reading, line), line)
        internet = _internet(reading, document.section("internet"))
    return Objects(
        hosts=hosts,
        networks=networks,
        services=service_objects,
        protocols=protocols,
        groups=_groups(reading, "objectgroup", addresses, Wanted.ADDRESSES),
        service_groups=_groups(reading, "servicegroup", services, Wanted.SERVICES),
        routers=_routers(reading, addresses),
        url_groups=_groups(reading, "urlgroup", _Names(reading), None),
        cn_groups=_groups(reading, "cngroup", _Names(reading), None),
        internet=internet,
    )


def _assignment(reading: Reading, line: Line) -> tuple[str, list[str]] | None:
    """A line as its name and its comma-separated fields."""
    assignment = line.assignment()
    if assignment is None or not assignment[1]:
        reading.error(line.location, "line", f'"{line.text}" is not name=value')
        return None
    if not _NEVER_IN_NAMES.isdisjoint(assignment[0]):
        remedy = "no rule could speak of it: use letters, digits, '.', '_' and '-'"
        reading.error(line.location, "name", f'"{assignment[0]}" is not a name', remedy)
    return assignment[0], [part.strip() for part in assignment[1].split(",")]


def _options(reading: Reading, line: Line, parts: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in parts:
        token, equals, value = part.partition("=")
        if not equals or token.lower() not in _OPTIONS:
            reading.unsupported(line.location, part or "option", "is not a known option of an object")
        options[token.lower()] = value
    return options


def _host(reading: Reading, line: Line, *, fqdn: bool) -> HostObject | None:
    """``name=ip[-iphigh][,ipv6][,option=value…]``. IPv6 addresses are accepted and not modelled."""
    found = _assignment(reading, line)
    if found is None:
        return None
    name, parts = found
    addresses = [part for part in parts if part and "=" not in part]
    options = _options(reading, line, [part for part in parts if "=" in part])
    resolve = options.get("resolve", "dynamic" if fqdn else "static")
    if resolve not in _RESOLVE:
        reading.error(line.location, name, f"resolve={resolve} is not one of {', '.join(sorted(_RESOLVE))}")
    first: IPv4Address | None = None
    last: IPv4Address | None = None
    for text in addresses:
        if text.count(":") > 1:
            _ipv6(reading, line, name, text)
            continue
        if first is not None:
            reading.error(line.location, name, f'has a second IPv4 address "{text}"', "use a group, or first-last")
            continue
        low, _, high = text.replace(":", "-").partition("-")
        first = _address(reading, line.location, name, low)
        last = _address(reading, line.location, name, high) if high else first
        if first is None or last is None:
            return HostObject(name, line.location, None, None, resolve, line.comment)
        if last < first:
            reading.error(line.location, name, f"range {first}-{last} ends before it begins", "swap the two")
            first, last = last, first
    if not addresses and resolve == "static":
        reading.error(line.location, name, "has no address")
    return HostObject(name, line.location, first, last, resolve, line.comment)


def _address(reading: Reading, location: Location, field: str, text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        reading.error(location, field, f'"{text}" is not an IPv4 address')
        return None


def _ipv6(reading: Reading, line: Line, name: str, text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        reading.error(line.location, name, f'"{text}" is not an IPv6 address')


def _network(reading: Reading, line: Line) -> NetworkObject | HostObject | None:
    """``name=address[/mask][,ipv6][,option=value…]``; an IPv6 network alone is kept as an object without IPv4 address."""
    found = _assignment(reading, line)
    if found is None:
        return None
    name, parts = found
    _options(reading, line, [part for part in parts[1:] if "=" in part or not part])
    networks = [parts[0], *(part for part in parts[1:] if part and "=" not in part)]
    ipv6 = [_ipv6_network(reading, line, name, text) for text in networks if text.count(":") > 1]
    ipv4 = [text for text in networks if text.count(":") < 2]
    for other in ipv4[1:]:
        reading.error(line.location, name, f'has a second IPv4 network "{other}"', "use a group")
    if not ipv4:
        return ipv6[0]
    address, _, mask = ipv4[0].partition("/")
    first = _address(reading, line.location, name, address)
    if first is None:
        return None
    try:
        network = IPv4Network(f"{first}/{mask or 32}", strict=False)
    except ValueError:
        reading.error(line.location, name, f'"{mask}" is not a mask', "write 255.255.255.0 or 24")
        return None
    if network.network_address != first:
        reading.warning(line.location, name, f"{ipv4[0]} has bits behind its mask", f"write {network}")
    return NetworkObject(name, line.location, network, line.comment)


def _ipv6_network(reading: Reading, line: Line, name: str, text: str) -> HostObject | None:
    try:
        IPv6Network(text, strict=False)
    except ValueError:
        reading.error(line.location, name, f'"{text}" is not a network')
        return None
    return HostObject(name, line.location, None, None, comment=line.comment)


def _service(reading: Reading, line: Line) -> ServiceObject | None:
    """``name=port1[-port2]/tcp|any|udp[,color=RRGGBB]``."""
    found = _assignment(reading, line)
    if found is None:
        return None
    name, parts = found
    _options(reading, line, parts[1:])
    ports, slash, transport = parts[0].partition("/")
    if not slash or transport.lower() not in _TRANSPORTS:
        message = f'"{transport}" is not tcp, udp or any' if slash else f'"{parts[0]}" names no protocol'
        reading.error(line.location, name, message, "write port/tcp, port/udp or port/any")
        return None
    low, dash, high = ports.partition("-")
    first = _port(reading, line.location, name, low)
    last = _port(reading, line.location, name, high) if dash else first
    if first is None or last is None:
        return None
    if last < first:
        reading.error(line.location, name, f"range {first}-{last} ends before it begins", "swap the two")
        return None
    return ServiceObject(name, line.location, transport.lower(), first, last, line.comment)


def _port(reading: Reading, location: Location, field: str, text: str) -> int | None:
    if text.isascii() and text.isdigit() and 0 < int(text) <= 65535:
        return int(text)
    reading.error(location, field, f'"{text}" is not a port from 1 to 65535')
    return None


def _protocol(reading: Reading, line: Line) -> ProtocolObject | None:
    found = _assignment(reading, line)
    if found is None:
        return None
    name, parts = found
    _options(reading, line, parts[1:])
    if parts[0].isascii() and parts[0].isdigit() and int(parts[0]) <= 255:
        return ProtocolObject(name, line.location, int(parts[0]))
    reading.error(line.location, name, f'"{parts[0]}" is not an IP protocol number from 0 to 255')
    return None


def _internet(reading: Reading, section: Section) -> InternetObject | None:
    if not section.lines:
        return None
    settings = Settings(reading, section, ("operator", "object"))
    operator = settings.choice("operator", "ne", ("ne", "eq"))
    name = settings.text("object", "Network_internals")
    reading.refer(Wanted.ADDRESSES, settings.where("object"), "object", name)
    return InternetObject(section.location, operator, name)


def _groups(reading: Reading, file: str, names: _Names, members: Wanted | None) -> dict[str, Group]:
    """The groups of a file, one section each; ``members`` is what a member must be, None for patterns."""
    document = reading.document(file)
    groups: dict[str, Group] = {}
    for section in document.sections if document else ():
        lines = tuple((line.text.strip('"'), line.location) for line in section.lines)
        if members is not None:
            for name, location in lines:
                reading.refer(members, location, f"[{section.name}]", name)
        names.keep(groups, Group(section.name, section.location, lines, section.comment))
    return groups


_ROUTER_SILENT = ("comment", "gatewaythreshold", "frequency", "wait", "tries", "activateallbackup", "onfailpolicy")
_GATEWAY_OPTIONS = frozenset({"checkhost", "weight", "monitor", "comment"})


def _routers(reading: Reading, names: _Names) -> dict[str, Router]:
    """Router objects. Probing of gateways is not modelled: the first principal is taken as alive."""
    document = reading.document("router")
    routers: dict[str, Router] = {}
    for section in document.sections if document else ():
        ranked: dict[str, list[str]] = {"principal": [], "backup": []}
        rest = Section(section.name, section.location)
        for line in section.lines:
            assignment = line.assignment()
            rank = assignment[0].lower().rstrip("0123456789") if assignment else ""
            if assignment is None or rank not in ranked:
                rest.lines.append(line)
                continue
            gateway, *options = [part.strip() for part in assignment[1].split(",")]
            for option in options:
                if option.partition("=")[0].lower() not in _GATEWAY_OPTIONS:
                    reading.unsupported(line.location, option, "is not a known option of a gateway")
            reading.refer(Wanted.HOST, line.location, assignment[0], gateway)
            ranked[rank].append(gateway)
        Settings(reading, rest, (), _ROUTER_SILENT, {"loadbalancing": ("none", "")})
        if not ranked["principal"]:
            reading.error(section.location, f"[{section.name}]", "has no gateway", "add Principal=<host>")
        names.keep(routers, Router(section.name, section.location, tuple(ranked["principal"]), tuple(ranked["backup"])))
    return routers
