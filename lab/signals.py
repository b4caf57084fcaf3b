"""When a request to end is obeyed: not in the midst of what must be whole, ours or Python's own.

A handler that raises does so between any two instructions of the main thread, also between those that take a lock and those
that see to its release. Where Python's own locks are left like that, other threads wait for ever, and with them the end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], object]
_ASKED_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_LOCKING = {"_frozen_importlib", "importlib._bootstrap", "importlib._bootstrap_external", "logging"}
"""Modules that take a lock which all threads need and only then begin the ``try`` that releases it."""
_DROPPING = {"weakref", "_weakrefset"}
"""Modules whose callbacks nobody can hear raise: Python prints that it ignored the exception, and goes on."""
_SHORTLY = 0.001  # s until a signal that came at a bad moment is raised again, with little done since it might have been

_late: dict[int, _Handler] = {}


@contextmanager
def obeying(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    """Have handlers that raise obey signals meanwhile, each as :func:`obeyed` has it. What still waits at the end is heard."""
    before: dict[int, Any] = {number: signal.signal(number, obeyed(handler)) for number, handler in handlers.items()}
    try:
        yield
        for number, obey in list(_late.items()):
            obey(number, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _late.clear()
        _put_back(before)


def obeyed(obey: _Handler) -> _Handler:
    """A handler that has one which raises wait while its exception would leave a lock of Python's locked, or be dropped.

    Takes SIGALRM and the real-time timer while something waits.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        if not _harmful(frame):
            obey(number, frame)
            return
        _late[number] = obey
        signal.signal(signal.SIGALRM, _again)
        signal.setitimer(signal.ITIMER_REAL, _SHORTLY)

    return handler


def _again(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
    late = list(_late)
    _late.clear()
    for one in late:  # to whichever handler is there by now; ours may find the moment as bad as the last
        signal.raise_signal(one)


def _harmful(frame: FrameType | None) -> bool:
    """Whether an exception in this frame, or out of it, would pass through what cannot bear one."""
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    if frame is not None and frame.f_code.co_name in ("__enter__", "__exit__"):
        return True  # it may have taken its lock already, and only who has left it answers for that
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module in _LOCKING or module in _DROPPING or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


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
