"""Captures and sweeps on one wire between two network namespaces: nothing missed in silence, nothing called silent unseen."""

from __future__ import annotations

import errno
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import cast

import pytest

from lab import addresses, capture, namespace
from lab import sweep as sweeps
from lab.capture import Tap
from lab.errors import CaptureIncomplete, HostGone, LabError
from lab.frame_reader import MANY
from lab.host import LabHost
from lab.probe import Outcome, Target, connect
from provisioning.live import dialling

SOURCE, TARGET = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
FRAME = b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x88\xb5" + b"a frame of the test".ljust(46, b"\0")

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class End:
    """One end of the wire: a network namespace, held by a process."""

    pid: int
    interface: str

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """A socket that lives there."""
        return namespace.inside(self.pid, lambda: socket.socket(family, kind, protocol))

    def ip(self, *arguments: str) -> None:
        """Run ``ip`` there."""
        subprocess.run([*namespace.enter(self.pid, everything=False), "ip", *arguments], check=True)


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[End, End]]:
    holding = [
        subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 300"], stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for one in holding:
            assert one.stdout is not None
            one.stdout.readline()  # it is in its namespace
        near, far = (End(one.pid, name) for one, name in zip(holding, ("near", "far"), strict=True))
        near.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far.pid))
        for end, address in ((near, "192.0.2.1/24"), (far, f"{TARGET}/24")):
            end.ip("address", "add", address, "dev", end.interface)
            end.ip("link", "set", end.interface, "up")
        yield near, far
    finally:
        for one in holding:
            one.kill()
            one.wait()
            assert one.stdout is not None
            one.stdout.close()


@pytest.fixture
def tap(wire: tuple[End, End]) -> Iterator[Tap]:
    opened = Tap(wire[1].pid, "far", "the wire")
    yield opened
    opened.close()


def send(end: End, count: int = 1) -> None:
    with namespace.packet_socket(end.pid, end.interface) as opened:
        for _ in range(count):
            opened.send(FRAME)


def seen(tap: Tap) -> int:
    return sum(frame.data == FRAME for frame in tap.since(0))


# Captures


def test_a_host_has_the_addresses_that_others_can_reach(wire: tuple[End, End]) -> None:
    near, _ = wire
    near.ip("link", "set", "lo", "up")
    near.ip("address", "add", "198.51.100.7", "peer", "198.51.100.8", "dev", "near")
    found = addresses.by_interface(near.pid)
    near.ip("address", "delete", "198.51.100.7", "peer", "198.51.100.8", "dev", "near")
    assert found == {"near": [IPv4Interface("192.0.2.1/24"), IPv4Interface("198.51.100.7/32")]}
    assert addresses.by_interface(near.pid) == {"near": [IPv4Interface("192.0.2.1/24")]}


def test_an_interface_that_goes_while_addresses_are_asked_has_none(
    wire: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(index: int) -> str:
        raise OSError(errno.ENXIO, f"no interface {index}")

    monkeypatch.setattr("lab.addresses.socket.if_indextoname", gone)
    assert addresses.by_interface(wire[0].pid) == {}


def test_a_host_that_has_ended_has_no_addresses_to_tell() -> None:
    with pytest.raises(HostGone, match="web-sbg7"):
        addresses.by_interface(2**22 + 1, where="web-sbg7")


def test_what_is_sent_at_once_is_captured(wire: tuple[End, End]) -> None:
    for _ in range(20):
        tap = Tap(wire[1].pid, "far", "the wire")
        send(wire[0])
        assert seen(tap) == 1
        tap.close()


def test_many_frames_come_in_order_each_whole_with_its_tag_and_its_time(wire: tuple[End, End], tap: Tap) -> None:
    tag = struct.pack("!HH", 0x8100, 42)
    frames = [
        FRAME[:12] + (tag if number % 3 == 0 else b"") + FRAME[12:] + bytes(number) + struct.pack("!H", number)
        for number in range(3 * MANY)
    ]
    before = time.time()
    with namespace.packet_socket(wire[0].pid, wire[0].interface) as opened:
        for frame in frames:
            opened.send(frame)
    captured = [one for one in tap.since(0) if one.data[6:12] == FRAME[6:12]]
    assert [one.data for one in captured] == frames
    assert before <= captured[0].time
    assert [one.time for one in captured] == sorted(one.time for one in captured)
    assert captured[-1].time <= time.time()


def test_what_found_no_room_makes_the_capture_incomplete(wire: tuple[End, End], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "BUFFER", 64 << 10)
    tap = Tap(wire[1].pid, "far", "the wire")
    send(wire[0], 1000)
    with pytest.raises(CaptureIncomplete, match=r"the wire: \d+ frames were dropped before they could be read"):
        tap.since(0)
    tap.forget()
    send(wire[0])
    assert seen(tap) == 1
    tap.close()


def test_a_capture_that_sees_nothing_any_more_says_so(wire: tuple[End, End], tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MARKER_WITHIN", 0.1)
    monkeypatch.setattr(Tap, "_send_marker", lambda _: b"a marker that nobody sent")
    with pytest.raises(LabError, match="the wire: the capture no longer sees its own wire"):
        tap.since(0)


# Sweeps

PORTS = range(1, 1001)


def sweep(wire: tuple[End, End]) -> sweeps.Sweep:
    with wire[1].socket() as listening:
        listening.bind((str(TARGET), 80))
        listening.listen()
        near, far = (sweeps.End(end.pid, end.interface) for end in wire)
        return sweeps.sweep(near, far, SOURCE, TARGET, PORTS)


def losing(monkeypatch: pytest.MonkeyPatch, lost: Iterable[int], *, times: int) -> None:
    """The way loses the SYNs to these ports so many times."""
    honest, left = sweeps._Sending.send, dict.fromkeys(lost, times)

    def send(sending: sweeps._Sending, ports: Sequence[int]) -> None:
        kept = [port for port in ports if not left.get(port)]
        left.update({port: left[port] - 1 for port in ports if left.get(port)})
        honest(sending, kept)

    monkeypatch.setattr(sweeps._Sending, "send", send)


def test_a_sweep_tells_what_answers_from_what_refuses(wire: tuple[End, End]) -> None:
    found = sweep(wire)
    assert found.reached == set(PORTS)
    assert found.answered == {80}
    assert found.refused == set(PORTS) - {80}


def test_what_is_lost_on_the_way_is_sent_again(wire: tuple[End, End], monkeypatch: pytest.MonkeyPatch) -> None:
    losing(monkeypatch, range(1, 1001, 7), times=2)
    assert sweep(wire).reached == set(PORTS)


def by_socket(end: End, targets: Sequence[Target]) -> list[str]:
    return [outcome.value for outcome in connect(cast(LabHost, end), targets, within=0.3).values()]


def by_program(end: End, targets: Sequence[Target]) -> list[str]:
    """As on a host that is reached over SSH alone."""
    asked = json.dumps([(str(target.address), target.port) for target in targets])
    command = [*namespace.enter(end.pid, everything=False), sys.executable, "-I", dialling.__file__, asked, "0.3"]
    return cast(list[str], json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


@pytest.mark.parametrize("dialled", [by_socket, by_program])
def test_whom_nobody_asked_did_not_refuse(wire: tuple[End, End], dialled: Callable[[End, Sequence[Target]], list[str]]) -> None:
    near, far = wire
    nowhere, nobody = IPv4Address("203.0.113.1"), IPv4Address("192.0.2.77")
    with far.socket() as listening:
        listening.bind((str(TARGET), 0))
        listening.listen()
        served = listening.getsockname()[1]
        tried = [Target(TARGET, served), Target(TARGET, 1), Target(nobody, 1), Target(nowhere, 1)]
        assert dialled(near, tried) == ["answered", "refused", "silent", "not sent"]


def test_a_port_whose_syn_never_arrives_is_not_called_silent(wire: tuple[End, End], monkeypatch: pytest.MonkeyPatch) -> None:
    losing(monkeypatch, [25], times=100)
    found = sweep(wire)
    assert found.reached == set(PORTS) - {25}
    with pytest.raises(KeyError):
        found.outcome(25)
    assert found.outcome(80) is Outcome.ANSWERED


@pytest.fixture
def bad_wire(wire: tuple[End, End]) -> Iterator[tuple[End, End]]:
    """A wire that keeps frames waiting up to 10 ms, in order, and loses half of those of its near end."""
    near, far = wire
    near.ip("link", "add", "begin", "type", "veth", "peer", "name", "left")
    near.ip("link", "add", "right", "type", "veth", "peer", "name", "end", "netns", str(far.pid))
    near.ip("address", "add", "198.51.100.1/24", "dev", "begin")
    far.ip("address", "add", "198.51.100.2/24", "dev", "end")
    for end, interface in ((near, "begin"), (near, "left"), (near, "right"), (far, "end")):
        end.ip("link", "set", interface, "up")
    command = [*namespace.enter(near.pid, everything=False), sys.executable, "-m", "lab.relay", "left:right:0:0.01:0.5:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as relay:
        assert relay.stdout is not None
        relay.stdout.readline()  # it relays
        yield End(near.pid, "begin"), End(far.pid, "end")
        relay.kill()
    for interface in ("begin", "right"):
        near.ip("link", "delete", interface)


def test_what_of_an_earlier_sending_comes_late_is_not_taken_for_a_later_one(
    bad_wire: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ARRIVES_WITHIN", 0.005)
    near, far = (sweeps.End(end.pid, end.interface) for end in bad_wire)
    tap = Tap(far.pid, far.interface, "the far end")
    found = sweeps.sweep(near, far, IPv4Address("198.51.100.1"), IPv4Address("198.51.100.2"), range(1, 33))
    arrived = {int.from_bytes(frame.data[36:38], "big") for frame in tap.since(0) if frame.data[22:24] == b"\xd5\x06"}
    tap.close()
    assert found.reached
    assert found.reached <= arrived


def test_each_sending_has_headers_that_a_kernel_takes(wire: tuple[End, End], tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    losing(monkeypatch, [25], times=1)
    sweep(wire)
    headers = [frame.data[14:34] for frame in tap.since(0) if frame.data[22:24] == b"\xd5\x06"]
    assert len({header[4:6] for header in headers}) == 2
    for header in headers:
        total = sum(int.from_bytes(header[place : place + 2], "big") for place in range(0, 20, 2))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_a_chunk_is_one_system_call(wire: tuple[End, End]) -> None:
    near, far = (sweeps.End(end.pid, end.interface) for end in wire)
    sending = sweeps._Sending(near, far, SOURCE, TARGET)
    try:
        sending.send(range(1, sweeps.CHUNK + 1))
        assert sending._arrivals.count() == sweeps.CHUNK
    finally:
        sending.close()
