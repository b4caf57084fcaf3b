"""A member to whom nothing comes in: when it gives way, and when it may lead again. Time is what the test says it is."""

from __future__ import annotations

import pytest

from lab.appliance.ha_state import Cause, Forced, Member, Mode, Report, Standing
from lab.appliance.ha_timers import Timers
from sns.model import HighAvailability

TIMERS = Timers.of(HighAvailability(token_timeout=60, ping_interval=12, ping_count=5))
PEER = Standing("B", 0, 100)


def working(*, asks: bool = True, forced: Forced = Forced.NONE, quality: int = 100) -> Member:
    """An active member at the time 0, which has just heard its peer and its neighbours."""
    member = Member(Standing("A", 0, quality, forced), TIMERS, 0.0, asks=asks)
    member.hear(Report(PEER, Mode.PASSIVE, hears=True), 0.0)
    assert member.mode is Mode.ACTIVE
    member.sense(0.0)
    return member


def pass_time(member: Member, begin: float, end: float, peer: Report | None = None) -> list[Cause]:
    """Beat after beat, the peer heard on the HA link at each if there is a word of it; why the mode changed."""
    causes, now = [], begin
    while now < end:
        now += TIMERS.heartbeat
        heard = member.hear(peer, now) if peer else None
        causes += [one.cause for one in (heard, member.tick(now)) if one]
    return causes


def test_it_gives_way_after_it_asked_in_vain_and_not_before() -> None:
    member = working()
    assert pass_time(member, 0.0, TIMERS.deaf - 2 * TIMERS.heartbeat) == []
    assert pass_time(member, TIMERS.deaf - 2 * TIMERS.heartbeat, TIMERS.deaf + TIMERS.heartbeat) == [Cause.DEAF]
    assert member.mode is Mode.PASSIVE
    assert member.report(1.0).standing.quality == 0


def test_it_does_so_also_while_it_hears_its_peer_on_the_ha_link() -> None:
    assert pass_time(working(), 0.0, 1.0, Report(PEER, Mode.PASSIVE, hears=True)) == [Cause.DEAF]


def test_it_leads_no_more_until_something_comes_in() -> None:
    """Then it listens for its peer first, for as long as the peer may be silent."""
    member = working()
    assert pass_time(member, 0.0, 5.0) == [Cause.DEAF]
    assert member.sense(5.0) is None
    assert member.report(5.0).standing.quality == 100
    assert pass_time(member, 5.0, 5.0 + TIMERS.dead - TIMERS.heartbeat) == []
    assert pass_time(member, 5.0 + TIMERS.dead - TIMERS.heartbeat, 5.1) == [Cause.PEER_SILENT]


@pytest.mark.parametrize(
    "member, peer",
    [
        (working(asks=False), None),
        (working(forced=Forced.ACTIVE), None),
        (working(), Report(Standing("B", 0, 0), Mode.PASSIVE, hears=True)),
    ],
    ids=["who knows no neighbours", "who is forced by the administrator", "whose peer is no better"],
)
def test_it_keeps_the_work(member: Member, peer: Report | None) -> None:
    assert pass_time(member, 0.0, 5.0, peer) == []


def test_one_whose_cables_are_pulled_is_not_deaf() -> None:
    member = working()
    member.stand(Standing("A", 0, 0), 0.0)
    assert Cause.DEAF not in pass_time(member, 0.0, 5.0)


def test_time_in_which_it_did_not_run_does_not_count() -> None:
    member = working()
    assert pass_time(member, 0.0, 0.4) == []
    member.tick(10.0)
    assert pass_time(member, 10.0, 10.05) == []


def test_the_other_takes_over_from_one_that_says_it_is_deaf() -> None:
    other = Member(Standing("B", 0, 100), TIMERS, 0.0)
    other.hear(Report(Standing("A", 0, 100), Mode.ACTIVE, hears=True), 0.0)
    assert other.mode is Mode.PASSIVE
    assert pass_time(other, 0.0, 0.1, Report(Standing("A", 0, 0), Mode.PASSIVE, hears=False)) == [Cause.ELECTED]


def test_who_slept_does_not_take_the_peer_for_dead_before_it_has_listened() -> None:
    active = Report(PEER, Mode.ACTIVE, hears=True)
    member = Member(Standing("A", 0, 100), TIMERS, 0.0, asks=True)
    member.hear(active, 0.0)
    member.tick(0.0)
    assert [member.sense(1.0), member.tick(1.0), member.hear(active, 1.001)] == [None, None, None]
    assert member.mode is Mode.PASSIVE
    assert pass_time(member, 1.001, 1.1) == [Cause.PEER_SILENT], "one that is silent from then on"
