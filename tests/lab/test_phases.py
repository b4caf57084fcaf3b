"""A failover in phases, from the lines that both members log."""

from __future__ import annotations

from typing import Any

import pytest

from lab.phases import Event, Phase, eaten_by, moment_of_handover, phases


def mode(member: str, before: str, after: str, cause: str, **marks: float) -> Event:
    at = max(marks.values())
    return {"event": "mode", "member": member, "before": before, "after": after, "cause": cause, "monotonic": at,
            "phases": marks}  # fmt: skip


def done(member: str, event: str, at: float, failure: str = "") -> Event:
    return {"event": event, "member": member, "monotonic": at, "failure": failure}


TAKEN = mode("b", "passive", "active", "peer_silent", decided=10.06, gate_open=10.061, announced=10.062)
KILLED = [TAKEN, done("b", "sessions adopted", 10.1), done("b", "tunnels up", 10.3)]
YIELDED = mode("a", "active", "yielding", "switched", decided=10.02)
HANDED_OVER = [YIELDED, {**TAKEN, "cause": "peer_yielded"}, *KILLED[1:]]
UNHEARD = [YIELDED, *KILLED]


def shown(found: list[Phase]) -> dict[str, tuple[float, float]]:
    return {phase.name: (round(phase.begin - 10, 3), round(phase.end - 10, 3)) for phase in found}


AFTERWARDS: dict[str, Any] = {"addresses": (0.061, 0.062), "sessions": (0.062, 0.1), "tunnel": (0.062, 0.3)}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (KILLED, {"detection": (0, 0.06), "election": (0.06, 0.061), **AFTERWARDS}),
        (HANDED_OVER, {"detection": (0, 0.02), "election": (0.02, 0.061), **AFTERWARDS}),
        (UNHEARD, {"detection": (0, 0.06), "election": (0.06, 0.061), **AFTERWARDS}),
        (KILLED[:2],
         {"detection": (0, 0.06), "election": (0.06, 0.061), "addresses": (0.061, 0.062), "sessions": (0.062, 0.1)}),
        ([TAKEN, done("b", "tunnels up", 10.3, "not up after 10 s")],
         {"detection": (0, 0.06), "election": (0.06, 0.061), "addresses": (0.061, 0.062)}),
        ([TAKEN, done("a", "sessions adopted", 10.1)],
         {"detection": (0, 0.06), "election": (0.06, 0.061), "addresses": (0.061, 0.062)}),
        ([YIELDED], {}),
        ([], {}),
    ],
)  # fmt: skip
def test_a_failover_splits_into_what_the_members_tell(told: list[Event], expected: dict[str, tuple[float, float]]) -> None:
    assert shown(phases(told, 10.0)) == expected


def test_the_handover_is_when_the_active_member_gives_way() -> None:
    assert moment_of_handover(HANDED_OVER) == 10.02
    assert moment_of_handover(KILLED) is None


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (0.0, 0.07, "60 ms detection, 8 ms sessions, 8 ms tunnel, 1 ms election, 1 ms addresses"),
        (
            0.0,
            0.5,
            "238 ms tunnel, 200 ms after the last phase, 60 ms detection, 38 ms sessions, 1 ms election, 1 ms addresses",
        ),
        (0.4, 0.5, "100 ms after the last phase"),
    ],
)  # fmt: skip
def test_a_silence_is_told_by_the_phases_that_ate_it(begin: float, end: float, told: str) -> None:
    assert eaten_by(phases(KILLED, 10.0), 10 + begin, 10 + end) == told
