"""The cluster: ``HA/highavailability`` and ``HA/hacluster`` (sns.md 1.9, 6)."""

from __future__ import annotations

from ipaddress import IPv4Address

from .ini import Section
from .model import Configuration, HaMember, HighAvailability
from .reading import Reading, Wanted
from .resolution import Resolver
from .settings import Settings

FILE = "HA/highavailability"

_GLOBAL_SILENT = (
    "initialized", "timeout", "softwatchdog", "waitingpeertimeout", "synchronizationdelay", "secure",
    "timesyncthreshold", "timesyncrebootthreshold", "lacpwhenpassive", "postennetworkpauseduration",
    "enfilterpauseduration", "swappauseduration", "conndumpmax", "connrestoremax", "disksqualityincluded",
    "tpmqualityincluded", "lacpmembershaveweight", "failovermembershaveweight", "broadcastmembershaveweight",
    "unicast", "synchronizemacaddress", "delayconnupd",
)  # fmt: skip
_OPENAIS_SILENT = (
    "netmtu", "consensustimeout", "tokenretransmit", "jointimeout", "mergetimeout", "linkredundancymode",
    "multicastaddr", "unicast",
)  # fmt: skip
_FORWARDS = ("all", "connections", "tcp", "udp", "assoc", "sip")
_OTHER_FORWARDS = ("Assoc", "Sip")  # no source tells what goes then


def read_ha(reading: Reading) -> HighAvailability:
    """High availability; a missing file means that it is off."""
    document = reading.document(FILE, ("global", "communication", "weights", "openais", "icmp", "atboot"))
    if document is None:
        return HighAvailability()
    modelled = ("state", "forward", "sendarp", "sendarpperiod", "password", "interfacesflipflop")
    general = Settings(reading, document.section("global"), modelled, _GLOBAL_SILENT, {"purgearp": ("", "0")})
    link = Settings(reading, document.section("communication"), ("interface",), (), {"interface2": ("",)})
    openais = Settings(reading, document.section("openais"), ("tokentimeout",), _OPENAIS_SILENT)
    icmp = Settings(reading, document.section("icmp"), ("pinginterval", "nbping"))
    Settings(reading, document.section("atboot"), (), ("action", "join", "forcemode"))
    weights = _weights(reading, document.section("weights"))
    ha = HighAvailability(
        enabled=general.flag("State", False),
        interface=link.text("Interface") or None,
        members=_members(reading),
        weights=weights,
        token_timeout=openais.number("TokenTimeout", 4000, 20, 600000),
        ping_interval=icmp.number("PingInterval", 100, 10, 60000),
        ping_count=icmp.number("NbPing", 5, 1, 100),
        send_arp=general.flag("SendARP", False),
        send_arp_period=general.number("SendARPPeriod", 30, 1, 86400),
        purge_arp=general.flag("PurgeARP", False),
        interfaces_flip_flop=general.number("InterfacesFlipFlop", 1000, 0, 60000),
        password=general.text("Password"),
        forward=general.choice("Forward", "all", _FORWARDS).capitalize(),
    )
    if ha.forward in _OTHER_FORWARDS:
        message = f'"{general.text("Forward")}" is not modelled here: all connections go to the other member'
        reading.unsupported(general.where("Forward"), "Forward", message)
    if ha.interface:
        reading.refer(Wanted.INTERFACE, link.where("Interface"), "Interface", ha.interface)
    if ha.enabled:
        _check_enabled(reading, general, link, ha)
    return ha


def _check_enabled(reading: Reading, general: Settings, link: Settings, ha: HighAvailability) -> None:
    if not ha.interface:
        reading.error(link.location, "Interface", "is missing while high availability is on")
    if not ha.password:
        reading.error(general.location, "Password", "is missing while high availability is on")

    def check(configuration: Configuration, _resolver: Resolver) -> None:
        interface = configuration.interface(ha.interface or "")
        if interface is None:
            return
        if not interface.enabled:
            reading.error(link.where("Interface"), "Interface", f'"{ha.interface}" is off', "set its State=1")
        if interface.address is None:
            return
        for member in ha.members:
            if member.address not in interface.address.network:
                message = f"{member.address} is not on {interface.address.network} of interface {interface.name}"
                reading.error(member.location, "Ip", message)

    reading.later(check)


def _weights(reading: Reading, section: Section) -> dict[str, int]:
    tokens = {assignment[0] for line in section.lines if (assignment := line.assignment())}
    settings = Settings(reading, section, tokens)
    for token in tokens:
        reading.refer(Wanted.INTERFACE, settings.where(token), token, token)
    return {token.lower(): settings.number(token, 100, 0, 9999) for token in sorted(tokens)}


def _members(reading: Reading) -> tuple[HaMember, ...]:
    document = reading.document("HA/hacluster")
    members: dict[str, HaMember] = {}
    addresses: dict[IPv4Address, str] = {}
    for section in document.sections if document else ():
        settings = Settings(
            reading, section, ("ip", "priority", "nodeid"), ("sshkeytype", "sshkey", "sshlogin"), {"ip2": ("",)}
        )
        try:
            address = IPv4Address(settings.text("Ip"))
        except ValueError:
            reading.error(settings.where("Ip"), "Ip", f'"{settings.text("Ip")}" is not an IPv4 address')
            continue
        if section.name in members:
            first = members[section.name].location
            reading.error(section.location, f"[{section.name}]", f"is already declared at {first}")
            continue
        if address in addresses:
            reading.error(settings.where("Ip"), "Ip", f"{address} is also the address of {addresses[address]}")
        addresses[address] = section.name
        members[section.name] = HaMember(
            serial=section.name,
            location=section.location,
            address=address,
            priority=settings.number("Priority", 0, 0, 9999),
            node_id=settings.number("NodeId", len(members) + 1, 0, 2**32 - 1),
        )
    if len(members) > 2:
        third = tuple(members.values())[2]
        reading.error(third.location, f"[{third.serial}]", "is a third member", "a cluster has two")
    return tuple(members.values())
