"""What a member hears on a data network, where all pairs say their beacons: its peer's, and the kernel drops the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab.appliance import ha_wire
from lab.appliance.ha_segments import hear_only
from lab.appliance.ha_state import Mode, Report, Standing

PEER = "VMSNSX08K0702A9"
MACS = bytes(12)
BEACON = ha_wire.ETHERTYPE.to_bytes(2, "big")


def said_by(serial: str) -> bytes:
    return ha_wire.encode(Report(Standing(serial, 0, 100), Mode.ACTIVE, hears=True), ha_wire.key("secret"))


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        hear_only(far, PEER)
        far.setblocking(False)
        yield near, far


@pytest.mark.parametrize(
    "frame",
    [
        MACS + BEACON + said_by("VMSNSX08K0701A9"),
        MACS + BEACON + said_by(PEER[:-1]),
        MACS + BEACON + said_by(f"{PEER}0"),
        MACS + b"\x08\x00" + said_by(PEER),
        MACS + BEACON + said_by(PEER)[:20],
        MACS,
    ],
    ids=["another member", "a shorter serial", "a longer serial", "another protocol", "cut off", "nothing in it"],
)
def test_what_is_no_beacon_of_the_peer_wakes_nobody(wire: tuple[socket.socket, socket.socket], frame: bytes) -> None:
    near, far = wire
    near.send(frame)
    with pytest.raises(BlockingIOError):
        far.recv(2048)
    near.send(MACS + BEACON + said_by(PEER))
    assert far.recv(2048)[14:] == said_by(PEER)


def test_a_peer_of_the_longest_serial_is_heard(wire: tuple[socket.socket, socket.socket]) -> None:
    near, far = wire
    longest = "S" * 24
    hear_only(far, longest)
    near.send(MACS + BEACON + said_by(longest))
    assert far.recv(2048)[14:] == said_by(longest)
