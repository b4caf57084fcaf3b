"""Waiting looks first, looks again at a pace that is no load, has a last look at the deadline, and says what was late."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from steps.eventually import LIMIT, LONGEST_PAUSE, SHORTEST_PAUSE, eventually, watch
from steps.verdict import Refuted


class FakeClock:
    """Time that passes only when somebody pauses, or when a look takes it."""

    def __init__(self) -> None:
        self.time = 100.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def at(self, moment: float, *, look_takes: float = 0.0) -> Callable[[], bool]:
        """An observation that is true from so many seconds after the beginning."""

        def look() -> bool:
            seen = self.time >= 100.0 + moment
            self.time += look_takes
            return seen

        return look


def test_what_is_so_already_costs_no_pause() -> None:
    clock = FakeClock()
    assert eventually(lambda: ["sa"], within=0, phase="the tunnel", clock=clock) == ["sa"]
    assert clock.pauses == []


def test_the_pauses_grow_with_the_time_waited_up_to_a_limit() -> None:
    clock = FakeClock()
    watch(clock.at(2.0), within=3, clock=clock)
    assert clock.pauses[:3] == pytest.approx([SHORTEST_PAUSE] * 3)
    waited = 0.0
    for pause in clock.pauses:
        assert pause == pytest.approx(min(max(SHORTEST_PAUSE, waited / 20), LONGEST_PAUSE))
        waited += pause
    assert max(clock.pauses) == LONGEST_PAUSE


def test_a_look_that_takes_its_time_is_not_the_load() -> None:
    clock = FakeClock()
    watch(clock.at(0.04, look_takes=0.005), within=1, clock=clock)
    assert clock.pauses == pytest.approx([0.020, 0.020])
    watch(clock.at(0.5, look_takes=0.1), within=1, clock=clock)
    assert max(clock.pauses) == LONGEST_PAUSE


@pytest.mark.parametrize(
    "so_at, look_takes, within, satisfied",
    [
        (0.0, 0.0, 0.0, True),
        (0.999, 0.0, 1.0, True),
        (1.0, 0.0, 1.0, True),  # the last look is at the deadline itself
        (1.001, 0.0, 1.0, False),
        (0.9, 0.7, 1.0, True),  # a slow look that began in time does not end the waiting unseen
        (30.0, 0.3, 1.0, False),
    ],
)
def test_it_is_seen_if_it_is_so_by_the_deadline(so_at: float, look_takes: float, within: float, satisfied: bool) -> None:
    clock = FakeClock()
    seen = watch(clock.at(so_at, look_takes=look_takes), within=within, clock=clock)
    assert seen.satisfied is satisfied
    assert seen.seconds <= within + 2 * look_takes + 1e-9


def test_the_condition_is_the_callers() -> None:
    looks: Iterator[int] = iter([1, 2, 3, 4])
    assert eventually(lambda: next(looks), until=lambda n: n == 3, within=1, phase="three", clock=FakeClock()) == 3


def test_a_sighting_counts_its_looks() -> None:
    looks = iter([0, 0, 5])
    seen = watch(lambda: next(looks), within=1, clock=FakeClock())
    assert (seen.seen, seen.attempts) == (5, 3)
    assert seen.seconds == pytest.approx(2 * SHORTEST_PAUSE)


def test_what_is_late_is_named_with_the_last_thing_seen() -> None:
    with pytest.raises(Refuted) as late:
        eventually(
            lambda: "passive",
            until=lambda mode: mode == "active",
            within=0.012,
            phase="the takeover",
            expected="one active member",
            prediction="block, implicit rule",
            clock=FakeClock(),
        )
    assert str(late.value) == (
        "the takeover was late: expected one active member within 0.012 s, observed 'passive' after 0.01 s and 4 looks\n"
        "  predicted: block, implicit rule"
    )


def test_the_phase_is_what_was_expected_when_nothing_else_is() -> None:
    with pytest.raises(Refuted, match=r"^expected the tunnel within 0 s, observed \[\] after 0.00 s and 1 look$"):
        eventually(list, within=0, phase="the tunnel", clock=FakeClock())


def test_what_a_look_raises_is_not_swallowed() -> None:
    def look() -> bool:
        raise ConnectionError("no way there")

    with pytest.raises(ConnectionError):
        eventually(look, within=9, phase="an answer", clock=FakeClock())


def test_waits_may_be_limited_to_what_they_took_when_all_was_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMIT, "at_most", 1.0)
    clock = FakeClock()
    with pytest.raises(Refuted, match="within 10 s"):
        eventually(lambda: False, within=10.0, phase="the tunnel", clock=clock)
    assert clock.time == pytest.approx(101.0)


def test_the_longest_wait_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMIT, "longest", 0.0)
    for moment in (0.2, 0.0):
        clock = FakeClock()
        assert watch(clock.at(moment), within=10.0, clock=clock).satisfied
    assert LIMIT.longest == pytest.approx(0.2, abs=LONGEST_PAUSE)
