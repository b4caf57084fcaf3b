"""What the instrument saw, in memory that it shares with the run: it writes, the run reads, nobody waits for anybody.

A lane is one flow in one direction. Each has a ring of what was sent and one of what came, number and time of each message
in the order in which it happened. All times are nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right

KEPT = 1 << 15  # messages in a ring: 65 s at 500 a second
_RING = 1 + 2 * KEPT  # words of 8 bytes: how many were ever written, then number and time of each

Messages = list[tuple[int, int]]
"""Number and time of each."""


class Memory:
    """The memory of so many lanes, and of the instrument's own wake-ups. ``descriptor`` is a file of :func:`size` bytes."""

    def __init__(self, descriptor: int, lanes: int) -> None:
        self._own = 2 * lanes
        self._map = mmap.mmap(descriptor, size(lanes))
        self._words = memoryview(self._map).cast("Q")

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._map.close()

    # The instrument writes

    def sent(self, lane: int, number: int, at: int) -> None:
        """A message of the lane leaves."""
        self._write(2 * lane, number, at)

    def arrived(self, lane: int, number: int, at: int) -> None:
        """A message of the lane has come."""
        self._write(2 * lane + 1, number, at)

    def woke(self, due: int, at: int) -> None:
        """The instrument was to wake at ``due`` and did at ``at``."""
        self._write(self._own, due, at)

    def _write(self, ring: int, number: int, at: int) -> None:
        start = ring * _RING
        count = self._words[start]
        place = start + 1 + 2 * (count % KEPT)
        self._words[place] = number
        self._words[place + 1] = at
        self._words[start] = count + 1  # last: what is counted is whole

    # The run reads

    def last_arrival(self, lane: int) -> int:
        """When the last message of the lane came; 0 when none has."""
        start = (2 * lane + 1) * _RING
        count = self._words[start]
        return self._words[start + 2 + 2 * ((count - 1) % KEPT)] if count else 0

    def sendings(self, lane: int, begin: int, end: int) -> Messages:
        """The messages that were sent between two times, as far as they are still kept."""
        return self._between(2 * lane, begin, end)

    def arrivals(self, lane: int, begin: int, end: int) -> Messages:
        """The messages that came between two times."""
        return self._between(2 * lane + 1, begin, end)

    def lateness(self, begin: int, end: int) -> list[int]:
        """How late (ns) each wake-up between two times was."""
        return [at - due for due, at in self._between(self._own, begin, end)]

    def _between(self, ring: int, begin: int, end: int) -> Messages:
        """Found by halving and taken in one piece: a run looks at thousands of messages while a pair works beside it."""
        start = ring * _RING + 1
        count = self._words[start - 1]
        kept = range(max(0, count - KEPT), count)

        def at(one: int) -> int:
            return self._words[start + 2 * (one % KEPT) + 1]

        first, behind = (kept.start + place for place in (bisect_left(kept, begin, key=at), bisect_right(kept, end, key=at)))
        found: Messages = []
        while first < behind:  # twice where the ring begins again
            place = first % KEPT
            until = min(place + behind - first, KEPT)
            words = self._words[start + 2 * place : start + 2 * until].tolist()
            found += zip(words[::2], words[1::2], strict=True)
            first += until - place
        return found


def size(lanes: int) -> int:
    """Bytes that so many lanes need."""
    return (2 * lanes + 1) * _RING * 8
