"""Two who speak at once are told from two who take turns, by times and by the members' own word."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.invariants.answers import OneMac
from lab.invariants.duty import Duty
from lab.invariants.silence import Silence
from lab.invariants.turns import Overlaps, Turns
from lab.invariants.violation import Finding, Stretch, Verdict, Violation
from lab.invariants.wires import Said

BOUND, APART = 0.020, 0.170
LEASE = 0.4


def said(at: float, host: str, data: bytes = b"") -> Said:
    return Said(at, host, "eth0", data)


def spoken(host: str, first: float, last: float, every: float = 0.01) -> list[Said]:
    return [said(first + number * every, host) for number in range(round((last - first) / every) + 1)]


def judged(frames: list[Said], left: set[str] = frozenset()) -> list[Violation]:  # type: ignore[assignment]
    turns = Turns("both", "spoke", Overlaps(APART, lambda host, *_: host in left), lambda _: BOUND)
    for frame in sorted(frames, key=lambda one: one.at):
        turns.take(frame)
    return turns.violations


@pytest.mark.parametrize(
    ("frames", "milliseconds"),
    [
        (spoken("a", 0, 1), None),
        (spoken("a", 0, 1) + spoken("b", 1.01, 2), None),
        (spoken("a", 0, 1) + spoken("b", 0.99, 2), None),  # a packet that was on its way
        (spoken("a", 0, 1) + spoken("b", 0.9, 2), 100),
        (spoken("a", 0, 2) + spoken("b", 0.9, 1.4), 500),
        (spoken("a", 0, 1) + spoken("b", 1.01, 1.5) + spoken("a", 1.51, 2), None),  # and back, later than any pause
        (spoken("a", 0, 2, every=0.075) + spoken("b", 1.0, 2, every=0.075), 975),  # nothing but their heartbeats
    ],
)
def test_who_speaks_at_once_does_so_for_a_time(frames: list[Said], milliseconds: int | None) -> None:
    lasted = [round(violation.lasted * 1000) for violation in judged(frames)]
    assert lasted == ([] if milliseconds is None else [milliseconds])


def test_a_quick_change_and_back_counts_only_when_the_speaker_had_not_left() -> None:
    frames = spoken("a", 0, 1) + spoken("b", 1.01, 1.1) + spoken("a", 1.11, 2)
    assert len(judged(frames)) == 1
    assert judged(frames, left={"a"}) == []


def test_the_message_names_who_when_and_what() -> None:
    (violation,) = judged(spoken("a", 0, 1) + spoken("b", 0.9, 2))
    assert "both: a and b both spoke for 100 ms" in str(violation)
    assert "allowed: at most 20 ms" in str(violation)
    assert "the newcomer's first: b:eth0" in str(violation)


# A member's own word ------------------------------------------------------------------------------------------------------


def written(path: Path, *events: tuple[float, str, dict[str, object]]) -> Duty:
    lines = [json.dumps({"monotonic": at, "event": event, **facts}) for at, event, facts in events]
    path.write_text("\n".join(lines) + "\n")
    duty = Duty(path, LEASE)
    duty.read()
    return duty


def mode(at: float, after: str, **phases: float) -> tuple[float, str, dict[str, object]]:
    return at, "mode", {"after": after, "why": "asked", "phases": phases}


def test_a_member_may_not_speak_from_the_shut_of_its_gate_to_its_next_decision(tmp_path: Path) -> None:
    duty = written(tmp_path / "l_ha", mode(1.0, "active", decided=1.0), mode(5.0, "yielding", gate_shut=5.0),
                   mode(5.1, "passive"), mode(9.0, "active", decided=9.0, gate_open=9.01))  # fmt: skip
    silence = Silence({"a": duty})
    for at in (4.9, 5.01, 6.0, 6.1, 8.99, 9.005, 10.0):
        silence.take(said(at, "a"))
    assert [violation.what for violation in silence.violations] == [
        "a sent 3 frames while it may send none: it became yielding: asked"
    ]


def test_a_member_that_starts_is_silent_once_the_lease_of_its_last_agent_is_over(tmp_path: Path) -> None:
    duty = written(tmp_path / "l_ha", (2.0, "agent started", {}))
    silence = Silence({"a": duty})
    silence.take(said(2.3, "a"))
    assert silence.violations == []
    silence.take(said(2.5, "a"))
    assert len(silence.violations) == 1


def test_the_log_is_read_as_it_grows_and_a_half_written_line_waits(tmp_path: Path) -> None:
    duty = written(tmp_path / "l_ha", mode(5.0, "yielding", gate_shut=5.0))
    line = json.dumps({"monotonic": 6.0, "event": "mode", "after": "active", "why": "", "phases": {"decided": 6.0}})
    with duty.path.open("a") as log:
        log.write(line[:20])
        log.flush()
        duty.read()
        assert duty.resting(7.0, 0.0) is not None
        log.write(line[20:] + "\n")
    duty.read()
    assert duty.resting(7.0, 0.0) is None
    assert duty.left(4.0, 6.5)
    assert not duty.left(5.5, 6.5)
    assert duty.took_over(5.5) == 6.0


# ARP ----------------------------------------------------------------------------------------------------------------------


def arp(operation: int, mac: bytes, sender: str, target: str = "0.0.0.0") -> bytes:
    addresses = [IPv4Address(one).packed for one in (sender, target)]
    return (
        bytes(12)
        + b"\x08\x06"
        + bytes.fromhex("000108000604")
        + bytes([0, operation])
        + mac
        + addresses[0]
        + bytes(6)
        + addresses[1]
    )


FIRST, SECOND = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (arp(2, FIRST, "192.0.2.1"), False),
        (arp(2, SECOND, "192.0.2.1"), True),
        (arp(1, SECOND, "192.0.2.1", "192.0.2.1"), True),  # an announcement
        (arp(1, SECOND, "192.0.2.1", "192.0.2.9"), False),  # a question
        (arp(2, SECOND, "192.0.2.2"), False),  # for an address that is not the pair's
        (bytes(12) + bytes.fromhex("810000c8") + arp(2, SECOND, "192.0.2.1")[12:], True),  # from a tagged port
    ],
)
def test_an_address_has_one_mac(data: bytes, broken: bool) -> None:
    watched = OneMac([IPv4Address("192.0.2.1")])
    watched.take(said(1.0, "a", arp(2, FIRST, "192.0.2.1")))
    watched.take(said(2.0, "b", data))
    assert [violation.members for violation in watched.violations] == [("a", "b")] * broken


# Verdicts -----------------------------------------------------------------------------------------------------------------

BROKEN = Violation("it", 0, 1.0, 1.0, (), "was not")
EXCUSED = Violation("it", 0, 1.0, 1.0, (), "was not", excuse="the machine itself stood still for 900 ms meanwhile")
UNSEEN = Stretch(3.0, 4.0, "frames were lost")


@pytest.mark.parametrize(
    ("violations", "unobserved", "verdict"),
    [
        ((), (), Verdict.HELD),
        ((), (UNSEEN,), Verdict.INCONCLUSIVE),
        ((EXCUSED,), (), Verdict.INCONCLUSIVE),
        ((EXCUSED, BROKEN), (UNSEEN,), Verdict.BROKEN),
    ],
)
def test_what_was_not_seen_is_never_held(
    violations: tuple[Violation, ...], unobserved: tuple[Stretch, ...], verdict: Verdict
) -> None:
    assert Finding("here", "it", 10.0, violations, unobserved).verdict is verdict


@pytest.mark.parametrize(("looks", "verdict"), [(0, Verdict.INCONCLUSIVE), (1, Verdict.HELD)])
def test_what_nobody_looked_at_is_not_held(looks: int, verdict: Verdict) -> None:
    assert Finding("here", "it", 0.0, looks=looks).verdict is verdict
