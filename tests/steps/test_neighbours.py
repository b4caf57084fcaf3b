"""Which frames are answers to a question by ARP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from lab.capture import Frame
from steps import neighbours
from steps.frames import broadcast

ADDRESS = IPv4Address("203.0.113.9")
MAC = bytes.fromhex("020000000009")


def arp(*, operation: int = 2, sender: IPv4Address = ADDRESS, target: str = "0.0.0.0", kind: bytes = b"\x08\x06") -> Frame:
    head = bytes.fromhex("020000000001") + MAC + kind + bytes.fromhex("000108000604")  # Ethernet, then ARP
    return Frame(0.0, head + operation.to_bytes(2, "big") + MAC + sender.packed + bytes(6) + IPv4Address(target).packed)


@dataclass
class Wire:
    """A capture that holds these frames."""

    frames: Sequence[Frame]

    def since(self, cursor: int) -> Sequence[Frame]:
        """The frames."""
        return self.frames[cursor:]


@pytest.mark.parametrize(
    ("frame", "answers"),
    [
        pytest.param(arp(), ["02:00:00:00:00:09"], id="an answer to nobody in particular"),
        pytest.param(arp(operation=1), [], id="a question"),
        pytest.param(arp(sender=IPv4Address("203.0.113.8")), [], id="an answer for another address"),
        pytest.param(arp(target="203.0.113.1"), [], id="an answer to the host's own question"),
        pytest.param(arp(target="203.0.113.9"), [], id="an announcement"),
        pytest.param(arp(kind=b"\x08\x00"), [], id="no ARP"),
    ],
)
def test_only_answers_to_the_probe_count(frame: Frame, answers: list[str]) -> None:
    assert list(neighbours._answers(Wire([frame]), ADDRESS)) == answers  # type: ignore[arg-type]


def test_a_frame_is_tagged_from_the_outside_in() -> None:
    frame = broadcast("02:00:00:00:00:01", (200, 201), b"token")
    assert frame[:14] == b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x81\x00"
    assert frame[14:22] == bytes.fromhex("00c8810000c988b5")
    assert len(frame) == 12 + 8 + 2 + 46
