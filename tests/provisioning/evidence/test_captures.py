"""Captures as files: read by tshark and scapy, marked by steps, within their bound, without secrets."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.capture import Frame
from provisioning.evidence.bounds import Piece
from provisioning.evidence.captures import capture, without_secrets
from provisioning.evidence.commands import Step
from provisioning.redaction import Redaction
from tests.provisioning.evidence.frames import arp, frames, packet, segment

STEPS = (Step(1_000.0, 1, "Given a client"), Step(1_000.0015, 2, "When it asks"), Step(1_009.0, 3, "Then it is answered"))
SECRET = b"correct-horse-battery"


def _capture(seen: Sequence[Frame], *secrets: str, limit: int = 1_000_000) -> Piece:
    redaction = Redaction()
    redaction.learn(*secrets)
    return capture("gw:eth0", seen, title="SNS-X-01 of run r", steps=STEPS, redaction=redaction, limit=limit)


def _tshark(piece: Piece, folder: Path, *options: str) -> list[str]:
    assert isinstance(piece.content, bytes)
    path = folder / piece.name
    path.write_bytes(piece.content)
    done = subprocess.run(["tshark", "-r", path, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_tshark_reads_frames_times_and_the_comments_of_steps(tmp_path: Path) -> None:
    piece = _capture(frames(arp("client", "firewall"), segment("client", "firewall"), segment("client", "firewall")))
    fields = ("-e", "frame.time_epoch", "-e", "frame.interface_name", "-e", "frame.comment")
    assert piece.name == "gw-eth0.pcapng"
    assert _tshark(piece, tmp_path, "-T", "fields", *fields) == [
        "1000.000000000\tgw:eth0\tstep 1: Given a client",
        "1000.001000000\tgw:eth0\t",
        "1000.002000000\tgw:eth0\tstep 2: When it asks",
    ]
    told = subprocess.run(["capinfos", "-k", tmp_path / piece.name], capture_output=True, text=True, check=True).stdout
    assert "SNS-X-01 of run r, at gw:eth0; step 1: Given a client; step 2: When it asks; step 3: Then it is answered" in told


def test_scapy_reads_it_too(tmp_path: Path) -> None:
    from scapy.layers.inet import TCP
    from scapy.utils import rdpcap

    (tmp_path / "c.pcapng").write_bytes(bytes(_capture(frames(segment("client", "firewall", b"hello"))).content))  # type: ignore[arg-type]
    (read,) = rdpcap(str(tmp_path / "c.pcapng"))
    assert bytes(read[TCP].payload) == b"hello"
    assert float(read.time) == 1000.0


def test_long_frames_are_shortened_before_any_is_left_out(tmp_path: Path) -> None:
    piece = _capture(frames(*[segment("client", "firewall", bytes(1400))] * 100), limit=20_000)
    assert "cut: of frames longer than 128 bytes the first 128" in piece.what
    assert piece.size <= 20_000
    lengths = _tshark(piece, tmp_path, "-T", "fields", "-e", "frame.len", "-e", "frame.cap_len")
    assert lengths == ["1454\t128"] * 100


def test_of_too_many_frames_the_one_that_is_unlike_the_others_stays(tmp_path: Path) -> None:
    many = [segment("client", "firewall", flags=2, port=port) for port in range(1, 5001)]
    answer = segment("firewall", "client", flags=0x12)
    piece = _capture(frames(*many[:3000], answer, *many[3000:]), limit=50_000)
    assert "of 5001 frames are left out, in the middle of the most frequent kinds" in piece.what
    assert piece.size <= 51_000
    flags = _tshark(piece, tmp_path, "-T", "fields", "-e", "tcp.flags", "-e", "tcp.dstport")
    assert flags[0].endswith("\t1")
    assert flags[-1].endswith("\t5000")
    assert [line for line in flags if line.startswith("0x0012")]
    assert len(flags) > 400


@pytest.mark.parametrize("limit", [0, 100, 1_000])
def test_a_bound_that_is_next_to_nothing_is_kept(limit: int, tmp_path: Path) -> None:
    piece = _capture(frames(*[segment("client", "firewall")] * 100), limit=limit)
    assert piece.size <= limit + 500, "the comments come on top"
    assert len(_tshark(piece, tmp_path)) <= limit // 50


def _blanked(*data: bytes, known: str = SECRET.decode()) -> tuple[list[bytes], int]:
    redaction = Redaction()
    redaction.learn(known)
    clean, found = without_secrets(frames(*data), redaction)
    return [one.data for one in clean], found


def test_a_secret_is_written_over_and_everything_else_stays() -> None:
    (clean,), found = _blanked(segment("client", "firewall", b"GET /?k=" + SECRET + b" HTTP/1.1"))
    assert clean == segment("client", "firewall", b"GET /?k=" + b"*" * len(SECRET) + b" HTTP/1.1")
    assert found == 1


def test_a_secret_in_a_datagram_is_written_over() -> None:
    clean, _ = _blanked(packet("client", "server", 17, b"\0" * 8 + SECRET), arp("client", "server"))
    assert clean == [packet("client", "server", 17, b"\0" * 8 + b"*" * len(SECRET)), arp("client", "server")]


def test_a_secret_over_two_segments_is_found_although_they_came_twice_and_in_the_wrong_order() -> None:
    first, second = SECRET[:8], SECRET[8:]
    start = (1 << 32) - 4  # the numbers begin anew in the middle of it
    one = segment("client", "firewall", first, sequence=start)
    two = segment("client", "firewall", second, sequence=(start + 8) % (1 << 32))
    clean, _ = _blanked(two, one, segment("firewall", "client", b"HTTP/1.1 200 OK"), one, two)
    assert all(first not in data and second not in data for data in clean)
    assert clean[2] == segment("firewall", "client", b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "line", [b"Cookie: sid=8f3a", b"Set-Cookie: sid=8f3a; Secure", b"Authorization: Basic dTpw", b"proxy-authorization: x y"]
)
def test_cookies_and_authorisations_in_clear_http_are_written_over(line: bytes) -> None:
    payload = b"GET / HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n"
    (clean,), _ = _blanked(segment("client", "firewall", payload))
    assert clean == segment("client", "firewall", payload.replace(line, b"*" * len(line)))


def test_the_file_says_that_something_was_written_over(tmp_path: Path) -> None:
    piece = _capture(frames(segment("client", "firewall", SECRET)), SECRET.decode())
    assert piece.what == "capture at gw:eth0; 1 secrets in it were written over with *, so that checksums no longer fit"
    assert isinstance(piece.content, bytes)
    assert SECRET not in piece.content
