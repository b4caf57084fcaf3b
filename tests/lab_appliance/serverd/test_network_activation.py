"""An activation that takes the client's own way is answered first: what can be refused is refused before, the rest is told."""

from __future__ import annotations

import threading

import pytest

from lab.appliance import network
from lab.appliance.network import Link
from lab.appliance.serverd import activation
from lab.appliance.serverd.replies import Refusal
from tests.lab_appliance.serverd.conftest import Client

DEVICES = {f"eth{number}": Link("02:00:00:00:00:01", 1500, True, ()) for number in range(3)}
MOVES = "CONFIG NETWORK INTERFACE ADDRESS UPDATE ifname=in address=10.200.0.2 mask=255.255.0.0"


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> dict[str, Link]:
    """What the appliance has."""
    there = dict(DEVICES)
    monkeypatch.setattr(network, "links", lambda: there)
    return there


def test_a_device_that_is_missing_is_told_to_who_takes_his_own_way(client: Client, devices: dict[str, Link]) -> None:
    del devices["eth2"]
    told = client.ask(MOVES, "CONFIG NETWORK ACTIVATE")
    assert (told.ret, told.after) == (200, None)
    assert "[ethernet2]: this appliance has no such interface (eth2)" in told.msg


def test_an_object_that_is_not_activated_yet_is_told_too(client: Client, devices: dict[str, Link]) -> None:
    later = ("CONFIG OBJECT HOST NEW name=later ip=147.135.161.157", "CONFIG NETWORK DEFAULTROUTE SET name=later")
    told = client.ask(*later, MOVES, "CONFIG NETWORK ACTIVATE")
    assert (told.ret, told.after) == (200, None)
    assert '"later"' in told.msg


def test_what_fails_after_the_answer_is_one_line_of_the_log_and_nobody_edits_meanwhile(
    client: Client, devices: dict[str, Link], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free: list[bool] = []

    def unanswered(*_: object) -> None:
        other = threading.Thread(target=lambda: free.append(client.serverd.changing.acquire(blocking=False)))
        other.start()
        other.join()
        raise Refusal("ennetwork: eth2: no DHCP server answered\nwithin 15 s")

    monkeypatch.setattr(activation, "activate", unanswered)
    told = client.ask(MOVES, "CONFIG NETWORK ACTIVATE")
    assert told.ret == 100
    assert told.after is not None
    capsys.readouterr()
    told.after()
    why = "ennetwork: eth2: no DHCP server answered within 15 s"
    assert capsys.readouterr().err == f"CONFIG NETWORK ACTIVATE failed, all is as it was and the edits are kept: {why}\n"
    assert free == [False]
