"""Captures as files: pcapng with comments, which tshark, Wireshark and scapy read.

Format: draft-ietf-opsawg-pcapng, sections 3.5 and 4.1 to 4.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from lab.capture import Frame

_COMMENT, _INTERFACE_NAME, _RESOLUTION = 1, 2, 9
_NANOSECONDS = b"\x09"
_END = struct.pack("<HH", 0, 0)
OVERHEAD = 32
"""Bytes of a block beside its frame, at the most 3 of padding and comments not counted."""


def pcapng(
    frames: Iterable[Frame],
    *,
    interface: str,
    comment: str,
    comments: Mapping[int, str] | None = None,
    shown: Mapping[int, int] | None = None,
) -> bytes:
    """Frames as a file: one section with a comment, one Ethernet interface, nanosecond times.

    ``comments`` are of single frames, by their place. ``shown`` says of which frames only so many first bytes are kept;
    the file tells their whole length.
    """
    comments, shown = comments or {}, shown or {}
    blocks = [
        _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(_COMMENT, comment.encode()) + _END),
        _block(
            1,
            struct.pack("<HHI", 1, 0, 0)
            + _option(_INTERFACE_NAME, interface.encode())
            + _option(_RESOLUTION, _NANOSECONDS)
            + _END,
        ),
    ]
    for place, frame in enumerate(frames):
        stamp, data = int(frame.time * 1e9), frame.data[: shown.get(place)]
        head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(frame.data))
        told = _option(_COMMENT, comments[place].encode()) + _END if place in comments else b""
        blocks.append(_block(6, head + data + b"\0" * (-len(data) % 4) + told))
    return b"".join(blocks)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
