"""charon's control protocol, against messages as charon sends them."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.appliance.security_associations import read
from lab.appliance.vici import CommandRefused, Session, ViciError, decode


def section(name: str, *inside: bytes) -> bytes:
    return b"\x01" + bytes([len(name)]) + name.encode() + b"".join(inside) + b"\x02"


def pair(name: str, value: str) -> bytes:
    return b"\x03" + bytes([len(name)]) + name.encode() + struct.pack("!H", len(value)) + value.encode()


def items(name: str, *values: str) -> bytes:
    listed = b"".join(b"\x05" + struct.pack("!H", len(value)) + value.encode() for value in values)
    return b"\x04" + bytes([len(name)]) + name.encode() + listed + b"\x06"


SA = section(
    "OVH_GRA11",
    pair("uniqueid", "7"), pair("version", "2"), pair("state", "ESTABLISHED"), pair("initiator", "yes"),
    pair("local-host", "147.135.161.153"), pair("remote-host", "203.0.113.153"),
    pair("encr-alg", "AES_CBC"), pair("encr-keysize", "256"), pair("integ-alg", "HMAC_SHA2_256_128"),
    pair("prf-alg", "PRF_HMAC_SHA2_256"), pair("dh-group", "MODP_2048"), pair("rekey-time", "19000"),
    section("child-sas", section(
        "01-1-9",
        pair("name", "01-1"), pair("uniqueid", "9"), pair("state", "INSTALLED"), pair("encap", "yes"),
        pair("encr-alg", "AES_CBC"), pair("encr-keysize", "256"), pair("integ-alg", "HMAC_SHA2_256_128"),
        pair("spi-in", "b820dcb7"), pair("packets-in", "12"), pair("life-time", "3500"),
        items("local-ts", "10.200.0.0/16"), items("remote-ts", "10.201.0.0/16", "10.202.0.0/16"),
    )),
)  # fmt: skip


def test_nested_sections_and_lists_are_read() -> None:
    body = section("a", pair("k", "v"), section("b", items("l", "1", "2"))) + pair("last", "")
    assert decode(body) == {"a": {"k": "v", "b": {"l": ["1", "2"]}}, "last": ""}


@pytest.mark.parametrize("body", [b"\x01\x01a", b"\x09"], ids=["open section", "unknown element"])
def test_a_broken_message_is_an_error(body: bytes) -> None:
    with pytest.raises(ViciError):
        decode(body)


Answer = Callable[[bytes], list[bytes]]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[[Answer], Path]]:
    """A daemon that answers each packet by what the test says."""
    listener = socket.socket(socket.AF_UNIX)
    threads: list[threading.Thread] = []

    def serve(answer: Answer) -> None:
        connection, _ = listener.accept()
        with connection:
            while length := connection.recv(4):
                for packet in answer(connection.recv(struct.unpack("!I", length)[0])):
                    connection.sendall(struct.pack("!I", len(packet)) + packet)

    def start(answer: Answer) -> Path:
        path = tmp_path / "vici"
        listener.bind(str(path))
        listener.listen()
        threads.append(threading.Thread(target=serve, args=(answer,)))
        threads[0].start()
        return path

    yield start
    for thread in threads:
        thread.join(timeout=5)
    listener.close()


def test_the_security_associations_are_listed_with_everything_a_check_needs(
    daemon: Callable[[Answer], Path],
) -> None:
    def answer(packet: bytes) -> list[bytes]:
        return [b"\x05"] if packet[0] == 3 else [b"\x07\x07list-sa" + SA, b"\x01"]

    with Session(daemon(answer)) as session:
        (sa,) = read(session)
    assert sa.established
    assert (sa.connection, sa.ike_id, sa.child, sa.child_id) == ("OVH_GRA11", "7", "01-1", "9")
    assert sa.ike_proposal == "AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"
    assert sa.esp_proposal == "AES_CBC_256/HMAC_SHA2_256_128"
    assert (sa.local_selectors, sa.remote_selectors) == ("10.200.0.0/16", "10.201.0.0/16,10.202.0.0/16")
    assert (sa.encapsulated, sa.packets_in, sa.life) == (True, 12, 3500)


def test_a_refusal_carries_charons_reason(daemon: Callable[[Answer], Path]) -> None:
    refusal = b"\x01" + pair("success", "no") + pair("errmsg", "CHILD_SA config '01-1' not found")
    with (
        Session(daemon(lambda _packet: [refusal])) as session,
        pytest.raises(CommandRefused, match="initiate: CHILD_SA config '01-1' not found"),
    ):
        session.command("initiate", {"child": "01-1"})


def test_a_daemon_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ViciError, match="does not listen"):
        Session(tmp_path / "vici")


def test_a_late_answer_is_not_taken_for_that_of_the_next_command(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "vici"))
        listener.listen()
        with Session(tmp_path / "vici", timeout=0.01) as session, listener.accept()[0] as connection:
            with pytest.raises(ViciError, match="does not answer"):
                session.command("initiate")
            late = b"\x01" + pair("success", "no") + pair("errmsg", "not established after 5000ms")
            with suppress(OSError):  # nobody listens any more
                connection.sendall(struct.pack("!I", len(late)) + late)
            with pytest.raises(ViciError) as failure:
                session.command("initiate")
    assert not isinstance(failure.value, CommandRefused)
