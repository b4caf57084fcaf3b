"""What became of numbered messages: losses, duplicates, overtaking, and silences that a late sender does not make."""

from __future__ import annotations

import pytest

from lab.flows.memory import Messages
from lab.flows.silence import seen

MS = 1_000_000
WAY = 7 * MS


def sent(*times: int) -> Messages:
    return [(number, at * MS) for number, at in enumerate(times)]


def came(messages: Messages, *, without: tuple[int, ...] = (), late: dict[int, int] | None = None) -> Messages:
    delays = late or {}
    arrivals = [(number, at + WAY + delays.get(number, 0) * MS) for number, at in messages if number not in without]
    return sorted(arrivals, key=lambda one: one[1])


EVEN = sent(*range(0, 100, 2))


@pytest.mark.parametrize(
    ("sendings", "arrivals", "expected"),
    [
        (EVEN, came(EVEN), []),
        (EVEN, came(EVEN, without=tuple(range(10, 20))), [(27, 47)]),  # from when the first lost one was due
        (EVEN, came(EVEN, without=(10, 30)), []),  # a single message: what is as long as a beat is no silence
        (EVEN, came(EVEN, without=(10, 11)), [(27, 31)]),
        (EVEN, came(EVEN, late=dict.fromkeys(range(10, 15), 40)), [(27, 37)]),  # held back, then all at once
        (sent(0, 2, 4, 60, 62), came(sent(0, 2, 4, 60, 62)), []),  # the sender itself stood still
        (sent(0, 2, 4, 60, 62, 64), came(sent(0, 2, 4, 60, 62, 64), without=(3, 4)), [(67, 71)]),
        (EVEN, [], [(2, 120)]),
        (EVEN, came(EVEN, without=tuple(range(40, 50))), [(87, 120)]),
    ],
)  # fmt: skip
def test_a_silence_is_from_when_a_message_was_due(
    sendings: Messages, arrivals: Messages, expected: list[tuple[int, int]]
) -> None:
    lane = seen(sendings, arrivals, 0, 120 * MS, beat=2 * MS)
    assert [(begin // MS, end // MS) for begin, end in lane.silences] == expected


def test_lost_duplicated_and_overtaken_messages_are_counted() -> None:
    arrivals = came(EVEN, without=(3, 4), late={20: 5})
    lane = seen(EVEN, [*arrivals, arrivals[0]], 0, 120 * MS, beat=2 * MS)
    assert (lane.sent, lane.lost, lane.duplicated, lane.reordered) == (50, 2, 1, 1)
    assert lane.lost_last == 8 * MS


def test_a_message_that_comes_after_the_watching_is_not_lost() -> None:
    lane = seen(EVEN, came(EVEN), 0, 99 * MS, beat=2 * MS)
    assert (lane.lost, lane.lost_last) == (0, 0)


@pytest.mark.parametrize(("without", "silent_for"), [((), 0), (tuple(range(40, 50)), 33), (tuple(range(50)), 118)])
def test_a_lane_that_is_silent_at_the_end_says_for_how_long(without: tuple[int, ...], silent_for: int) -> None:
    assert seen(EVEN, came(EVEN, without=without), 0, 120 * MS, beat=2 * MS).silent_for == silent_for * MS


def test_only_long_silences_are_told_when_asked_for() -> None:
    lane = seen(EVEN, came(EVEN, without=(10, 11, 20, 21, 22, 23)), 0, 120 * MS, beat=2 * MS)
    assert len(lane.silences) == 2
    assert [end - begin for begin, end in lane.longer_than(4 * MS)] == [8 * MS]
    assert lane.longest == (47 * MS, 55 * MS)
