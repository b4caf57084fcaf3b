"""Mistakes beside the rules: interfaces, routes, slots, implicit rules, and the pair."""

from __future__ import annotations

from collections.abc import Iterator

from sns.mutation.rules import Found
from sns.mutation.settings import Slip, flipped, lines_missing, next_address, other_host, other_interface, slips, to
from sns.mutation.tree import Setting, Tree

LOOPBACK = "loopback"


def implicit_rule_switched(tree: Tree) -> Iterator[Found]:
    """An implicit rule is on that should be off, or off that should be on."""
    known = {token.lower() for token in (*tree.configuration.implicit.services, "implicit", "fwdefault")}
    for one in tree.settings("Filter/filter"):
        if one.token.lower() in known and one.value in ("0", "1"):
            state = "off" if one.value == "1" else "on"
            yield f"implicit rule {one.token} is {state}", one.set("0" if one.value == "1" else "1")


def slot_wrong(tree: Tree) -> Iterator[Found]:
    """Another slot is active: of the filter, or none of the VPN."""
    for one in tree.tokens("Filter/slotinfo", "Active", section="Global"):
        for slot in tree.configuration.policies:
            if slot != tree.configuration.active_policy:
                yield f"filter slot {slot:02d} is active", one.set(str(slot))
    for one in tree.tokens("VPN/slotinfo", "Active", section="Global"):
        if one.value not in ("0", ""):
            yield "no VPN slot is active", one.set("0")


route_missing = lines_missing("A route is missing, the default one or a static one.", "route")


def route_not_black(tree: Tree) -> Iterator[Found]:
    """A black-hole route goes out by an interface."""
    default = tree.configuration.routing.default
    for one in _static(tree):
        destination, _, way = one.token.partition(",")
        if way.partition(",")[0].partition("->")[0].lower() == LOOPBACK and default:
            outside = next((i.name for i in tree.configuration.interfaces if i.enabled and not i.protected), None)
            if outside:
                yield f"{destination} goes out by {outside}", one.becomes(f"{destination},{outside}->{default}")


def route_swapped(tree: Tree) -> Iterator[Found]:
    """A static route is for the next network object."""
    names = [one.name for one in tree.configuration.objects.networks.values()]
    for one in _static(tree):
        destination = one.token.partition(",")[0]
        if destination in names and len(names) > 1:
            other = names[(names.index(destination) + 1) % len(names)]
            yield f"the route of {destination} is for {other}", one.becomes(one.text.replace(destination, other, 1))


gateway_wrong = slips("The default route goes to another host.", Slip("route", "DefaultRoute", other_host))

interface_wrong = slips(
    "An interface is off, not protected, or has another address or mask.",
    Slip("network", "State", flipped),
    Slip("network", "Protected", flipped),
    Slip("network", "Address", next_address),
    Slip("network", "Mask", lambda _, one: {"255.255.0.0": "255.255.255.0", "255.255.255.0": "255.255.0.0",
                                            "255.255.255.248": "255.255.255.252"}.get(one.value)),
)  # fmt: skip

ha_interface_wrong = slips("The pair's interface is another one.", Slip("HA/highavailability", "Interface", other_interface))
ha_setting_wrong = slips(
    "The pair is off, shares fewer sessions, or has another token time-out or weight.",
    Slip("HA/highavailability", "State", flipped, "Global"),
    Slip("HA/highavailability", "Forward", to("sip")),
    Slip("HA/highavailability", "TokenTimeout", to("4000")),
    Slip("HA/highavailability", "ethernet0", to("0"), "Weights"),
)
ha_address_wrong = slips("A member's address is the next one.", Slip("HA/hacluster", "Ip", next_address))


def hasync_forgotten(tree: Tree) -> Iterator[Found]:
    """The last change was made on the active member alone."""
    if tree.configuration.ha.enabled:
        for one in list(tree.tokens("route", "DefaultRoute"))[:1]:
            yield "the last change was not synchronised", one.becomes(one.text, "# changed on one member")


def _static(tree: Tree) -> Iterator[Setting]:
    yield from (one for one in tree.settings("route") if one.section.lower() == "staticroutes")
