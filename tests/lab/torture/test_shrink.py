"""The smallest failing part of a sequence is found, in few trials and in bounded time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest

from lab.torture.shrink import shrink


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("guilty", "of"),
    [({3}, 8), ({0, 7}, 8), ({2, 3, 5}, 12), ({0}, 1), (set(range(4)), 4), ({1, 30}, 32)],
)
def test_the_guilty_are_found_among_the_others(guilty: set[int], of: int) -> None:
    left = shrink(range(of), lambda part: guilty <= set(part), never)
    assert set(left.items) == guilty
    assert left.minimal


def test_their_order_is_kept() -> None:
    assert shrink("abcdefgh", lambda part: "b" in part and "g" in part, never).items == ("b", "g")


def test_no_part_is_tried_twice() -> None:
    tried: list[tuple[int, ...]] = []

    def fails(part: Sequence[int]) -> bool:
        tried.append(tuple(part))
        return {1, 6} <= set(part)

    assert shrink(range(8), fails, never).trials == len(tried) == len(set(tried))


def test_when_the_time_is_up_the_smallest_until_then_is_given() -> None:
    asked = count()
    left = shrink(range(16), lambda part: {2, 9} <= set(part), lambda: next(asked) >= 8)
    assert {2, 9} <= set(left.items)
    assert len(left.items) < 16
    assert not left.minimal
