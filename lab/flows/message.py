"""A message of a flow: whose it is, its number; and when something came, by the kernel's own clock.

The time at which a message was sent is kept by its sender (:mod:`lab.flows.memory`); both ends are one process.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

MARK = b"rmpt"
_FORM = struct.Struct("!4sHHQ")  # mark, flow, direction, number
LEAST = _FORM.size

DSCP = 0x2A  # marks our packets on their way, so that the far host can tell them from its own servers' (no standard class)
TOS = DSCP << 2

_SO_TIMESTAMPNS = 35
_NANOSECONDS = struct.Struct("@qq")
_RCVBUFFORCE = 33
_QUEUE = 4 << 20  # bytes: seconds of a flow, should the instrument be late to read


def encode(flow: int, direction: int, number: int, size: int) -> bytes:
    """The message, filled up to its size."""
    return _FORM.pack(MARK, flow, direction, number).ljust(size, b".")


def decode(data: bytes) -> tuple[int, int, int] | None:
    """Flow, direction and number of a message; None for what is none of ours."""
    if len(data) < LEAST or not data.startswith(MARK):
        return None
    _, flow, direction, number = _FORM.unpack_from(data)
    return flow, direction, number


def prepare(opened: socket.socket) -> socket.socket:
    """The socket as flows need it: it waits for nobody, keeps much, and says when each packet came."""
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _QUEUE)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return opened


def received(opened: socket.socket, size: int = 2048) -> Iterator[tuple[bytes, tuple[str, int], int]]:
    """What has come on a socket: data, from where, and when (monotonic ns). Raises OSError when the socket is broken."""
    while True:
        try:
            data, notes, _, origin = opened.recvmsg(size, 64)
        except BlockingIOError:
            return
        yield data, origin, _moment(notes)


def _moment(notes: list[tuple[int, int, bytes]]) -> int:
    # Both clocks are read now, so that a step of the wall clock is not taken for a silence.
    now = time.monotonic_ns()
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _NANOSECONDS.unpack(value)
            waited: int = time.time_ns() - seconds * 1_000_000_000 - nanoseconds
            return now - max(0, waited)
    return now


class Reader:
    """Messages of one size out of a stream of bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now."""
        data = self._rest + data
        whole = len(data) - len(data) % self._size
        self._rest = data[whole:]
        return (data[at : at + self._size] for at in range(0, whole, self._size))
