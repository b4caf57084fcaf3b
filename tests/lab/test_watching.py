"""How the run watches flows: it waits for what is under way, and goes through all messages once, when nothing is any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from lab.flows import instrument as watching
from lab.flows.instrument import Instrument
from lab.flows.memory import Memory
from lab.flows.plan import Flow
from lab.flows.silence import Seen, seen

MS = 1_000_000
FLOW = Flow(name="UDP", flow_class="nat", kind="datagrams", near=1, far=1, address="192.0.2.2", port=53, back=False)


@pytest.fixture
def instrument(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Instrument:
    """One that has no process: the test writes what it saw."""
    made = Instrument([FLOW], 500)
    monkeypatch.setattr(made, "_memory", memory, raising=False)
    monkeypatch.setattr(made, "_listen", lambda: None)
    return made


@pytest.fixture
def gone_through(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """What came of each time that all messages of a lane were gone through."""
    found: list[Seen] = []

    def noted(*told: Any, **more: Any) -> Seen:
        found.append(seen(*told, **more))
        return found[-1]

    monkeypatch.setattr(watching, "seen", noted)
    return found


def test_who_waits_for_what_is_lost_goes_through_the_messages_once(
    memory: Memory, instrument: Instrument, gone_through: list[Seen]
) -> None:
    begin = time.monotonic_ns()
    for number in range(10):
        memory.sent(0, number, begin + number * 2 * MS)
    end = begin + 20 * MS
    (found,) = instrument.watch(begin, end).values()
    assert time.monotonic_ns() >= begin + 118 * MS  # until the last one cannot come any more
    assert (found.sent, found.lost, found.lost_last) == (10, 10, begin + 18 * MS)
    assert len(gone_through) == 1


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for a moment does not make a message lost."""
    monkeypatch.setattr(watching, "_UNDER_WAY", 10_000 * MS)


@pytest.fixture
def at_look(instrument: Instrument, monkeypatch: pytest.MonkeyPatch) -> dict[int, Callable[[], None]]:
    """What happens right after which look."""
    happens: dict[int, Callable[[], None]] = {}
    look, looks = instrument._under_way, count(1)

    def and_then(*told: Any) -> bool:
        under_way = look(*told)
        happens.get(next(looks), lambda: None)()
        return under_way

    monkeypatch.setattr(instrument, "_under_way", and_then)
    return happens


@pytest.mark.usefixtures("patient")
def test_what_comes_while_it_is_waited_for_is_not_lost(
    memory: Memory, instrument: Instrument, gone_through: list[Seen], at_look: dict[int, Callable[[], None]]
) -> None:
    begin = time.monotonic_ns()
    memory.sent(0, 0, begin)
    memory.sent(0, 1, begin + MS)
    memory.arrived(0, 0, begin + MS)
    at_look[3] = lambda: memory.arrived(0, 1, time.monotonic_ns())
    (found,) = instrument.watch(begin, begin + 2 * MS).values()
    assert (found.sent, found.lost) == (2, 0)
    assert len(gone_through) == 1


@pytest.mark.usefixtures("patient")
def test_a_message_that_is_written_down_after_the_last_look_is_waited_for(
    memory: Memory, instrument: Instrument, at_look: dict[int, Callable[[], None]]
) -> None:
    begin = time.monotonic_ns()
    at_look[1] = lambda: memory.sent(0, 7, begin + MS)
    at_look[3] = lambda: memory.arrived(0, 7, time.monotonic_ns())
    (found,) = instrument.watch(begin, begin + 2 * MS).values()
    assert (found.sent, found.lost) == (1, 0)
