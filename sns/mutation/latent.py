"""Differences that nobody can meet as things stand: why, for each; what is left is for scenarios to notice.

Such a mutant is no equivalent one: the value is wrong, and counts as soon as something else changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from sns.addresses import ALL, EMPTY, AddressSet
from sns.boxes import Box, cells
from sns.comparison import Difference
from sns.cuts import ICMP, Cuts
from sns.errors import ResolutionError
from sns.first_match import FirstMatch
from sns.implicit import FIREWALL
from sns.model import Configuration
from sns.paths import IPSEC, SSL_VPN
from sns.resolution import PROTOCOL_NUMBERS, Resolver
from sns.settings_changed import SettingChanged
from sns.space import Space

TCP = PROTOCOL_NUMBERS["tcp"]
NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 - the source of who has no address yet


def flows_unmet(mutated: Configuration, differences: Iterable[Difference], space: Space) -> Iterator[str]:
    """Why the packets of each of some differences are never sent; "" for those that somebody may send."""
    for one in differences:
        if all(_to_itself(box, space) for box in one.boxes):
            yield "no host sends to its own address by a wire"
        elif all(_without_address(box, space) for box in one.boxes):
            yield "a host without an address opens no connection: nothing can answer it"
        elif all(_to_itself(box, space) or _never_chosen(box, mutated, space) for box in one.boxes):
            yield "the firewall itself takes the address of the interface by which it leaves, never this one"
        else:
            yield ""


def _to_itself(box: Box, space: Space) -> bool:
    """Whether these packets have one address for source and destination."""
    return box.source == box.destination and len(space.sources(box)) == 1


def _without_address(box: Box, space: Space) -> bool:
    """Whether these are packets from 0.0.0.0 of protocols that need an answer."""
    answered = space.services.protocol(TCP) | space.services.protocol(ICMP)
    return not box.service & ~answered and space.sources(box) == AddressSet.of(NOBODY)


def _never_chosen(box: Box, mutated: Configuration, space: Space) -> bool:
    """Whether these are packets of the firewall itself alone, from other addresses than it takes for where they go."""
    if [space.arrivals[place] for place in cells(box.arrival)] != [FIREWALL]:
        return False
    for departure, boxes in space.departures(box):
        if departure in (IPSEC, SSL_VPN):
            return False
        interface = mutated.interface(departure or "")
        own = interface.address if interface else None
        if any(own is not None and AddressSet.of(own.ip) & space.sources(part) for part in boxes):
            return False
    return True


def settings_unmet(original: Configuration, mutated: Configuration, changes: Iterable[SettingChanged]) -> Iterator[str]:
    """Why each of some values that differ counts for nobody; "" where somebody may notice."""
    for change in changes:
        part, _, rest = change.path.partition(".")
        if part in ("access", "directory") and not (original.ssl_vpn.enabled or mutated.ssl_vpn.enabled):
            yield "the SSL VPN is off, and nothing else here asks for rights or users"
        elif part == "management" and rest.startswith("web_access"):
            before, after = _allowed(original), _allowed(mutated)
            differ = (before - after) | (after - before)
            unmet = "no rule lets the addresses that differ reach the administration page"
            yield "" if _reach_the_page(original) & differ else unmet
        else:
            yield ""


def _allowed(configuration: Configuration) -> AddressSet:
    """The addresses that the administration page answers."""
    resolver, found = Resolver(configuration), EMPTY
    for name, _ in configuration.management.web_access:
        try:
            found |= ALL if name.lower() == "any" else resolver.resolved(name)
        except ResolutionError:
            continue
    return found


def _reach_the_page(configuration: Configuration) -> AddressSet:
    """The addresses from which somebody's packets get to the page's port on an address of the firewall."""
    first_match, resolver = FirstMatch(configuration, Cuts.of(configuration)), Resolver(configuration)
    space, found = first_match.space, EMPTY
    arrivals = [name for name in space.arrivals if name != FIREWALL]
    box = space.towards(arrivals, resolver.own_addresses(), resolver.services(configuration.management.web_port, "tcp"))
    for part, layer in first_match.fates([box] if box else []):
        if layer is not None and layer.action == "pass":
            found |= space.sources(part)
    return found
