"""Captures that are always on: a tap is a packet socket on a wire, and the kernel holds what nobody has read yet.

A tap is ready the moment it exists, so nothing can be missed at its start, and it needs no process. To read it up to
now, a marker frame is sent over the same wire and awaited: what precedes the marker is complete, and the marker's
arrival proves that the tap was alive. Frames that the kernel had to drop make the capture incomplete, loudly.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import namespace
from lab.errors import CaptureIncomplete, LabError
from lab.frame_reader import MANY, FrameReader
from lab.relay import PACKET_AUXDATA, SOL_PACKET

PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_MR_PROMISC = 1, 6, 1
SO_TIMESTAMPNS = 35
_ATTACH_FILTER, _DETACH_FILTER, _RETURN = 26, 27, 0x06  # SO_ATTACH_FILTER, SO_DETACH_FILTER, BPF_RET
MARKER = 0x88B6  # IEEE 802 local experimental ethertype 2: no host of a lab listens to it
SNAPSHOT = 65600  # bytes: no frame of a wire is longer
BUFFER = 64 << 20  # bytes of kernel queue: about 80,000 small packets between two readings
MARKER_WITHIN = 5.0  # s

_MARKER = struct.pack("!H", MARKER)


@dataclass(frozen=True, slots=True)
class Frame:
    """A captured frame: ``time`` in seconds since the epoch by the kernel's clock, ``data`` as on the wire."""

    time: float
    data: bytes


class Tap:
    """A capture of one wire: all that crosses an interface of the fabric, in both directions."""

    def __init__(self, pid: int, interface: str, name: str) -> None:
        self.name = name
        self._frames: list[Frame] = []
        self._zero = 0
        self._dropped = 0
        self._paused = False
        self._socket = namespace.packet_socket(pid, interface, buffer=BUFFER)
        self._marker = namespace.packet_socket(pid, interface)  # a socket does not see what itself sends
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._reader = FrameReader(self._socket, SNAPSHOT)
        index = namespace.inside(pid, lambda: socket.if_nametoindex(interface))
        # Promiscuous, so that a bridge hands over what it forwards between its ports too.
        self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("=IHH8s", index, PACKET_MR_PROMISC, 0, b""))

    def mark(self) -> int:
        """A cursor: everything captured from here on has an index of at least this. Reads the tap up to now."""
        self._read_to_marker()
        return len(self._frames) - self._zero

    def restart(self) -> None:
        """Cursors start at 0 again, from now; what was captured before stays, for :meth:`whole`."""
        self._read_to_marker()
        self._zero = len(self._frames)

    def since(self, cursor: int) -> list[Frame]:
        """All frames since a cursor, up to now. Raises CaptureIncomplete when the kernel dropped any."""
        return self.whole()[self._zero + cursor :]

    def whole(self) -> list[Frame]:
        """All frames since :meth:`forget`, up to now. Raises CaptureIncomplete when the kernel dropped any."""
        self._read_to_marker()
        if self._dropped:
            raise CaptureIncomplete(f"{self.name}: {self._dropped} frames were dropped before they could be read")
        return self._frames

    def forget(self) -> None:
        """Free what has been captured; cursors start at 0 again."""
        self._read_to_marker()
        self._frames.clear()
        self._zero = self._dropped = 0

    def pause(self) -> None:
        """See nothing until :meth:`resume`, for traffic that is more than anyone reads; what was captured before stays."""
        self._read_to_marker()
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(nothing)))
        self._paused = True

    def resume(self) -> None:
        """Capture again; no error when it was not paused."""
        if self._paused:
            self._socket.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
            self._paused = False

    def close(self) -> None:
        """End the capture."""
        self._socket.close()
        self._marker.close()

    def _read_to_marker(self) -> None:
        if self._paused:
            return
        token, deadline = self._send_marker(), time.monotonic() + MARKER_WITHIN
        while not self._take(token):
            if self._count_dropped():
                token = self._send_marker()  # the queue was full: the marker may be among what found no room
            elif not select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise LabError(f"{self.name}: the capture no longer sees its own wire")
        self._count_dropped()

    def _send_marker(self) -> bytes:
        token = os.urandom(16)
        self._marker.send(b"\x02\x00\x00\x00\x00\x02" * 2 + _MARKER + token.ljust(46, b"\0"))
        return token

    def _take(self, token: bytes = b"") -> bool:
        """Take what the kernel holds, up to the marker with this token; whether it was met."""
        append, met, full = self._frames.append, False, True
        while full and not met:
            frames = self._reader.read()
            for at, data in frames:
                if data[12:14] != _MARKER:
                    append(Frame(at, data))
                elif token and token in data:
                    met = True
            full = len(frames) == MANY
        return met

    def _count_dropped(self) -> int:
        """How many frames the kernel has dropped since it was last asked."""
        dropped: int = struct.unpack("=II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        self._dropped += dropped
        return dropped


def close_all(taps: Iterable[Tap]) -> None:
    """End captures side by side: the kernel lets each packet socket wait some 15 ms until nobody uses it any more."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        list(pool.map(Tap.close, taps))


def let_go(taps: Iterable[Tap]) -> None:
    """End captures that were read for the last time, without waiting for the kernel."""
    for tap in taps:
        namespace.close_later(tap.close)


def timestamp(ancillary: Iterable[tuple[int, int, bytes]]) -> float:
    """When the kernel saw a frame (SO_TIMESTAMPNS), in seconds since the epoch."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("=qq", data[:16])
            return float(seconds + nanoseconds / 1e9)
    return time.time()
