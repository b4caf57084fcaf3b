"""Answers that must not come: how long to wait for one, many times what an answer takes that comes in the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from lab.host import LabHost
from lab.probe import Outcome, Target, connect
from steps.eventually import Sighting, late, watch
from steps.verdict import Inconclusive

T = TypeVar("T")

TIMES = 10  # as long as the control: what is late by that much on a busy machine, the control is too
LEAST = 0.1  # s: seven times the longest round trip of the lab, for a control that is answered at once


def patience(control: Callable[[], object], what: str) -> float:
    """Seconds to wait for silence, by the time that ``control`` takes, which says whether it was answered.

    Raises Inconclusive when it was not: silence beside a silent control proves nothing.
    """
    begun = time.monotonic()
    if not control():
        raise Inconclusive(f"{what}, the control, was not answered: silence would prove nothing")
    return lasting(time.monotonic() - begun)


def certain(
    observe: Callable[[], T], *, until: Callable[[T], object] = bool, within: float, what: str, expected: object = ""
) -> T:
    """``steps.eventually`` for what must be so if silence elsewhere is to mean anything. Raises Inconclusive when it is not."""
    seen = watch(observe, until=until, within=within)
    if not seen.satisfied:
        raise unproven(seen, within=within, what=what, expected=expected)
    return seen.seen


def unproven(seen: Sighting[T], *, within: float, what: str, expected: object = "") -> Inconclusive:
    """What to raise when a control, ``what``, was not seen as it should: silence beside it proves nothing."""
    return Inconclusive(f"silence would prove nothing: {late(seen, within=within, phase=what, expected=expected).headline}")


def attempts(host: LabHost, targets: Sequence[Target], within: float) -> dict[Target, Outcome]:
    """Try connections that must not come about, for so many seconds all together.

    Raises Inconclusive when the host itself knew no way to one, as without its tunnel: whom nobody asked did not refuse.
    """
    outcomes = connect(host, targets, within=within)
    if unsent := [str(target) for target, outcome in outcomes.items() if outcome is Outcome.UNSENT]:
        raise Inconclusive(f"{host.name} knew no way to {', '.join(unsent)}: nothing was sent, so nothing was refused")
    return outcomes


def lasting(seconds: float) -> float:
    """How long to listen on when the control took so many seconds."""
    return max(LEAST, TIMES * seconds)
