"""A wire that carries badly: frames are sent at one member's interface and counted at the other's."""

from __future__ import annotations

import select
import socket
import time
from statistics import mean

import pytest

from lab import namespace
from lab.appliance import ha_wire
from lab.device import Appliance
from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab

EXTERNAL, PRIVATE, HA = "eth0", "eth1", "eth2"
KIND = b"\x88\xb7"  # IEEE 802 local experimental, and nothing else's here
OUTGOING = 4  # PACKET_OUTGOING
PATIENCE = 0.3  # s after the last frame: three times the longest delay of these tests, and its jitter


def trips(sender: Appliance, hearer: Appliance, count: int = 20, nic: str = HA) -> list[float]:
    """The seconds that each of these frames took, of those that came."""
    found = []
    with namespace.packet_socket(sender.host.pid, nic) as mouth, namespace.packet_socket(hearer.host.pid, nic) as ear:
        for number in range(count):
            mouth.send(b"\xff" * 6 + b"\x02\0\0\0\0\x77" + KIND + number.to_bytes(2, "big") + bytes(44))
            sent = time.monotonic()
            found += [at - sent for at in _arrivals(ear, KIND, 0.001)]
        return found + [at - sent for at in _arrivals(ear, KIND, PATIENCE)]


def beacons(hearer: Appliance, nic: str) -> int:
    """How many words of the active member come to the passive one's data interface meanwhile: some, or none."""
    shared = bytes.fromhex(hearer.path(f"/sys/class/net/{nic}/address").read_text().strip().replace(":", ""))
    with namespace.packet_socket(hearer.host.pid, nic) as ear:
        return len(_arrivals(ear, shared + ha_wire.ETHERTYPE.to_bytes(2, "big"), PATIENCE))


def _arrivals(ear: socket.socket, wanted: bytes, seconds: float) -> list[float]:
    """When frames came whose header ends so."""
    found, deadline = [], time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and select.select([ear], [], [], left)[0]:
        data, sender = ear.recvfrom(65535)
        if sender[2] != OUTGOING and data[:14].endswith(wanted):
            found.append(time.monotonic())
    return found


def test_a_bad_link_is_slow_and_loses_in_the_direction_that_was_asked_for(pair: Pair) -> None:
    here, there = pair.passive, pair.active
    with pair.fault("ha-link-degraded delay=60 jitter=0 loss=30 direction=sent", here):
        lossy, whole = trips(here, there, 200), trips(there, here, 200)
        assert 80 <= len(lossy) <= 190, "30 % of 200 is 60; five times the spread is 33"
        assert len(whole) == 200
    assert len(trips(here, there)) == len(trips(there, here)) == 20


def test_a_bad_link_delays_each_frame(pair: Pair) -> None:
    here, there = pair.passive, pair.active
    with pair.fault("ha-link-degraded delay=60 jitter=0 loss=0", here):
        slow = trips(here, there, 1)
    with pair.fault("ha-link-degraded delay=60 jitter=100 loss=0", here):
        varied = [trips(here, there, 1)[0] for _ in range(5)]
    assert 0.055 <= slow[0] <= 0.080
    assert min(varied) >= 0.055
    assert max(varied) - min(varied) > 0.005
    assert mean(trips(here, there, 1)) < 0.020


@pytest.mark.parametrize("wires", ["ha", "data", "all"])
@pytest.mark.parametrize("fault, sends", [("member-unheard", True), ("member-deaf", False)])
def test_a_wire_that_carries_one_way_only(pair: Pair, fault: str, sends: bool, wires: str) -> None:
    """The data networks are looked at where somebody speaks: the active member is made mute, or the passive one deaf."""
    victim, other = (pair.active, pair.passive) if sends else (pair.passive, pair.active)
    lost, kept = ((victim, other), (other, victim)) if sends else ((other, victim), (victim, other))
    with pair.fault(f"{fault} wires={wires}", victim):
        if wires != "ha":
            assert [beacons(lost[1], nic) for nic in (EXTERNAL, PRIVATE)] == [0, 0]
        assert len(trips(*lost)) == (20 if wires == "data" else 0)
        assert len(trips(*kept)) == 20
    assert len(trips(*lost)) == 20
    assert beacons(pair.passive, EXTERNAL)
