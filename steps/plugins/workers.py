"""Parallel workers (``pytest -n``): each has an environment of its own, and all write the one record.

The controller, which runs no scenario itself, answers for what a worker cannot do any more: it has interrupted workers take
down what they started before it ends, says what a worker that died was running, and removes what that one left behind.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from lab.signals import obeyed
from reports.entries import Outcome, RecordError
from reports.record import read
from steps.plugins import run_header, surroundings
from steps.plugins.recording import RECORDER

PATIENCE = 60.0  # s that all interrupted workers together have to put back what they changed and to take down their labs

_INTERRUPTED = (int(pytest.ExitCode.INTERRUPTED), 128 + signal.SIGTERM)


def pytest_configure(config: pytest.Config) -> None:
    """Have a worker be interrupted once and no more, and the controller look after the workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config), "rempart-controller")
    elif threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, obeyed(_interrupted))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse one environment for several workers. Raises UsageError."""
    several = (getattr(session.config.option, "numprocesses", None) or 0) > 1
    if several and (mode := session.config.getoption("--lab")) != "fresh":
        raise pytest.UsageError(f"--lab {mode} is for one worker: several would disturb each other in one lab (leave out -n)")


def _interrupted(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal says it, and the controller: that is one request, not two
    raise KeyboardInterrupt


class Controller:
    """What the process that has the workers does for them. Without workers it has nothing to do."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._nodes: list[Any] = []
        self._left_behind = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the run's record is."""
        run_header.tell_worker(self._config, node.workerinput)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """A worker runs."""
        self._nodes.append(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended; one that died has put nothing back."""
        self._nodes = [one for one in self._nodes if one is not node]
        self._left_behind = self._left_behind or bool(error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Say in the record what a worker was running when it died, as far as it began."""
        instance = crashitem.rpartition("::")[2]
        reason = f"the parallel worker {getattr(report, 'node').gateway.id} died while it ran this"  # noqa: B009 - xdist's own
        recorder = self._config.stash[RECORDER]
        with suppress(RecordError):
            begun = read(recorder.folder).scenarios.get(instance)
            if begun is not None and begun.outcome is None:
                recorder.write(Outcome(instance=instance, verdict="error", seconds=0.0, reason=reason, detail=reason))
                vars(report).update(verdict="error", longrepr=reason)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Have interrupted workers end by themselves: left to xdist, one that takes some seconds would be killed."""
        if exitstatus not in _INTERRUPTED or not self._nodes:
            return
        self._left_behind = True
        for node in self._nodes:
            with suppress(ProcessLookupError):
                # Private, and what xdist has asked for when the worker started: nothing else knows the pid.
                os.kill(node.gateway._rinfo().pid, signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        for node in self._nodes:
            with suppress(node.channel.TimeoutError, node.channel.RemoteError, EOFError):
                node.channel.waitclose(max(0.0, deadline - time.monotonic()))

    @pytest.hookimpl(trylast=True, specname="pytest_sessionfinish")
    def pytest_sessionfinish_cleaned(self) -> None:
        """Once xdist has let go of all workers: remove what those that died left behind, while the record can say so."""
        if not self._left_behind:
            return
        try:
            removed = surroundings.remove_abandoned()
        except surroundings.Unusable as why:
            self._event(f"what a parallel worker left behind could not be removed: {why}")
            return
        if removed:
            self._event(f"removed what a parallel worker left behind: {', '.join(removed)}")

    def _event(self, text: str) -> None:
        recorder = self._config.stash[RECORDER]
        if recorder.recorded():
            recorder.event(text)
