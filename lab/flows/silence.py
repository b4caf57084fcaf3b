"""From what was sent and what came to what a flow lost: gaps, losses, duplicates, packets that overtook each other.

A silence begins when a message should have come that did not come in time: when it was sent, plus the lane's usual way.
So a late sender is no silence, and a gap is known to one beat. All times are nanoseconds of the monotonic clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lab.flows.memory import Messages


@dataclass(frozen=True, slots=True)
class Seen:
    """One lane between two times. ``silences`` are pairs of begin and end; the last one may end with the watching.

    ``silent_for`` is how long (ns) a message had been due when the watching ended; ``lost_last`` is when the last one of
    those that are lost was sent, 0 when none is.
    """

    sent: int
    lost: int
    lost_last: int
    duplicated: int
    reordered: int
    silences: tuple[tuple[int, int], ...]
    silent_for: int

    def longer_than(self, least: float) -> tuple[tuple[int, int], ...]:
        """The silences that lasted longer than so many nanoseconds."""
        return tuple(one for one in self.silences if one[1] - one[0] > least)

    @property
    def longest(self) -> tuple[int, int] | None:
        """The longest silence."""
        return max(self.silences, key=lambda one: one[1] - one[0], default=None)


def seen(sendings: Messages, arrivals: Messages, begin: int, end: int, *, beat: int) -> Seen:
    """What became of the messages sent from ``begin`` to ``end``; ``arrivals`` are those from ``begin`` until now.

    ``beat`` is the time between two messages; silences shorter than that are none.
    """
    sent_at = dict(sendings)
    first: dict[int, int] = {}
    duplicated = reordered = 0
    highest = -1
    for number, at in arrivals:
        if number in first:
            duplicated += 1
            continue
        first[number] = at
        reordered += number < highest
        highest = max(highest, number)
    lost = [at for number, at in sent_at.items() if number not in first]
    way = _usual_way(sent_at, first)
    silences = _silences(sorted(sent_at.values()), sorted(first.values()), way, begin, end, beat)
    return Seen(
        sent=len(sent_at),
        lost=len(lost),
        lost_last=max(lost, default=0),
        duplicated=duplicated,
        reordered=reordered,
        silences=tuple(silences),
        silent_for=end - silences[-1][0] if silences and silences[-1][1] == end else 0,
    )


def _usual_way(sent_at: dict[int, int], first: dict[int, int]) -> int:
    ways = [at - sent_at[number] for number, at in first.items() if number in sent_at]
    return int(median(ways)) if ways else 0


def _silences(sent: Sequence[int], came: Sequence[int], way: int, begin: int, end: int, beat: int) -> list[tuple[int, int]]:
    found = []
    for earlier, later in pairwise([begin, *(at for at in came if begin < at < end), end]):
        if later - earlier <= beat:  # nearly all
            continue
        next_sent = bisect_right(sent, earlier - way)
        if next_sent == len(sent):  # nothing was sent any more
            continue
        due = max(earlier, sent[next_sent] + way)
        if later - due > beat:
            found.append((due, later))
    return found
