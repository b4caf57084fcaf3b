"""When a request to end is obeyed: not in the midst of what must be whole, ours or Python's own.

A handler that raises does so between any two instructions of the main thread, also between those that take a lock and those
that see to its release. Where Python's own locks are left like that, other threads wait for ever, and with them the end.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], object]
_ASKED_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_LOCKING = {"_frozen_importlib", "importlib._bootstrap", "importlib._bootstrap_external", "logging"}
"""Modules that take a lock which all threads need and only then begin the ``try`` that releases it."""
_DROPPING = {"weakref", "_weakrefset"}
"""Modules whose callbacks nobody can hear raise: Python prints that it ignored the exception, and goes on."""


class Obeying:
    """Has handlers that raise obey signals meanwhile, each as :func:`obeyed` has it."""

    def __init__(self, handlers: Mapping[signal.Signals, _Handler]) -> None:
        self._handlers = handlers
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number, handler in self._handlers.items():
            self._before[number] = signal.signal(number, obeyed(handler))

    def __exit__(self, *_: object) -> None:
        _put_back(self._before)


def obeyed(obey: _Handler) -> _Handler:
    """A handler that has one which raises wait while its exception would leave a lock of Python's locked, or be dropped.

    Takes the main thread's profile function while something waits; where a profiler has it nothing does.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        profile = sys.getprofile()
        if isinstance(profile, _Waiting):
            profile.numbers.append(number)
        elif profile is None and (harmful := _harmful(frame)) is not None:
            sys.setprofile(_Waiting(harmful, number))
        else:
            obey(number, frame)

    return handler


class _Waiting:
    """Raises signals again at the first call after a frame was left, for whichever handler is there by then."""

    def __init__(self, frame: FrameType, number: int) -> None:
        self._frame = frame
        self._left = False
        self.numbers = [number]

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002 - the form of a profile function
        if event == "return" and frame is self._frame:
            self._left = True
        # Not at a return: one that is a generator's `yield` would be kept from its own `finally`.
        elif self._left and event in ("call", "c_call"):
            sys.setprofile(None)
            for number in self.numbers:
                signal.raise_signal(number)


def _harmful(frame: FrameType | None) -> FrameType | None:
    """The outermost frame that cannot bear an exception in this one, or out of it; None when all can."""
    if frame is not None and frame.f_code is _Waiting.__call__.__code__:
        frame = frame.f_back
    # At its begin and its end a lock may be taken already, or still; only who is past it answers for that.
    found = frame if frame is not None and frame.f_code.co_name in ("__enter__", "__exit__") else None
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module in _LOCKING or module in _DROPPING or frame.f_code.co_name == "__del__":
            found = frame
        frame = frame.f_back
    return found


class Undisturbed:
    """Has a first request to end wait until this is over; a second one is obeyed at once.

    Signals reach the main thread alone: in any other this does nothing.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._heard: list[int] = []

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _ASKED_TO_END:
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._note)

    def __exit__(self, *_: object) -> None:
        _put_back(self._before)
        for late in self._heard:
            signal.raise_signal(late)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the handler's form
        self._heard.append(number)
        _put_back(self._before)


def _put_back(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
