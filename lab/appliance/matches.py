"""What a rule matches, as nft conditions. A rule becomes as many nft rules as it has protocols, all with its counter.

Addresses are those before translation: everything here is evaluated in prerouting, ahead of NAT (sns.md 1.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, summarize_address_range

from lab.appliance import devices
from sns.addresses import ALL, AddressSet
from sns.errors import ServiceMismatch
from sns.implicit import ImplicitRule
from sns.model import Configuration, Rule
from sns.resolution import PROTOCOL_NUMBERS, PortRange, Resolver

TCP = PROTOCOL_NUMBERS["tcp"]
UDP = PROTOCOL_NUMBERS["udp"]


@dataclass(frozen=True, slots=True)
class Match:
    """The conditions of one nft rule (empty: everything), and the one IP protocol that they allow, if only one."""

    conditions: tuple[str, ...]
    protocol: int | None = None

    def rule(self, *statements: str) -> str:
        """The nft rule that does these statements on what matches."""
        return " ".join((*self.conditions, *statements))


def of_rule(
    rule: Rule, configuration: Configuration, resolver: Resolver, departure: str = "fib daddr oifname"
) -> tuple[Match, ...]:
    """The nft rules that together match what a filter or NAT rule matches; none when it can match nothing.

    ``departure`` is how the hook that evaluates them asks by which device the packet will leave.
    """
    common = [*_arrival(rule, configuration)]
    for field, operand in (("saddr", rule.source), ("daddr", rule.destination)):
        addresses = resolver.addresses(operand)
        if not addresses:
            return ()
        if addresses != ALL:
            common.append(f"ip {field} {address_text(addresses)}")
    if rule.destination_interface:
        names = devices.of_interface(configuration, rule.destination_interface)
        common.append(f"{departure} {devices.quoted(names)}")
    if rule.tos is not None:
        common.append(f"@nh,8,8 {rule.tos}")
    protocol = _number(rule.ip_protocol, resolver)
    try:
        sources = resolver.services(rule.source_port, rule.ip_protocol)
        targets = resolver.services(rule.destination_port, rule.ip_protocol)
    except ServiceMismatch:
        return ()
    if sources or targets:
        return _with_ports(common, protocol, sources, targets)
    return (Match((*common, *_protocol(rule, protocol)), protocol),)


def of_implicit(rule: ImplicitRule, configuration: Configuration, resolver: Resolver) -> tuple[Match, ...]:
    """The nft rules that together match what an implicit rule matches; none when it can match nothing."""
    common = []
    if rule.interfaces is not None:
        names = [name for user in rule.interfaces for name in devices.of_interface(configuration, user)]
        if not names:
            return ()
        common.append(f"iifname {devices.quoted(names)}")
    for field, addresses in (("saddr", rule.sources), ("daddr", rule.destinations)):
        if not addresses:
            return ()
        if addresses != ALL:
            common.append(f"ip {field} {address_text(addresses)}")
    protocol = _number(rule.ip_protocol, resolver)
    if rule.ports:
        return _with_ports(common, protocol, (), rule.ports)
    if protocol is not None:
        common.append(f"meta l4proto {protocol}")
    return (Match(tuple(common), protocol),)


def _number(name: str | None, resolver: Resolver) -> int | None:
    """The number behind ``ipproto``, None for any."""
    return None if name is None or name.lower() == "any" else resolver.protocol_number(name)


def address_text(addresses: AddressSet) -> str:
    """A set of addresses as nft writes it: one address, network or range, or a set of them."""
    parts = [_range(first, last) for first, last in addresses.ranges()]
    return parts[0] if len(parts) == 1 else "{ " + ", ".join(parts) + " }"


def port_text(ports: Iterable[PortRange]) -> str:
    """Port ranges as nft writes them; their protocols are the caller's affair."""
    parts = sorted({(port.first, port.last) for port in ports})
    listed = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return listed[0] if len(listed) == 1 else "{ " + ", ".join(listed) + " }"


def _range(first: IPv4Address, last: IPv4Address) -> str:
    if first == last:
        return str(first)
    networks = list(summarize_address_range(first, last))
    return str(networks[0]) if len(networks) == 1 else f"{first}-{last}"


def _arrival(rule: Rule, configuration: Configuration) -> Iterable[str]:
    via = (rule.via or "").lower()
    if via == "none":
        tunnels = (devices.IPSEC, devices.SSL_VPN_UDP, devices.SSL_VPN_TCP)
        yield f"iifname != {devices.quoted(tunnels)}"
    if via in ("ipsec", "sslvpn"):
        yield f"iifname {devices.quoted(devices.of_interface(configuration, via))}"  # an ``on`` beside it says the same
    elif rule.source_interface:
        yield f"iifname {devices.quoted(devices.of_interface(configuration, rule.source_interface))}"


def _protocol(rule: Rule, protocol: int | None) -> Iterable[str]:
    if protocol is None:
        return
    if protocol != PROTOCOL_NUMBERS["icmp"] or rule.icmp_type is None:
        yield f"meta l4proto {protocol}"
        return
    yield f"icmp type {rule.icmp_type}"
    if rule.icmp_code is not None:
        yield f"icmp code {rule.icmp_code}"


def _with_ports(
    common: Iterable[str], protocol: int | None, sources: tuple[PortRange, ...], targets: tuple[PortRange, ...]
) -> tuple[Match, ...]:
    found = []
    for number in (TCP, UDP) if protocol is None else (protocol,):
        conditions = [*common, f"meta l4proto {number}"]
        impossible = False
        for field, ports in (("sport", sources), ("dport", targets)):
            wanted = [port for port in ports if PROTOCOL_NUMBERS[port.protocol] == number]
            impossible = impossible or bool(ports and not wanted)
            if wanted:
                conditions.append(f"th {field} {port_text(wanted)}")
        if not impossible:
            found.append(Match(tuple(conditions), number))
    return tuple(found)
