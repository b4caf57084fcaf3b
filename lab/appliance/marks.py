"""How a connection remembers what was decided about it: its conntrack mark, which conntrackd carries to the other one.

Bits 0-12 hold the number of the filter rule that let it pass, bits 13-23 that of the NAT rule that it matched (both
from 1, 0 for none), bit 24 says that an IPsec tunnel takes it, untranslated.
"""

from __future__ import annotations

from collections.abc import Mapping

from sns.model import Rule

MOST_RULES: Mapping[str, int] = {"filter": 8191, "nat": 2047}
"""How many rules a section of a slot can have here."""
_NAT_SHIFT = 13
_FILTER_BITS = 0x001FFF
_NAT_BITS = 0xFFE000
IN_TUNNEL = 0x1000000

NOT_IN_TUNNEL = f"ct mark & {IN_TUNNEL:#x} == 0"
"""The nft condition that no tunnel takes the connection."""


def remember(rule: Rule) -> str:
    """The nft statement that writes a rule's number into the mark: a filter rule's first, a NAT rule's added to it."""
    if rule.section == "nat":
        return f"ct mark set ct mark | {rule.number << _NAT_SHIFT:#x}"
    return f"ct mark set ct mark & {IN_TUNNEL:#x} | {rule.number:#x}"  # a datagram may be the first one twice


def remembered(rule: Rule) -> str:
    """The nft condition that the connection carries this rule's number."""
    if rule.section == "nat":
        return f"ct mark & {_NAT_BITS:#x} == {rule.number << _NAT_SHIFT:#x}"
    return f"ct mark & {_FILTER_BITS:#x} == {rule.number:#x}"
