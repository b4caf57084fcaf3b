"""Products of sets as bit masks, and their exact arithmetic: what two have in common, what is left of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """A product of five sets, each a mask over the cells of its dimension; none of them is empty."""

    arrival: int
    source: int
    destination: int
    service: int
    source_port: int


def apart(one: Box, other: Box) -> bool:
    """Whether two boxes have nothing in common; the dimensions that mostly say so are asked first."""
    return not (one[1] & other[1] and one[2] & other[2] and one[3] & other[3] and one[0] & other[0] and one[4] & other[4])


def meet(one: Box, other: Box) -> Box | None:
    """What two boxes have in common, None for nothing."""
    if apart(one, other):
        return None
    return Box(one[0] & other[0], one[1] & other[1], one[2] & other[2], one[3] & other[3], one[4] & other[4])


def without(box: Box, taken: Box) -> list[Box]:
    """What is left of a box: at most five disjoint ones, which differ from it in one dimension after the other."""
    if apart(box, taken):
        return [box]
    left: list[Box] = []
    rest = list(box)
    for place, (own, theirs) in enumerate(zip(box, taken, strict=True)):
        if outside := own & ~theirs:
            left.append(Box._make([*rest[:place], outside, *rest[place + 1 :]]))
        rest[place] = own & theirs
    return left


def outside(boxes: Iterable[Box], taken: Iterable[Box]) -> list[Box]:
    """What of some boxes is in none of the others."""
    left = list(boxes)
    for each in taken:
        left = [part for box in left for part in without(box, each)]
    return left


def lowest(mask: int) -> int:
    """The place of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1


def cells(mask: int) -> Iterator[int]:
    """The places of the bits that are set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
