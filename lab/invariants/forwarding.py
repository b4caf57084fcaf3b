"""Never two members forwarding for longer than the stated bound, as the wires of their data ports show it."""

from __future__ import annotations

from collections.abc import Callable

from lab.appliance.ha_timers import Timers
from lab.invariants.turns import Left, Overlaps, Turns

NAME = "two members forward"
TOGETHER = 0.020
"""Seconds for which both may be seen: two ticks of the kernel's clock, and the packets that one had let through already.

The gate of a member that is dead or frozen shuts before its peer can have taken over (:class:`Timers`), and one that hands
over shuts before it says so: there is no time in between when both may send, but for what is on its way.
"""


def deaf(timers: Timers) -> float:
    """The bound (s) while a fault lets one member hear the other, but not the other way round.

    The deaf one takes over; the other sees it and either gives way at once, or after ``dead`` when it comes first.
    """
    return timers.dead + 2 * timers.heartbeat + TOGETHER


def one_forwards(timers: Timers, left: Left, bound: Callable[[float], float]) -> Turns:
    """Takes all that both members send on all data ports, in the order of time.

    An active member sends a beacon with every heartbeat at least, so three that are missing are a pause.
    """
    return Turns(NAME, "sent on the data networks", Overlaps(3 * timers.heartbeat + TOGETHER, left), bound)
