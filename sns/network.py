"""Interfaces and routes: ``network`` (sns.md 1.4) and ``route`` (sns.md 1.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

from .ini import Line, Section
from .model import Configuration, Interface, Location, Routing, StaticRoute
from .reading import Reading, Wanted
from .resolution import Resolver
from .settings import Settings

BLACK_HOLE = "loopback"
"""The interface of a route that discards (recommendation R41 of the ANSSI note on SNS)."""

VIRTUAL_INTERFACES = frozenset({"ipsec", "sslvpn"})
"""Interfaces that exist without a section in ``network``; their names are forbidden to others."""

_FORBIDDEN_NAMES = frozenset({"dynamic", "ipsec", "sslvpn"})
_FORBIDDEN_STARTS = (
    "firewall", "network", "loopback", "serial", "agg", "bridge", "dialup", "ethernet", "vlan", "wifi", "wldev",
)  # fmt: skip
_OTHER_KINDS = frozenset({"bridge", "agg", "wifi", "wldev", "dialup", "loopback", "serial", "gretap", "ipsec", "usb"})
_MODELLED = (
    "state", "name", "protected", "address", "mask", "mtu", "macaddress", "physical", "tag", "ipv6address",
)  # fmt: skip
_SILENT = (
    "media", "color", "eee", "type", "maxthroughput", "fastroute", "requestdns", "dynamicdns", "keepvlanid", "comment",
)  # fmt: skip
_COLOR = re.compile(r"[0-9A-Fa-f]{6}")
_NEUTRAL = {"gateway": ("",), "bridge": ("",), "agg": ("",), "ipv6address": ("",)}


def read_interfaces(reading: Reading, leases: Mapping[str, IPv4Interface]) -> tuple[Interface, ...]:
    """The interfaces of ``network``, in file order, off ones included. ``leases`` gives the addresses of DHCP ones."""
    document = reading.document("network")
    if document is None:
        reading.error(Location("network", 1), "file", "is missing", "every ConfigFiles tree has its interfaces")
        return ()
    Settings(reading, document.section("config"), ("ipv6state",), ("ipv6ready",), {"ipv6state": ("0", "")})
    known_leases = {name.lower(): lease for name, lease in leases.items()}
    interfaces: dict[str, Interface] = {}
    for section in document.sections:
        key = section.name.lower()
        if key == "config":
            continue
        if key in interfaces:
            first = interfaces[key].location
            reading.error(section.location, f"[{section.name}]", f"is already declared at {first}", "join the two")
            continue
        interface = _interface(reading, section, known_leases)
        if interface is not None:
            interfaces[key] = interface
    found = tuple(interfaces.values())
    _check_together(reading, found)
    return found


def _interface(reading: Reading, section: Section, leases: Mapping[str, IPv4Interface]) -> Interface | None:
    kind = section.name.lower().rstrip("0123456789")
    if kind not in ("ethernet", "vlan") or kind == section.name.lower():
        _other_kind(reading, section, kind)
        return None
    settings = Settings(reading, section, _MODELLED, _SILENT, _NEUTRAL)
    enabled = settings.flag("State", True)
    name = settings.text("Name", section.name)
    if "Name" in settings:
        _check_name(reading, settings, name)
    elif enabled:
        reading.error(settings.location, "Name", "is missing", "rules speak of interfaces by this name")
    dhcp = settings.text("Address").lower() == "dhcp"
    address = leases.get(section.name.lower()) or leases.get(name.lower()) if dhcp else _static(reading, settings)
    if dhcp and "Mask" in settings:
        reading.warning(settings.where("Mask"), "Mask", "has no meaning beside Address=DHCP", "remove it")
    if enabled and not settings.text("Address"):
        message = "is missing on an interface that is on"
        remedy = "write Address=DHCP" if "Method" in settings else "give Address and Mask, or State=0"
        reading.error(settings.where("Method"), "Address", message, remedy)
    physical, tag = _vlan(reading, settings) if kind == "vlan" else (None, None)
    return Interface(
        section=section.name.lower(),
        name=name,
        location=section.location,
        enabled=enabled,
        protected=settings.flag("Protected", False),
        address=address if enabled else None,
        dhcp=dhcp,
        mac=_mac(reading, settings),
        mtu=settings.number("MTU", 1500, 68, 65535) if "MTU" in settings else None,
        physical=physical,
        tag=tag,
    )


def _other_kind(reading: Reading, section: Section, kind: str) -> None:
    """Bridges, aggregates, modems, Wi-Fi are not modelled; one that is off has no part in anything."""
    if kind not in _OTHER_KINDS:
        reading.unsupported(section.location, "section", f"[{section.name}] is not an interface known here")
        return
    states = [line for line in section.lines if line.text.lower().startswith("state")]
    if Settings(reading, replace(section, lines=states), ("state",)).flag("state", True):
        reading.unsupported(section.location, f"[{section.name}]", "interfaces of this kind are not modelled")


def _check_name(reading: Reading, settings: Settings, name: str) -> None:
    lowered = name.lower()
    where = settings.where("Name")
    if lowered in _FORBIDDEN_NAMES:
        reading.error(where, "Name", f'"{name}" is reserved', "choose another name")
    elif start := next((start for start in _FORBIDDEN_STARTS if lowered.startswith(start)), None):
        reading.error(where, "Name", f'"{name}" starts with "{start}", which is reserved', "choose another name")
    elif not name or any(character in name for character in ' \t"|!,='):
        reading.error(where, "Name", f'"{name}" is not a name', "use letters, digits, '_' and '-'")


def _static(reading: Reading, settings: Settings) -> IPv4Interface | None:
    address, mask = settings.text("Address"), settings.text("Mask")
    if not address:
        return None
    try:
        IPv4Address(address)
    except ValueError:
        reading.error(settings.where("Address"), "Address", f'"{address}" is neither DHCP nor an IPv4 address')
        return None
    if not mask:
        remedy = "write Mask=255.255.255.0 or what the network has"
        reading.error(settings.where("Address"), "Mask", "is missing beside a static address", remedy)
        return None
    try:
        interface = IPv4Interface(f"{address}/{mask}")
    except ValueError:
        reading.error(settings.where("Mask"), "Mask", f'"{mask}" is not a mask', "write it as 255.255.255.0")
        return None
    network = interface.network
    if network.prefixlen < 31 and interface.ip in (network.network_address, network.broadcast_address):
        what = "network" if interface.ip == network.network_address else "broadcast"
        reading.error(settings.where("Address"), "Address", f"{address} is the {what} address of {network}")
    return interface


def _mac(reading: Reading, settings: Settings) -> str | None:
    mac = settings.text("MACAddress").lower()
    if not mac:
        return None
    parts = mac.split(":")
    if len(parts) != 6 or any(len(part) != 2 or not set(part) <= set("0123456789abcdef") for part in parts):
        reading.error(settings.where("MACAddress"), "MACAddress", f'"{mac}" is not a MAC', "write xx:xx:xx:xx:xx:xx")
        return None
    if int(parts[0], 16) & 1:
        reading.error(settings.where("MACAddress"), "MACAddress", f'"{mac}" is a multicast address')
        return None
    return mac


def _vlan(reading: Reading, settings: Settings) -> tuple[str | None, int | None]:
    for token in ("Physical", "Tag"):
        if token not in settings:
            reading.error(settings.location, token, "is missing on a VLAN interface")
    tag = settings.number("Tag", 0, 1, 4094) or None
    return settings.text("Physical").lower() or None, tag


def _check_together(reading: Reading, interfaces: tuple[Interface, ...]) -> None:
    names: dict[str, Interface] = {}
    tags: dict[tuple[str | None, int | None], Interface] = {}
    sections = {interface.section for interface in interfaces}
    for interface in interfaces:
        first = names.setdefault(interface.name.lower(), interface)
        if first is not interface:
            message = f'"{interface.name}" is also the name of [{first.section}] at {first.location}'
            reading.error(interface.location, "Name", message, "rename one of them")
        if interface.tag is None:
            continue
        if interface.physical is not None and interface.physical not in sections:
            message = f'"{interface.physical}" is not a section of this file'
            reading.error(interface.location, "Physical", message)
        other = tags.setdefault((interface.physical, interface.tag), interface)
        if other is not interface:
            message = f"{interface.tag} is already used on {interface.physical} at {other.location}"
            reading.error(interface.location, "Tag", message)
    _check_overlap(reading, [interface for interface in interfaces if interface.address is not None])


def _check_overlap(reading: Reading, interfaces: list[Interface]) -> None:
    for place, interface in enumerate(interfaces):
        for other in interfaces[:place]:
            if interface.address and other.address and interface.address.network.overlaps(other.address.network):
                message = f"{interface.address.network} overlaps {other.address.network} of [{other.section}]"
                reading.error(interface.location, "Address", message, "give every interface a network of its own")


def read_routing(reading: Reading) -> Routing:
    """The ``route`` file: default route and static routes."""
    document = reading.document("route", ("config", "staticroutes", "reverseroutes"))
    if document is None:
        return Routing()
    settings = Settings(reading, document.section("config"), ("defaultroute",))
    default = settings.text("DefaultRoute") or None
    if default:
        reading.refer(Wanted.GATEWAY, settings.where("DefaultRoute"), "DefaultRoute", default)
    for line in document.lines("reverseroutes"):
        reading.unsupported(line.location, "[ReverseRoutes]", "reverse routes are not modelled")
    routes = tuple(route for line in document.lines("staticroutes") if (route := _route(reading, line)) is not None)
    return Routing(default, settings.where("DefaultRoute") if default else None, routes)


def _route(reading: Reading, line: Line) -> StaticRoute | None:
    """``destination,interface[->gateway][,RRGGBB]``."""
    destination, comma, rest = (part.strip() for part in line.text.partition(","))
    hop, colored, color = rest.partition(",")
    interface, arrow, gateway = (part.strip() for part in hop.partition("->"))
    if not comma or not interface or (arrow and not gateway):
        reading.error(line.location, "route", f'"{line.text}" is not destination,interface[->gateway]')
        return None
    if colored and not _COLOR.fullmatch(color.strip()):
        message = f'"{color.strip()}" is not a color (RRGGBB), and nothing else is known to stand there'
        reading.unsupported(line.location, "route", message)
    reading.refer(Wanted.ADDRESSES, line.location, "destination", destination)
    route = StaticRoute(line.location, destination, interface, gateway or None)
    if interface.lower() == BLACK_HOLE:
        return route
    reading.refer(Wanted.INTERFACE, line.location, "interface", interface)
    if gateway:
        reading.refer(Wanted.GATEWAY, line.location, "gateway", gateway)
        reading.later(lambda configuration, resolver: _check_gateway(reading, route, configuration, resolver))
    return route


def _check_gateway(reading: Reading, route: StaticRoute, configuration: Configuration, resolver: Resolver) -> None:
    interface = configuration.interface(route.interface)
    if interface is None or interface.address is None or not route.gateway:
        return
    for gateway in resolver.gateways(route.gateway):
        if gateway not in interface.address.network:
            message = f"{gateway} is not on {interface.address.network} of interface {interface.name}"
            reading.error(route.location, "gateway", message)
