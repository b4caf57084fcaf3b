"""Asking a busy cloud again: when, how long, and when not."""

from __future__ import annotations

import pytest
from keystoneauth1 import exceptions as access
from openstack import exceptions
from requests import Response

from provisioning.cloud.errors import CloudError, CloudNotReached
from provisioning.cloud.patience import TRIES, Patience


def _answer(status: int, text: str = "", **headers: str) -> exceptions.HttpException:
    response = Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return exceptions.HttpException(text, response=response)


def _asked(*answers: object) -> tuple[object, list[float], list[str]]:
    slept: list[float] = []
    told: list[str] = []
    left = list(answers)

    def ask() -> object:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Patience(told.append, slept.append)("a port", ask), slept, told


def test_an_answer_is_an_answer() -> None:
    assert _asked("yes") == ("yes", [], [])


def test_a_busy_cloud_is_asked_again_after_as_long_as_it_says() -> None:
    got, slept, told = _asked(_answer(429, "slow down", Retry_After="7"), _answer(503), access.ConnectFailure("gone"), "yes")
    assert (got, slept) == ("yes", [7.0, 2.0, 4.0])
    assert told[0] == "a port: slow down; again in 7 s (1 of 5)"


def test_not_for_ever() -> None:
    with pytest.raises(CloudNotReached, match=f"a port: asked {TRIES} times, the last answer: away"):
        _asked(*[_answer(503, "away")] * TRIES)


@pytest.mark.parametrize(
    "answer, kind, told",
    [
        (_answer(409, "VLAN 200 is in use"), CloudError, "a port: VLAN 200 is in use"),
        (_answer(403, "Quota exceeded"), CloudError, "a port: Quota exceeded"),
        (
            _answer(401, "who are you"),
            CloudNotReached,
            "a port: the cloud does not accept our credentials any more: who are you",
        ),
        (access.Unauthorized("no"), CloudNotReached, "does not accept our credentials any more: no"),
    ],
)
def test_a_refusal_is_final(answer: Exception, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        _asked(answer)
