"""Frames that a packet socket holds, many at once: a call to the kernel for each costs more than all that is made of it."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct

from lab.relay import with_tag

MANY = 64
"""Frames that one call takes at the most."""

_HEADER = struct.Struct("=QI4xQQQQI4xI4x")  # struct mmsghdr: where name, data and notes are, flags, and the length that came
_PLACE = struct.Struct("=QQ")  # struct iovec
_NOTED = struct.Struct("=16xqq16xI12xHH")  # SO_TIMESTAMPNS, then of PACKET_AUXDATA the tag; each after its struct cmsghdr
_ROOM = 128  # bytes for the notes of a frame
_WORDS, _LENGTH = _HEADER.size // 4, 14  # of four bytes: a header has so many, and this one is the length

_libc = ctypes.CDLL(None, use_errno=True)


class FrameReader:
    """Reads a socket that has both SO_TIMESTAMPNS and PACKET_AUXDATA on; no frame is longer than ``longest`` bytes."""

    def __init__(self, opened: socket.socket, longest: int) -> None:
        self._socket = opened
        self._longest = longest
        self._data = mmap.mmap(-1, MANY * longest)  # pages that no frame has come to cost nothing
        self._notes = bytearray(MANY * _ROOM)
        data, notes = (ctypes.addressof(ctypes.c_char.from_buffer(room)) for room in (self._data, self._notes))
        self._places = bytearray().join(_PLACE.pack(data + n * longest, longest) for n in range(MANY))
        places = ctypes.addressof(ctypes.c_char.from_buffer(self._places))
        self._fresh = b"".join(
            _HEADER.pack(0, 0, places + n * _PLACE.size, 1, notes + n * _ROOM, _ROOM, 0, 0) for n in range(MANY)
        )
        self._headers = bytearray(self._fresh)
        self._at = ctypes.addressof(ctypes.c_char.from_buffer(self._headers))
        self._words = memoryview(self._headers).cast("I")

    def read(self) -> list[tuple[float, bytes]]:
        """The first :data:`MANY` of the frames that are there: when (s since the epoch), and as on the wire, tag included.

        Raises OSError when the socket is broken.
        """
        self._headers[:] = self._fresh
        came = _libc.recvmmsg(self._socket.fileno(), ctypes.c_void_p(self._at), MANY, socket.MSG_DONTWAIT, None)
        if came < 0:
            if (why := ctypes.get_errno()) != errno.EAGAIN:
                raise OSError(why, os.strerror(why))
            return []
        lengths = self._words[_LENGTH : came * _WORDS : _WORDS].tolist()
        return [self._frame(number, length) for number, length in enumerate(lengths)]

    def _frame(self, number: int, length: int) -> tuple[float, bytes]:
        begin = number * self._longest
        seconds, nanoseconds, status, tci, tpid = _NOTED.unpack_from(self._notes, number * _ROOM)
        at = seconds + nanoseconds / 1e9
        return at, with_tag(self._data[begin : begin + length], status, tci, tpid)
