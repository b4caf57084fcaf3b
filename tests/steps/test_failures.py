"""What a takeover that nobody wanted says of the pair: nothing where the machine stood still before it."""

from __future__ import annotations

import pytest

from lab.phases import Event
from steps.failures import takeovers
from steps.verdict import Inconclusive


def became(after: str, at: float, *, before: str = "passive") -> Event:
    return {"event": "mode", "before": before, "after": after, "monotonic": at, "why": "elected: neither was active"}


def stalled(at: float) -> Event:
    return {"event": "stalled", "seconds": 0.1034, "monotonic": at}


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ([], 0),
        ([became("passive", 1.0, before="active")], 0),
        ([became("active", 1.0)], 1),
        ([became("active", 1.0, before="starting"), became("passive", 2.0, before="active")], 1),
        ([stalled(1.0), became("passive", 1.0, before="active")], 0),
        ([became("active", 1.0), stalled(2.0)], 1),
    ],
)
def test_takeovers_are_counted(told: list[Event], count: int) -> None:
    assert len(takeovers(told)) == count


def test_a_takeover_after_the_machine_stood_still_says_nothing_of_the_pair() -> None:
    why = (
        "^the machine stood still for 103 ms, longer than a member may forward without its agent, and then one took "
        "over: elected: neither was active$"
    )
    with pytest.raises(Inconclusive, match=why):
        takeovers([stalled(1.0), became("active", 1.03)])
