"""What a series of failovers says of the pair: nothing where the machine lost messages too, or lost them before one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

import pytest

from lab.errors import CommandFailed
from lab.flows.instrument import Instrument, Lane
from lab.flows.plan import Flow
from lab.flows.silence import Seen
from reports.entries import Failover
from steps.failover import Campaign, hand_over, untold
from steps.flows import CONTROL, CONTROLS, Running
from steps.verdict import Inconclusive
from tests.reports.failovers import failover

BESIDE = "UDP beside the firewall"


def with_lane(name: str, **changed: object) -> Failover:
    """The third failover of thirty, one of whose lanes is another one."""
    one = failover(3)
    return replace(one, lanes=tuple(replace(lane, **changed) if lane.name == name else lane for lane in one.lanes))  # type: ignore[arg-type]


def test_flows_that_keep_to_what_the_machine_can_say_are_believed() -> None:
    assert untold([failover(1), failover(2, nat=412.0)]) == ""


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (with_lane(BESIDE, gap=61.0), f"in failover 3 {BESIDE} (there), which bypasses the firewall, was silent for 61 ms"),
        (
            with_lane(BESIDE, back_after=None),
            f"in failover 3 {BESIDE} (there), which bypasses the firewall, was silent for 0 ms, and did not come back",
        ),
        (
            replace(failover(3), noise=250.0, noisiest="pings, back"),
            "before failover 3 pings, back was silent for 250 ms while nothing happened, and UDP to the Internet has 250 ms",
        ),
    ],
    ids=["a gap beside the firewall", "nothing more beside the firewall", "as much noise as the budget"],
)
def test_what_the_machine_did_is_not_held_against_the_pair(one: Failover, why: str) -> None:
    assert untold([failover(1), one]) == why


PINGS = Lane(0, Flow(name="pings", flow_class="nat", kind="pings", near=1, far=2, address="192.0.2.2"), 0)


@dataclass
class Watching:
    """An instrument that loses so many messages of its one lane, each time that it is looked at."""

    losses: list[int]

    def silent(self, since: int) -> list[str]:
        assert since
        return []

    def watch(self, begin: int, end: int) -> dict[Lane, Seen]:
        assert end - begin == CONTROL
        lost = self.losses.pop(0)
        return {PINGS: Seen(sent=150, lost=lost, lost_last=0, duplicated=0, reordered=0, silences=(), silent_for=0)}


def campaign(losses: list[int]) -> Campaign:
    """A series whose flows lose so much in one control after the other."""
    running = Running(cast(Instrument, Watching(losses)))
    return Campaign(cast(Any, None), running, cast(Any, None), cast(Any, None), wanted=2)


class Done(Exception):
    """The next failover began."""


def begin(active: object) -> NoReturn:
    raise Done


def test_what_is_lost_before_a_failover_is_not_its_cost() -> None:
    told = r"before failover 2 messages were lost while nothing happened, by flow: {'pings, there': 3}"
    with pytest.raises(Inconclusive, match=f"^{told}$"):
        campaign([7] * (CONTROLS - 1) + [3])._one("switch", 2, cast(Any, None), begin)


def test_a_control_that_loses_something_is_repeated() -> None:
    losses = [7] * (CONTROLS - 1) + [0, 9]
    with pytest.raises(Done):
        campaign(losses)._one("switch", 2, cast(Any, None), begin)
    assert losses == [9]


@dataclass
class Member:
    """A member that refuses the administrator's word."""

    name: str

    def apply(self, *command: str) -> NoReturn:
        raise CommandFailed(self.name, " ".join(command), 1, "this member is passive")


@dataclass
class Pair:
    """A pair of which this member is active now."""

    now: Member

    def active(self) -> Member:
        return self.now


def test_a_pair_that_moved_the_work_before_the_administrator_did_says_nothing_of_a_switch() -> None:
    told = "^fw1 gave the work to fw2 by itself, before it was told to$"
    with pytest.raises(Inconclusive, match=told):
        hand_over(cast(Any, Pair(Member("fw2"))), cast(Any, Member("fw1")))


def test_an_active_member_that_refuses_to_hand_over_is_told_with_its_words() -> None:
    with pytest.raises(CommandFailed, match="this member is passive"):
        hand_over(cast(Any, Pair(Member("fw1"))), cast(Any, Member("fw1")))
