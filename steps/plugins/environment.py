"""The environment under test as a fixture: started by the first step that needs it, one for the whole run."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import pytest

from lab.signals import Obeying
from reports import renderings
from reports.entries import Configuration, Coverage, Rules, Topology
from steps.plugins import collection, instances, live, run_header, surroundings
from steps.plugins.recording import RECORDER, ScenarioRecorder
from steps.plugins.verdicts import Told
from steps.verdict import Inconclusive

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

KEEPER = pytest.StashKey["Keeper"]()
KEEPS_EVIDENCE = pytest.StashKey[bool]()
"""On the configuration: whether evidence of scenarios is kept; without a word it is."""
_USED = pytest.StashKey[surroundings.Environment]()
_STEPS = pytest.StashKey["list[tuple[float, str]]"]()
_LOGS_KEPT = pytest.StashKey[bool]()
_TAKE_TURNS = 0.0005  # s, not Python's 5 ms: the end of a lab is many short waits, after each of which it would wait so long


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which lab, and what may be done to it."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--lab",
        choices=("fresh", "keep", "attach"),
        default="fresh",
        help="a lab of its own (fresh), one that stays afterwards (keep), or the one that runs (attach)",
    )
    group.addoption("--run", metavar="ID", help="with --lab attach: which lab, when several run")
    group.addoption(
        "--failovers",
        type=_one_at_least,
        default=1,
        metavar="N",
        help="how often each failover is repeated, for a distribution",
    )
    group.addoption(
        "--flow-rate", type=_one_at_least, default=200, metavar="N", help="messages a second of each flow while members change"
    )


def _one_at_least(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is too few: write a whole number, 1 at least")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """Keep an environment, and let a terminated run tear down what it started, as an interrupted one does."""
    config.stash[KEEPER] = Keeper(config)
    if threading.current_thread() is not threading.main_thread():
        return
    handlers: dict[signal.Signals, Any] = {signal.SIGTERM: _terminated}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and not hasattr(config, "workerinput"):
        handlers[signal.SIGINT] = signal.default_int_handler
    meanwhile = ExitStack()
    meanwhile.enter_context(Obeying(handlers))
    config.add_cleanup(meanwhile.close)


def _terminated(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked once is enough: the teardown must not be cut short
    pytest.exit("terminated", returncode=128 + number)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the environment cannot do, with the reason."""
    if collection.template_of(item) is None or item.get_closest_marker("not_applicable"):
        return
    if reason := live.reason_to_leave_out(item):
        pytest.skip(reason)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    """Remember when each step began, to tell by it what was captured or run in which."""
    request.node.stash.setdefault(_STEPS, []).append((time.time(), f"{step.keyword.strip()} {step.name}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the evidence of the scenario that ran, before anything is put back."""
    failed = stopped = False
    try:
        return (yield)
    except (pytest.exit.Exception, KeyboardInterrupt):
        stopped = True  # told to stop: no more work than the teardown
        raise
    except pytest.skip.Exception:
        raise
    except BaseException as why:
        if surroundings.is_not_here(why):
            pytest.skip(str(why))
        failed = True
        raise
    finally:
        used = item.stash.get(_USED, None)
        kept = item.config.stash.get(KEEPS_EVIDENCE, True)
        if used is not None and not stopped and kept and collection.template_of(item):
            title = f"{item.nodeid} of run {item.config.stash[RECORDER].folder.name}"
            steps = item.stash.setdefault(_STEPS, [])
            _keep(item, surroundings.evidence(used, title, steps))
            for site, seen in used.exercised().items():
                entry = Coverage(instance=item.name, site=site, touched=dict(seen.places), whole=seen.whole)
                item.config.stash[RECORDER].write(entry)
            if failed:
                keep_logs(item)


def keep_logs(item: pytest.Item) -> None:
    """Keep the logs of the hosts that took part in a scenario that failed, once."""
    used = item.stash.get(_USED, None)
    if used is not None and not item.stash.get(_LOGS_KEPT, False) and item.config.stash.get(KEEPS_EVIDENCE, True):
        item.stash[_LOGS_KEPT] = True
        _keep(item, surroundings.logs(used))


def _keep(item: pytest.Item, pieces: Iterable[surroundings.Piece]) -> None:
    recorder, begun = item.config.stash[RECORDER], time.monotonic()
    record = ScenarioRecorder(recorder, item.name)
    try:
        for piece in pieces:
            record.keep(piece.name, piece.content, what=piece.what)
    except surroundings.Unusable as why:
        recorder.event(f"{item.name}: its evidence is not whole: {why}")
    recorder.not_counted(time.monotonic() - begun)


class Keeper:
    """Has the one environment of the run: starts it when first asked, and anew when it can no longer be trusted."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = ExitStack()
        self._running: surroundings.Environment | None = None
        self._failure = ""
        self._spoiled = ""

    def environment(self) -> surroundings.Environment:
        """The running environment.

        Raises Told when it does not start, then and ever after; Inconclusive when it was left changed and is not ours
        to start anew.
        """
        if self._failure:
            raise Told(self._failure)
        if self._spoiled:
            self._renew()
        if self._running is None:
            self._running = self._start()
        return self._running

    @property
    def is_spoiled(self) -> bool:
        """Whether the environment is not what the plan says, and the next scenario gets another one, if it can."""
        return bool(self._spoiled)

    def spoil(self, why: str) -> None:
        """The environment is no longer what the plan says."""
        self._spoiled = self._spoiled or why
        self._config.stash[RECORDER].event(f"the environment is not as planned any more: {why}")

    def close(self) -> None:
        """Take down what was started."""
        begun = time.monotonic()
        running, self._running = self._running, None
        try:
            if running is not None:
                self._record_configurations(running, "end")
        finally:
            self._started.close()
            self._config.stash[RECORDER].not_counted(time.monotonic() - begun)

    def _renew(self) -> None:
        if self._config.getoption("--lab") != "fresh" or live.asked(self._config) is not None:
            raise Inconclusive(f"the environment is not as planned any more: {self._spoiled}")
        self.close()
        self._spoiled = ""
        self._config.stash[RECORDER].event("the environment is started anew")

    def _start(self) -> surroundings.Environment:
        recorder, begun = self._config.stash[RECORDER], time.monotonic()
        try:
            running = self._started.enter_context(self._opened())
        except surroundings.Unusable as why:
            recorder.not_counted(time.monotonic() - begun)
            self._failure = f"the environment did not start: {why}"
            raise Told(self._failure) from None
        running.hide(*run_header.known_secrets(self._config).known)
        recorder.redact = running.redact
        recorder.environment_up(running.kind, running.capabilities, time.monotonic() - begun)
        outline = surroundings.outline(instances.deployment_of(self._config))
        sites, segments, hosts, tunnels = (
            tuple(map(dict, outline.get(name, ()))) for name in ("sites", "segments", "hosts", "tunnels")
        )
        recorder.write(Topology(sites=sites, segments=segments, hosts=hosts, tunnels=tunnels))
        for site, places in running.rules().items():
            recorder.write(Rules(site=site, places=dict(places)))
        self._record_configurations(running, "start")
        return running

    def _opened(self) -> AbstractContextManager[surroundings.Environment]:
        deployment, real = instances.deployment_of(self._config), live.asked(self._config)
        if real is not None:
            return surroundings.open_deployment_itself(deployment, cloud=real.cloud, reach=real.reach, progress=self._progress)
        return surroundings.open_environment(
            deployment,
            lab=self._config.getoption("--lab"),
            run=self._config.getoption("--run"),
            progress=self._progress,
        )

    def _record_configurations(self, running: surroundings.Environment, moment: Literal["start", "end"]) -> None:
        recorder = self._config.stash[RECORDER]
        try:
            members = surroundings.members(running)
        except surroundings.Unusable as why:
            recorder.event(f"the configuration of the firewalls at the {moment} is not known: {why}")
            return
        for one in members:
            recorder.write(
                Configuration(
                    member=one.name,
                    site=one.site,
                    moment=moment,
                    firmware=one.firmware,
                    sha256=run_header.hash_of_list(one.files),
                    files=dict(one.files),
                )
            )

    def _progress(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if reporter is None or capture is None or self._config.get_verbosity() < 0:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {text}")


@pytest.fixture(scope="session")
def _kept(pytestconfig: pytest.Config) -> Iterator[Keeper]:
    """The keeper, who closes when the last test has ended; the renderings are got ready while the lab goes."""
    try:
        yield pytestconfig.stash[KEEPER]
    finally:
        gc.freeze()  # what is here stays until the process ends: to look through it for garbage again takes half a second
        if not hasattr(pytestconfig, "workerinput"):  # what a worker recorded is rendered by the controller
            sys.setswitchinterval(_TAKE_TURNS)
            threading.Thread(target=renderings.prepare, name="renderings").start()
        pytestconfig.stash[KEEPER].close()


@pytest.fixture
def environment(request: pytest.FixtureRequest, _kept: Keeper) -> surroundings.Environment:
    """The running deployment. What keeps it from starting is told once, without a trace of code."""
    running = request.node.stash[_USED] = _kept.environment()
    running.begin_scenario()
    return running
