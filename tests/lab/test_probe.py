"""Pings of a host that answers itself: a network namespace without any wire."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any, cast

import pytest

from lab import probe
from lab.fabric import Fabric
from lab.host import LabHost
from lab.topology import Host

pytestmark = pytest.mark.lab

ITSELF = IPv4Address("127.0.0.1")


class Losing(socket.socket):
    """Loses the second packet that it is given."""

    given = 0

    def sendto(self, *what: Any) -> int:
        self.given += 1
        return 0 if self.given == 2 else super().sendto(*what)


@pytest.fixture
def host() -> Iterator[LabHost]:
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield LabHost(Host(name="alone", role="client", nics=()), process.pid, cast(Fabric, None))
        process.kill()


def test_a_ping_that_is_lost_does_not_change_the_numbers_of_the_others(host: LabHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Losing)
    echoes = probe.ping(host, ITSELF, count=4, within=0.1)
    assert list(echoes.round_trips) == [1, 3, 4]
    assert (echoes.sent, echoes.answered, echoes.lost) == (4, 3, 1)


def test_a_stream_of_pings_is_ended_by_whoever_has_seen_enough(host: LabHost) -> None:
    echoes = probe.ping(host, ITSELF, count=1000, interval=0.001, goes_on=lambda answered: answered < 5)
    assert echoes.lost == 0
    assert 5 <= echoes.sent < 1000
