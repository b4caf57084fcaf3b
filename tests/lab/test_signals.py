"""A request to end is obeyed where its exception does no harm: not in the midst of what must be whole."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from cli import main as command
from lab.signals import Undisturbed, obeyed, obeying

PATIENCE = 5.0  # s that a signal may come late: it takes a few thousandths


class Asked(BaseException):
    """What the handler raises."""


def _raise(number: int, frame: object) -> None:
    raise Asked


@pytest.fixture(autouse=True)
def of_pytest() -> Iterator[object]:
    """Have SIGUSR1 and Ctrl-C raise, where that does no harm; the handler of Ctrl-C that this test run has."""
    before = {number: signal.signal(number, obeyed(_raise)) for number in (signal.SIGUSR1, signal.SIGINT)}
    yield before[signal.SIGINT]
    for number, handler in before.items():
        signal.signal(number, handler)


def _ask() -> None:
    signal.raise_signal(signal.SIGUSR1)


def _wait() -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        time.sleep(0.001)


def _import(folder: Path, number: int = signal.SIGUSR1) -> bool:
    (folder / "asking.py").write_text(f"import signal\nsignal.raise_signal({number:d})\nwhole = True\n")
    sys.path.insert(0, str(folder))
    try:
        return bool(importlib.import_module("asking").whole)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("asking", None)


def _log(folder: Path) -> bool:
    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _ask()
            lines.append(record.getMessage())

    lines: list[str] = []
    logger = logging.Logger("asking")
    logger.addHandler(Asking())
    logger.warning("asked")
    return lines == ["asked"]


def _enter(folder: Path) -> bool:
    class Lock:
        taken = False

        def __enter__(self) -> None:
            self.taken = True
            signal.raise_signal(signal.SIGUSR1)

        def __exit__(self, *_: object) -> None:
            self.taken = False

    lock = Lock()
    with lock:
        pass
    return not lock.taken


def _forget(folder: Path) -> bool:
    class Forgotten:
        def __del__(self) -> None:
            _ask()
            gone.append(True)

    gone: list[bool] = []
    weakly = WeakSet([forgotten := Forgotten()])
    del forgotten
    return gone == [True] and not weakly


PLACES: dict[str, Callable[[Path], bool]] = {
    "an import": _import,
    "the logging of a line": _log,
    "the taking of a lock": _enter,
    "what an object that goes does": _forget,
}


def test_elsewhere_it_is_obeyed_at_once() -> None:
    with pytest.raises(Asked):
        _ask()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_waits_for_the_end_of(place: Callable[[Path], bool], tmp_path: Path) -> None:
    whole = False
    with pytest.raises(Asked):  # noqa: PT012 - where in it is the question
        whole = place(tmp_path)
        _wait()

    assert whole


def test_one_that_waits_is_then_heard_by_whoever_is_there(tmp_path: Path) -> None:
    ended = False
    with pytest.raises(Asked):  # noqa: PT012 - where in it is the question
        _import(tmp_path, number=signal.SIGINT)
        with Undisturbed():
            for _ in range(50):  # longer than it waits
                time.sleep(0.001)
            ended = True
        _wait()

    assert ended


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_lets_an_import_end(
    number: signal.Signals, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[bool] = []

    def work(_: object) -> int:
        whole.append(_import(tmp_path, number=number))
        _wait()
        return 0

    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(command, "_run", work)

    assert (command.main(["doctor"]), whole) == (status, [True])


def test_one_that_still_waits_at_the_end_is_heard_there() -> None:
    with pytest.raises(Asked), obeying({signal.SIGUSR2: _raise}):
        exec(compile("signal.raise_signal(signal.SIGUSR2)", "", "exec"), {"__name__": "logging", "signal": signal})  # noqa: S102
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL


def test_a_test_run_lets_an_import_end(tmp_path: Path, of_pytest: Any) -> None:
    signal.signal(signal.SIGINT, of_pytest)
    whole = False
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - where in it is the question
        whole = _import(tmp_path, number=signal.SIGINT)
        _wait()

    assert whole
