"""Sets of IPv4 addresses, with exact arithmetic: what rules, groups and anti-spoofing are decided on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from typing import TypeAlias

_LAST = 2**32 - 1

Part: TypeAlias = "IPv4Network | IPv4Address | tuple[IPv4Address, IPv4Address] | AddressSet"


class AddressSet:
    """An immutable set of IPv4 addresses, kept as sorted, disjoint, non-adjacent integer ranges."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: tuple[tuple[int, int], ...] = _normal(ranges)

    @classmethod
    def of(cls, *parts: Part) -> AddressSet:
        """The union of networks, addresses, ranges (first, last; both included) and other sets."""
        ranges: list[tuple[int, int]] = []
        for part in parts:
            if isinstance(part, AddressSet):
                ranges.extend(part._ranges)
            elif isinstance(part, IPv4Address):
                ranges.append((int(part), int(part)))
            elif isinstance(part, IPv4Network):
                ranges.append((int(part.network_address), int(part.broadcast_address)))
            else:
                ranges.append((int(part[0]), int(part[1])))
        return cls(ranges)

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(self._ranges + other._ranges)

    def __invert__(self) -> AddressSet:
        gaps: list[tuple[int, int]] = []
        start = 0
        for first, last in self._ranges:
            if start < first:
                gaps.append((start, first - 1))
            start = last + 1
        if start <= _LAST:
            gaps.append((start, _LAST))
        return AddressSet(gaps)

    def __and__(self, other: AddressSet) -> AddressSet:
        return ~(~self | ~other)

    def __sub__(self, other: AddressSet) -> AddressSet:
        return self & ~other

    def __contains__(self, part: Part) -> bool:
        """Whether the address, or every address of the network, range or set, is in this set."""
        if isinstance(part, IPv4Address):
            number = int(part)
            place = bisect_right(self._ranges, (number, _LAST)) - 1
            return place >= 0 and number <= self._ranges[place][1]
        return not (AddressSet.of(part) - self)

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressSet) and self._ranges == other._ranges

    def __hash__(self) -> int:
        return hash(self._ranges)

    def __len__(self) -> int:
        """How many addresses the set holds (2**32 for all)."""
        return sum(last - first + 1 for first, last in self._ranges)

    def ranges(self) -> list[tuple[IPv4Address, IPv4Address]]:
        """The set as disjoint ranges in ascending order, ends included."""
        return [(IPv4Address(first), IPv4Address(last)) for first, last in self._ranges]

    def networks(self) -> list[IPv4Network]:
        """The set as the fewest disjoint networks, in ascending order."""
        return [network for first, last in self.ranges() for network in summarize_address_range(first, last)]

    def __repr__(self) -> str:
        return f"AddressSet({self})"

    def __str__(self) -> str:
        if self == ALL:
            return "any"
        return ", ".join(str(n.network_address if n.prefixlen == 32 else n) for n in self.networks()) or "none"


def _normal(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if first > last or first < 0 or last > _LAST:
            raise ValueError(f"not a range of IPv4 addresses: {first}-{last}")
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


EMPTY = AddressSet()
ALL = AddressSet([(0, _LAST)])
