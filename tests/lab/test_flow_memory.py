"""The memory that the instrument of flows writes and the run reads: which messages there were between two times."""

from __future__ import annotations

import pytest

from lab.flows.memory import KEPT, Memory

LANE, OTHER = 0, 1


def test_a_lane_that_has_nothing_says_so(memory: Memory) -> None:
    memory.arrived(OTHER, 7, 70)
    memory.sent(LANE, 7, 70)
    assert memory.last_arrival(LANE) == 0
    assert memory.arrivals(LANE, 0, 100) == []


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 99, [(1, 10), (2, 20), (3, 20), (4, 30)]),
        (10, 30, [(1, 10), (2, 20), (3, 20), (4, 30)]),
        (11, 29, [(2, 20), (3, 20)]),
        (20, 20, [(2, 20), (3, 20)]),
        (31, 99, []),
        (0, 9, []),
        (21, 29, []),
    ],
)
def test_messages_between_two_times_are_in_the_order_in_which_they_came(
    memory: Memory, begin: int, end: int, expected: list[tuple[int, int]]
) -> None:
    for number, at in ((1, 10), (2, 20), (3, 20), (4, 30)):
        memory.arrived(LANE, number, at)
    assert memory.arrivals(LANE, begin, end) == expected
    assert memory.last_arrival(LANE) == 30


@pytest.mark.parametrize("more", [0, 1, 5, KEPT - 1, KEPT])
def test_where_the_ring_begins_again_no_message_is_lost_or_told_twice(memory: Memory, more: int) -> None:
    written = KEPT + more
    for number in range(written):
        memory.sent(LANE, number, 2 * number)
    assert memory.sendings(LANE, 0, 2 * written) == [(number, 2 * number) for number in range(more, written)]
    near = max(more, KEPT - 3)
    assert memory.sendings(LANE, 2 * near, 2 * (written - 1) - 1) == [
        (number, 2 * number) for number in range(near, written - 1)
    ]


def test_the_instrument_tells_how_late_it_woke(memory: Memory) -> None:
    memory.woke(100, 103)
    memory.woke(200, 200)
    assert memory.lateness(0, 150) == [3]
    assert memory.lateness(0, 250) == [3, 0]
