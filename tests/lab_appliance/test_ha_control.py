"""The agent's control socket: whose fault a failure is."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab.appliance import ha_control
from lab.appliance.ha_control import ControlSocket


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlSocket]:
    monkeypatch.setattr(ha_control, "CONTROL", tmp_path / "ha.sock")
    found = ControlSocket()
    yield found
    found.socket.close()


def shut_gate(_words: list[str]) -> Mapping[str, object]:
    raise OSError("the gate does not open")


def test_a_failure_of_the_agent_is_not_taken_for_a_client_that_hung_up(control: ControlSocket) -> None:
    client, agent = socket.socketpair()
    with client:
        client.sendall(b"switch\n")
        with pytest.raises(OSError, match="the gate does not open"):
            control.serve(agent, shut_gate)


def test_a_client_that_hung_up_is_no_failure(control: ControlSocket) -> None:
    client, agent = socket.socketpair()
    client.sendall(b"status\n")
    client.close()
    control.serve(agent, lambda _words: {"done": True})
