"""Translation as nft statements: what stands behind ``->`` in a filter or a NAT rule, applied by the connection's mark.

A filter rule with a translation of its own is its connections' only one: NAT rules are not asked then.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from lab.appliance import marks
from lab.appliance.errors import Refused
from lab.appliance.matches import port_text
from sns.addresses import AddressSet
from sns.model import Finding, Operand, Rule, Severity
from sns.resolution import Resolver

_WITH_PORTS = "meta l4proto { tcp, udp }"


def destination(rule: Rule, resolver: Resolver) -> Iterator[str]:
    """The rules of the destination chain for one rule. Raises Refused when its translation cannot be simulated."""
    if rule.translation is None:
        return
    wanted = rule.translation
    yield from _statements("dnat", "daddr", rule, rule.destination, wanted.destination, wanted.destination_port, resolver)


def source(rule: Rule, resolver: Resolver) -> Iterator[str]:
    """The rules of the source chain for one rule. Raises Refused when its translation cannot be simulated."""
    if rule.translation is None:
        return
    wanted = rule.translation
    yield from _statements("snat", "saddr", rule, rule.source, wanted.source, wanted.source_port, resolver)


def _statements(
    verb: str, field: str, rule: Rule, original: Operand, name: str | None, port: str | None, resolver: Resolver
) -> Iterator[str]:
    if name is None and port is None:
        return
    selected = marks.remembered(rule)
    ports = _ports(rule, port, resolver) if port else ""
    if name is None:
        yield f"{selected} {_WITH_PORTS} {verb} to :{ports}"
        return
    target = resolver.addresses(name)
    if not target:  # an interface without its lease yet: rather silence than packets with the wrong address
        yield f"{selected} drop"
        return
    mapped = _mapped(resolver.addresses(original), target)
    if mapped:
        before, after = mapped
        yield f"{selected} {verb} ip prefix to ip {field} map {{ {before} : {after} }}"
        return
    address = _span(rule, name, target)
    if ports:
        yield f"{selected} {_WITH_PORTS} {verb} to {address}:{ports}"
    yield f"{selected} {verb} to {address}"


def _mapped(original: AddressSet, target: AddressSet) -> tuple[IPv4Network, IPv4Network] | None:
    before, after = original.networks(), target.networks()
    if len(before) == len(after) == 1 and before[0].prefixlen == after[0].prefixlen < 32:
        return before[0], after[0]
    return None


def _span(rule: Rule, name: str, target: AddressSet) -> str:
    spans = target.ranges()
    if len(spans) != 1:
        raise _refused(rule, f"{name} is not one address, range or network", "translate to one of these")
    first, last = spans[0]
    return str(first) if first == last else f"{first}-{last}"


def _ports(rule: Rule, name: str, resolver: Resolver) -> str:
    found = {(port.first, port.last) for port in resolver.services(name, None)}
    if len(found) != 1:
        raise _refused(rule, f"{name} is not one port or port range", "translate to one service object")
    return port_text(resolver.services(name, None))


def _refused(rule: Rule, message: str, remedy: str) -> Refused:
    return Refused((Finding(Severity.ERROR, rule.location, "->", message, remedy),))
