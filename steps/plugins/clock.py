"""How far the machine's clock may be off, as its kernel knows from whatever keeps it: adjtimex(2)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

SOURCE = "the machine's own clock, UTC"

_UNSYNCHRONISED = 0x40  # STA_UNSYNC of <sys/timex.h>
_REST = 160  # bytes of struct timex behind what is read here; it has 208 where a long has eight


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * _REST),
    )


@dataclass(frozen=True, slots=True)
class Clock:
    """Whether something keeps the clock, and the bound that the kernel gives for its error, in milliseconds."""

    synchronised: bool
    error_ms: float


def look() -> Clock:
    """The clock as it is now. A kernel that does not tell counts as one whose clock nothing keeps."""
    told = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(told)) < 0:
        return Clock(synchronised=False, error_ms=0.0)
    return Clock(synchronised=not told.status & _UNSYNCHRONISED, error_ms=told.maximum_error / 1000)
