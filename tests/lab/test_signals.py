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
from lab.signals import Undisturbed, obeyed

PATIENCE = 5.0  # s that a signal may come late: it takes a call


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


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that is there once what was begun in one of the places came to its own end."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "whole"
    sys.modules.pop("asking", None)


def _ask() -> None:
    signal.raise_signal(signal.SIGUSR1)


def _wait() -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        time.sleep(0.001)


def _import(whole: Path, number: int = signal.SIGUSR1) -> None:
    whole.with_name("asking.py").write_text(
        f"import signal\nfrom pathlib import Path\nsignal.raise_signal({number:d})\nPath({str(whole)!r}).touch()\n"
    )
    importlib.import_module("asking")


def _log(whole: Path) -> None:
    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _ask()
            whole.write_text(record.getMessage())

    logger = logging.Logger("asking")
    logger.addHandler(Asking())
    logger.warning("asked")


def _enter(whole: Path) -> None:
    class Lock:
        def __enter__(self) -> None:
            signal.raise_signal(signal.SIGUSR1)

        def __exit__(self, *_: object) -> None:
            whole.touch()

    with Lock():
        pass


def _forget(whole: Path) -> None:
    class Forgotten:
        def __del__(self) -> None:
            _ask()
            whole.touch()

    weakly = WeakSet([forgotten := Forgotten()])
    del forgotten
    weakly.clear()


PLACES: dict[str, Callable[[Path], None]] = {
    "an import": _import,
    "the logging of a line": _log,
    "the taking of a lock": _enter,
    "what an object that goes does": _forget,
}


def test_elsewhere_it_is_obeyed_at_once() -> None:
    with pytest.raises(Asked):
        _ask()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_waits_for_the_end_of(place: Callable[[Path], None], whole: Path) -> None:
    with pytest.raises(Asked):  # noqa: PT012 - where in it is the question
        place(whole)
        _wait()

    assert whole.exists()
    assert sys.getprofile() is None


def test_one_that_came_in_undisturbed_work_is_obeyed_when_that_is_done() -> None:
    ended = False
    with pytest.raises(Asked):  # noqa: PT012 - where in it is the question
        with Undisturbed():
            signal.raise_signal(signal.SIGINT)
            ended = True
        _wait()

    assert ended


def test_a_generator_in_which_it_came_is_ended_as_by_any_other_exception() -> None:
    class Asking:
        def __del__(self) -> None:
            _ask()

    ended = []

    def work() -> Iterator[None]:
        try:
            asking = Asking()
            del asking
            yield
            _wait()
        finally:
            ended.append(True)

    with pytest.raises(Asked):
        for _ in work():
            pass

    assert ended == [True]


def test_a_second_one_meanwhile_is_no_reason_to_hurry(whole: Path) -> None:
    def ask_twice() -> None:
        with Lock():
            pass

    class Lock:
        def __enter__(self) -> None:
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR1)

        def __exit__(self, *_: object) -> None:
            whole.touch()

    with pytest.raises(Asked):  # noqa: PT012 - where in it is the question
        ask_twice()
        _wait()

    assert whole.exists()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_lets_an_import_end(
    number: signal.Signals, status: int, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: object) -> int:
        _import(whole, number)
        _wait()
        return 0

    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(command, "_run", work)

    assert (command.main(["doctor"]), whole.exists()) == (status, True)


def test_a_test_run_lets_an_import_end(whole: Path, of_pytest: Any) -> None:
    signal.signal(signal.SIGINT, of_pytest)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - where in it is the question
        _import(whole, signal.SIGINT)
        _wait()

    assert whole.exists()
