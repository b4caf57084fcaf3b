"""Sessions of serverd: who may open one, who may change something, who must wait."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.appliance.serverd.replies import Refusal
from lab.appliance.serverd.sessions import MOST_SESSIONS, Guard, Session, Sessions

CLIENT, OTHER = IPv4Address("198.51.100.101"), IPv4Address("198.51.100.102")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock=clock, guard=Guard(attempts=3, within=60, banned=60), idle=300)


def opened(sessions: Sessions, wanted: tuple[str, ...] = ()) -> Session:
    session = sessions.open(sessions.logged_in(CLIENT, "admin"), CLIENT, wanted)
    assert session is not None
    return session


def test_without_a_login_there_is_no_session(sessions: Sessions) -> None:
    assert sessions.open("made up", CLIENT) is None


def test_a_session_belongs_to_the_bearer_of_its_cookie(sessions: Sessions) -> None:
    session = opened(sessions)
    assert sessions.find(str(session.number), session.cookie) is session
    assert sessions.find(str(session.number), "made up") is None
    assert sessions.find("17", session.cookie) is None
    assert sessions.find("x", session.cookie) is None


def test_an_idle_session_ends(sessions: Sessions, clock: Clock) -> None:
    session = opened(sessions)
    clock.now += 299
    assert sessions.find(str(session.number), session.cookie) is session
    clock.now += 301
    with pytest.raises(TimeoutError):
        sessions.find(str(session.number), session.cookie)
    assert sessions.find(str(session.number), session.cookie) is None


def test_one_session_at_a_time_may_modify(sessions: Sessions) -> None:
    first, second = opened(sessions), opened(sessions)
    first.need("modify")
    with pytest.raises(Refusal, match="MODIFY ON") as refused:
        second.need("modify")
    assert refused.value.ret == 205
    with pytest.raises(Refusal, match="session 1") as refused:
        sessions.take_modify(second, force=False)
    assert refused.value.ret == 204
    sessions.take_modify(second, force=True)
    second.need("modify")
    with pytest.raises(Refusal):
        first.need("modify")


def test_the_privilege_is_free_again_when_its_holder_gives_it_back_leaves_or_falls_silent(
    sessions: Sessions, clock: Clock
) -> None:
    first, second = opened(sessions), opened(sessions)
    sessions.give_modify(first)
    sessions.take_modify(second, force=False)
    sessions.close(second)
    sessions.take_modify(first, force=False)
    clock.now += 200
    third = opened(sessions)
    clock.now += 200
    sessions.take_modify(third, force=False)


def test_a_session_that_asks_for_less_has_less(sessions: Sessions) -> None:
    session = opened(sessions, ("base", "log"))
    assert session.shown_level == "base,log"
    with pytest.raises(Refusal):
        session.need("modify")
    assert "modify" in opened(sessions).level


def test_wrong_passwords_ban_their_address_for_a_time(sessions: Sessions, clock: Clock) -> None:
    for _ in range(2):
        sessions.failed(CLIENT)
    assert sessions.banned_for(CLIENT) == 0
    sessions.failed(CLIENT)
    assert 59 <= sessions.banned_for(CLIENT) <= 61
    assert sessions.banned_for(OTHER) == 0
    clock.now += 61
    assert sessions.banned_for(CLIENT) == 0


def test_old_failures_and_those_before_a_success_do_not_count(sessions: Sessions, clock: Clock) -> None:
    sessions.failed(CLIENT)
    clock.now += 61
    sessions.failed(CLIENT)
    sessions.failed(CLIENT)
    assert sessions.banned_for(CLIENT) == 0
    sessions.logged_in(CLIENT, "admin")
    sessions.failed(CLIENT)
    assert sessions.banned_for(CLIENT) == 0


def test_there_are_only_so_many(sessions: Sessions) -> None:
    for _ in range(MOST_SESSIONS):
        opened(sessions)
    with pytest.raises(Refusal) as refused:
        opened(sessions)
    assert refused.value.ret == 204
