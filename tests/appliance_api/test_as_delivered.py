"""What the management API grants and refuses, asked by the vendor's client on appliances as they are delivered.

It comes before the tests that configure them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import pytest

from lab.device import CONFIG
from provisioning.appliance.api import Api
from provisioning.appliance.driver import Access
from provisioning.appliance.errors import CommandRefused, LoginRefused, Unreachable, Untrusted
from tests.appliance_api.clients import TRAPS, variables
from tests.appliance_api.conftest import Ground

T = TypeVar("T")
SITES = ("sbg7", "gra11")
MEMBER = "fw1-sbg7"

pytestmark = pytest.mark.lab


@pytest.fixture
def asked(delivered: Ground) -> Callable[[Callable[[Api], T]], T]:
    """Have something asked in a session of its own, from the administrator's machine."""

    def ask(act: Callable[[Api], T]) -> T:
        def within() -> T:
            with Api(delivered.access(MEMBER), force=True) as api:
                return act(api)

        return delivered.environment.administrator.inside(within)

    return ask


@contextmanager
def refused(told: str, ret: int) -> Iterator[None]:
    with pytest.raises(CommandRefused, match=told) as caught:
        yield
    assert caught.value.ret == ret


@pytest.mark.parametrize("site", SITES)
def test_it_has_its_ports_addresses_and_lets_the_administrator_in(delivered: Ground, site: str) -> None:
    said = delivered.run(delivered.access(f"fw1-{site}"), "SYSTEM PROPERTY\nCONFIG SLOT LIST type=filter\nHA CLUSTER LIST\n")
    assert said.refused() == []
    assert "active=01" in said.output


def test_what_is_no_command_and_what_is_no_token_is_refused_and_not_ignored(
    asked: Callable[[Callable[[Api], None]], None],
) -> None:
    def act(api: Api) -> None:
        with refused("no such command", 201):
            api.must("CONFIG TELEPORT NEW")
        with refused("unknown token colour", 200):
            api.must("CONFIG OBJECT HOST NEW name=a ip=10.1.1.1 colour=red")
        with refused('"10.1.1.400" is not an IPv4 address', 200):
            api.must("CONFIG OBJECT HOST NEW name=a ip=10.1.1.400")
        with refused("is not understood", 200):
            api.must("CONFIG OBJECT ACTIVATE NOW PLEASE")
        assert api.must("HELP CONFIG OBJECT").listed["Result"]  # the control: the session goes on

    asked(act)


def test_one_session_at_a_time_may_change_something(delivered: Ground) -> None:
    def act() -> None:
        with Api(delivered.access(MEMBER), force=True) as first, Api(delivered.access(MEMBER)) as second:
            with refused("Not enough privilege", 205):
                second.must("CONFIG OBJECT HOST NEW name=a ip=10.1.1.1")
            with refused("session", 204):
                second.must("MODIFY ON")
            second.must("MODIFY ON FORCE")
            with refused("Not enough privilege", 205):
                first.must("CONFIG OBJECT HOST NEW name=a ip=10.1.1.1")
            listed = {one["SessionID"] for one in second.must("LIST").lines["Result"]}
            assert {first._client.sessionid, second._client.sessionid} <= listed

    delivered.environment.administrator.inside(act)


def test_a_session_is_worth_nothing_without_its_cookie_and_after_it_ended(
    asked: Callable[[Callable[[Api], None]], None],
) -> None:
    def act(api: Api) -> None:
        kept = dict(api._client.session.cookies)
        api._client.session.cookies.clear()
        with pytest.raises(LoginRefused, match="Invalid session"):
            api.send("VERSION")
        api._client.session.cookies.update(kept)
        assert api.send("VERSION").ok
        with pytest.raises(LoginRefused, match="Server disconnected"):
            api.send("QUIT")
        with pytest.raises(LoginRefused, match="Invalid session"):
            api.send("VERSION")

    asked(act)


def test_an_edit_counts_when_it_is_activated_and_is_forgotten_when_it_is_cancelled(
    delivered: Ground, asked: Callable[[Callable[[Api], None]], None]
) -> None:
    file: Path = delivered.environment.lab.host(MEMBER).path(f"{CONFIG}/object")

    def act(api: Api) -> None:
        api.must('CONFIG OBJECT HOST NEW name=kept ip=10.9.9.1 comment="one of the test\'s"')
        assert "kept" not in file.read_text()
        api.must("CONFIG OBJECT ACTIVATE")
        assert "kept=10.9.9.1" in file.read_text()
        api.must("CONFIG OBJECT HOST NEW name=dropped ip=10.9.9.2")
        api.must("CONFIG OBJECT ACTIVATE CANCEL")
        api.must("CONFIG OBJECT ACTIVATE")
        assert "dropped" not in file.read_text()
        api.must("CONFIG OBJECT HOST DELETE name=kept")
        api.must("CONFIG OBJECT ACTIVATE")

    asked(act)


def test_an_activation_that_the_appliance_refuses_changes_nothing(
    delivered: Ground, asked: Callable[[Callable[[Api], None]], None]
) -> None:
    slot: Path = delivered.environment.lab.host(MEMBER).path(f"{CONFIG}/Filter/01")
    before = slot.read_text()

    def act(api: Api) -> None:
        api.must("CONFIG OBJECT HOST NEW name=later ip=10.9.9.3")
        api.must("CONFIG FILTER RULE INSERT index=1 type=filter position=1 action=pass srctarget=later dsttarget=any")
        with refused('unknown address object "later"', 200):
            api.must("CONFIG FILTER ACTIVATE")  # the object itself is not activated yet
        assert slot.read_text() == before
        api.must("CONFIG FILTER ACTIVATE CANCEL")
        api.must("CONFIG OBJECT ACTIVATE CANCEL")

    asked(act)


def test_a_slot_goes_out_and_comes_back_as_a_file_and_a_broken_one_does_not(
    delivered: Ground, asked: Callable[[Callable[[Api], None]], None]
) -> None:
    file = delivered.folder / "slot"

    def act(api: Api) -> None:
        api.must(f"CONFIG SLOT DOWNLOAD type=filter slot=1 > {file}")
        assert "[Filter]" in file.read_text()
        file.write_text(file.read_text().replace("from any", "from nobody"))
        with refused('unknown address object "nobody"', 200):
            api.must(f"CONFIG SLOT UPLOAD type=filter slot=7 name=copy < {file}")
        file.write_text(file.read_text().replace("nobody", "any"))
        api.must(f"CONFIG SLOT UPLOAD type=filter slot=7 name=copy < {file}")
        assert api.must("CONFIG SLOT LIST type=filter").sections["07"]["name"] == "copy"
        api.must("CONFIG FILTER ACTIVATE CANCEL")

    asked(act)


def test_wrong_passwords_are_answered_by_a_wait_for_their_address_alone(delivered: Ground) -> None:
    wrong = replace(delivered.access(MEMBER), password="not this one")

    def guess() -> str:
        with pytest.raises(LoginRefused) as caught:
            Api(wrong)
        return str(caught.value)

    told = [delivered.environment.stranger.inside(guess) for _ in range(4)]
    assert all("Authentication failed" in one for one in told[:3])
    assert "try again after" in told[3]
    assert delivered.run(delivered.access(MEMBER), "VERSION\n").refused() == []


@pytest.mark.parametrize("trap", TRAPS)
def test_the_authority_that_is_given_counts_whatever_the_environment_says(delivered: Ground, trap: str) -> None:
    access, other = delivered.access(MEMBER), delivered.access("fw1-gra11")

    def version(to: Access) -> str:
        with Api(to) as api:
            return api.version()

    with variables({trap: str(other.authority)}):
        assert delivered.environment.administrator.inside(lambda: version(access))
        with pytest.raises(Untrusted):
            delivered.environment.administrator.inside(lambda: version(replace(access, authority=other.authority)))


def test_another_name_and_no_answer_are_told_apart(delivered: Ground) -> None:
    access, admin = delivered.access(MEMBER), delivered.environment.administrator
    with pytest.raises(Untrusted, match="does not prove that it is VMSNSX00Z0000A0"):
        admin.inside(lambda: Api(replace(access, name="VMSNSX00Z0000A0")))
    nobody = IPv4Address("147.135.161.155")
    with pytest.raises(Unreachable, match=r"147\.135\.161\.155"):
        admin.inside(lambda: Api(replace(access, address=nobody, timeout=1)))
