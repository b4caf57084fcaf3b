"""Distance between regions: frames wait their time between two interfaces. Runs inside the fabric's container.

This kernel has no netem, so a process relays: one pair of AF_PACKET sockets per link, a queue of due times per
direction, and a poll that wakes for the next one. VLAN tags, which the kernel strips from what it hands to packet
sockets, are put back before sending. A bad link makes frames wait up to JITTER seconds more, in order as on a wire, and
loses a share of them, 0 to 1, in each direction.

    python3 -m lab.relay LEFT:RIGHT:SECONDS[:JITTER:LOST-FROM-LEFT:LOST-FROM-RIGHT] ...
"""

from __future__ import annotations

import random
import select
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

PACKET_OUTGOING = 4
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 1 << 4
SO_RCVBUFFORCE = 33
BURST = 64  # frames taken from one side before the other is looked at
AUXDATA = struct.Struct("=IIIHHHH")


@dataclass(slots=True)
class Side:
    """One end of a link: its socket, and the frames that wait to leave by it with the times they may (monotonic s).

    ``delay`` and ``jitter`` (seconds) and ``loss`` (0 to 1) are those of the frames that arrive here.
    """

    socket: socket.socket
    delay: float
    jitter: float = 0.0
    loss: float = 0.0
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)


def open_side(interface: str) -> socket.socket:
    """A non-blocking packet socket that tells VLAN tags in its ancillary data."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    opened.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    opened.setblocking(False)
    opened.bind((interface, 3))
    return opened


def tagged(frame: bytes, ancillary: list[tuple[int, int, bytes]]) -> bytes:
    """The frame as it was on the wire, its 802.1Q tag included."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA and len(data) >= AUXDATA.size:
            status, _, _, _, _, tci, tpid = AUXDATA.unpack_from(data)
            return with_tag(frame, status, tci, tpid)
    return frame


def with_tag(frame: bytes, status: int, tci: int, tpid: int) -> bytes:
    """The frame with the 802.1Q tag that the kernel took out of it and tells beside it; as it is when it had none."""
    if not status & TP_STATUS_VLAN_VALID:
        return frame
    return frame[:12] + struct.pack("!HH", tpid or 0x8100, tci) + frame[12:]


def take(side: Side, other: Side) -> None:
    """Queue what has arrived at one side for the other."""
    for _ in range(BURST):
        try:
            frame, ancillary, _, sender = side.socket.recvmsg(65600, 64)
        except (BlockingIOError, OSError):
            return
        if sender[2] != PACKET_OUTGOING and not (side.loss and random.random() < side.loss):  # noqa: S311 - no secret
            other.waiting.append((_due(side, other), tagged(frame, ancillary)))


def _due(side: Side, other: Side) -> float:
    due = time.monotonic() + side.delay
    if side.jitter:
        due += random.random() * side.jitter  # noqa: S311
        due = max(due, other.waiting[-1][0] if other.waiting else 0.0)
    return due


def send_due(side: Side, now: float) -> float | None:
    """Send what is due; the time until the next frame is, or None."""
    waiting = side.waiting
    while waiting and waiting[0][0] <= now:
        with suppress(OSError):  # a link that is down loses the frame, as a wire does
            side.socket.send(waiting.popleft()[1])
    return waiting[0][0] - now if waiting else None


def main(links: list[str]) -> None:
    """Relay for ever."""
    poller = select.poll()
    sides: dict[int, tuple[Side, Side]] = {}
    for link in links:
        left, right, *quality = link.split(":")
        seconds, jitter, from_left, from_right = (*map(float, quality), 0.0, 0.0, 0.0)[:4]
        pair = Side(open_side(left), seconds, jitter, from_left), Side(open_side(right), seconds, jitter, from_right)
        for one, other in (pair, pair[::-1]):
            sides[one.socket.fileno()] = (one, other)
            poller.register(one.socket, select.POLLIN)
    sys.stdout.write("relaying\n")
    sys.stdout.flush()
    while True:
        now = time.monotonic()
        due = [wait for side, _ in sides.values() if (wait := send_due(side, now)) is not None]
        for descriptor, _ in poller.poll(max(0.0, min(due) * 1000) if due else None):
            take(*sides[descriptor])


if __name__ == "__main__":
    main(sys.argv[1:])
