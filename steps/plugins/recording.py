"""Writes the run's record as the run goes, and gives steps the ``record`` fixture.

The run's folder is made when the first scenario begins, so that runs of other tests leave nothing. Parallel workers all
append to the one record; the controller ends it, renders it, and has it sealed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reports import entries, renderings, summary
from reports.entries import End, Entry, EnvironmentUp, Event, Observation, Outcome, Plan, RecordError, Verdict
from reports.record import Record, Writer, read
from reports.seal import SealFailed
from steps.eventually import SYSTEM_CLOCK, Clock, late, watch
from steps.plugins import collection, controls, gating, live, run_header, sealing, sharding, verdicts
from steps.verdict import Inconclusive, Prediction, Refuted, words

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

T = TypeVar("T")

RECORD_LOST = 9
"""Exit status of a run whose record could not be written: without it the run proves nothing."""

RECORDER = pytest.StashKey["Recorder"]()
_KEPT_ARGUMENTS = (str, int, float, bool)
_TABLE = "datatable"  # a list; other lists among a step's arguments are not from its text, and may be long


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs are recorded, and who runs them."""
    group = parser.getgroup("rempart", "testing a deployment")
    default = run_header.DEFAULT_RUNS
    group.addoption("--runs", metavar="DIR", help=f"where each run gets its folder (default: {default})")
    group.addoption("--operator", metavar="NAME", default="", help="who runs this, for the record")
    group.addoption("--role", metavar="ROLE", default="", help="what that person is to the deployment, for the record")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the recorder; nothing is written yet."""
    config.stash[RECORDER] = Recorder(config)
    config.pluginmanager.register(config.stash[RECORDER], "rempart-recorder")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the record's file, also when the run was cut short."""
    config.stash[RECORDER].close()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> ScenarioRecorder:
    """What a step tells the record: observations, and files of evidence."""
    return ScenarioRecorder(request.config.stash[RECORDER], request.node.name)


class ScenarioRecorder:
    """The record, from the point of view of one instance of a scenario."""

    def __init__(self, recorder: Recorder, instance: str) -> None:
        self._recorder = recorder
        self._instance = instance

    def observe(
        self,
        what: str,
        *,
        expected: object,
        observed: object,
        holds: bool | None = None,
        prediction: Prediction | None = None,
        evidence: Iterable[str] = (),
    ) -> None:
        """Record what was expected and seen. Raises Refuted when it does not hold (by default: when they differ)."""
        refuted = None
        if not (expected == observed if holds is None else holds):
            refuted = Refuted(
                expected=f"{what}: {expected}", observed=observed, prediction=prediction, evidence=tuple(evidence)
            )
        self._write(what, expected, observed, refuted, words(prediction))

    def eventually(
        self,
        what: str,
        observe: Callable[[], T],
        *,
        within: float,
        until: Callable[[T], object] = bool,
        expected: object = "",
        prediction: Prediction | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> T:
        """``steps.eventually`` whose outcome is recorded, with how many looks and seconds it took. Raises Refuted."""
        seen = watch(observe, until=until, within=within, clock=clock)
        refuted = None
        if not seen.satisfied:
            refuted = late(seen, within=within, phase=what, expected=expected, prediction=prediction)
        wanted = f"{expected or what} within {within:g} s"
        self._write(what, wanted, seen.seen, refuted, words(prediction), attempts=seen.attempts, seconds=seen.seconds)
        return seen.seen

    def _write(
        self,
        what: str,
        expected: object,
        observed: object,
        refuted: Refuted | None,
        predicted: str,
        *,
        attempts: int = 1,
        seconds: float = 0.0,
    ) -> None:
        self._recorder.write(
            Observation(
                instance=self._instance,
                step=self._recorder.step_number,
                what=what,
                expected=expected,
                observed=observed,
                verdict="fail" if refuted else "pass",
                predicted=predicted,
                attempts=attempts,
                seconds=round(seconds, 3),
            )
        )
        if refuted:
            self._recorder.told = refuted
            raise refuted

    def write(self, make: Callable[[str, int], Entry]) -> None:
        """Record an entry of another kind, made of the instance's name and the step's number."""
        self._recorder.write(make(self._instance, self._recorder.step_number))

    def keep(self, name: str, content: str | bytes, *, what: str = "") -> str:
        """Keep a file as evidence; its path relative to the run's folder, for ``evidence=``."""
        return self._recorder.keeping(
            lambda writer: writer.keep(self._instance, self._recorder.step_number, name, content, what=what)
        )

    def room_for(self, name: str) -> Path:
        """A free path among the evidence, for a file that somebody else writes; ``attach`` it then."""
        return self._recorder.keeping(lambda writer: writer.room_for(self._instance, name))

    def attach(self, path: Path, *, what: str = "") -> str:
        """Enter a file that was written to ``room_for``; its path relative to the run's folder."""
        return self._recorder.keeping(lambda writer: writer.attach(self._instance, self._recorder.step_number, path, what=what))


@dataclass(slots=True)
class _OpenStep:
    instance: str
    step: Step
    begun: float
    observed: bool = False


class Recorder:
    """Follows the run and writes it down."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.redact: Callable[[str], str] | None = None
        self.step_number = 0
        self.told: Refuted | None = None  # the last refutation that stands in the record already
        self._writer: Writer | None = None
        self._begun = time.monotonic()
        self._not_counted = 0.0
        self._open: _OpenStep | None = None
        self._plan = Plan(planned=())
        self._deselected: list[pytest.Item] = []
        self._only_ours = True
        self._lost = ""
        self._ended: Record | None = None

    # The record

    @property
    def folder(self) -> Path:
        """The run's folder, which exists once something was written."""
        return run_header.folder_of(self.config)

    def keeping(self, act: Callable[[Writer], T]) -> T:
        """Do something with the open record. When that fails the run ends: it could not be proven any more."""
        try:
            return act(self._opened())
        except RecordError as why:
            self._lost = str(why)
            pytest.exit(f"the record cannot be written: {why}", returncode=RECORD_LOST)

    def write(self, entry: Entry) -> None:
        """Append an entry."""
        if self._open is not None and isinstance(entry, Observation):
            self._open.observed = True
        if not self._lost:
            self.keeping(lambda writer: writer.write(entry))

    def _opened(self) -> Writer:
        if self._writer is None:
            worker = getattr(self.config, "workerinput", {}).get("workerid", "")
            self._writer = Writer(self.folder, worker=worker)
            self._writer.redact = run_header.known_secrets(self.config).text
            self._writer.open(self._opening)
        if self.redact is not None:
            self._writer.redact = self.redact
        return self._writer

    def _opening(self) -> list[Entry]:
        config, planned = self.config, self._plan.planned
        told = [*sharding.entry(config), *live.opening(config), *controls.opening(config, planned), *gating.opening(config)]
        return [run_header.header(config, self.folder.name), self._plan, *told]

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()

    # The run

    def environment_up(self, kind: str, capabilities: Iterable[str], seconds: float) -> None:
        """The environment under test is ready, after so many seconds that no step has to answer for."""
        self.not_counted(seconds)
        self.write(EnvironmentUp(kind=kind, capabilities=tuple(sorted(capabilities)), seconds=round(seconds, 3)))

    def not_counted(self, seconds: float) -> None:
        """This time went by in the middle of a step or scenario, and is not theirs."""
        self._not_counted += seconds

    def event(self, text: str) -> None:
        """Something happened to the run itself."""
        self.write(Event(text=text))

    def _now(self) -> float:
        return time.monotonic() - self._not_counted

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember what is going to run."""
        ours = [item for item in session.items if collection.template_of(item)]
        self._plan = run_header.plan(self.config, ours, self._deselected)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember what was left out on request."""
        self._deselected += [item for item in items if not sharding.elsewhere(self.config, item)]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What could not be collected is pytest's to tell."""
        self._only_ours = self._only_ours and not report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """So are the tests that are no scenarios."""
        self._only_ours = self._only_ours and "verdict" in vars(report)

    # Scenarios and steps

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Write that an instance begins and, when all of its phases are over, how it ended."""
        if collection.template_of(item) is None:
            return (yield)
        self._begin(item)
        begun = self._now()
        result = yield
        self._close_step("skipped" if item.stash[verdicts.OUTCOME].verdict == "skipped" else "error", {})
        self._end(item.name, item.stash[verdicts.OUTCOME], self._now() - begun)
        return result

    def _begin(self, item: pytest.Item) -> None:
        self.step_number = 0
        scenario = collection.rendered(item)
        self.write(
            entries.Scenario(
                instance=item.name,
                scenario=item.name.partition("[")[0],
                name=scenario.name,
                feature=scenario.feature.name or "",
                rule=scenario.rule.name if scenario.rule else "",
                file=collection.relative(scenario.feature.filename, self.config),
                line=scenario.line_number,
                tags=tuple(sorted(collection.all_tags(item.stash[collection.TEMPLATE]))),
                steps=tuple(f"{step.keyword.strip()} {step.name}" for step in scenario.steps),
            )
        )

    def _end(self, instance: str, ending: verdicts.Ending, seconds: float) -> None:
        refuted = ending.refuted
        self.write(
            Outcome(
                instance=instance,
                verdict=ending.verdict,
                seconds=round(seconds, 3),
                reason=ending.reason,
                detail=ending.detail,
                where=ending.where,
                step=ending.step,
                expected=refuted.expected if refuted else "",
                observed=refuted.observed if refuted else "",
                predicted=refuted.predicted if refuted else "",
                evidence=refuted.evidence if refuted else (),
            )
        )

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Step) -> None:
        """A step begins."""
        self.step_number += 1
        self._open = _OpenStep(request.node.name, step, self._now())

    def pytest_bdd_after_step(self, step_func_args: dict[str, Any]) -> None:
        """A step has passed. Raises Inconclusive when it is a Then that observed nothing, as by going over an empty list."""
        vacuous = self._open is not None and self._open.step.type == "then" and not self._open.observed
        self._close_step("inconclusive" if vacuous else "pass", step_func_args)
        if vacuous:
            raise Inconclusive("nothing was observed, so nothing is proven")

    def pytest_bdd_step_error(self, step: Step, step_func_args: dict[str, Any], exception: Exception) -> None:
        """A step did not hold, or broke."""
        if isinstance(exception, Refuted) and exception is not self.told and self._open is not None:
            self.write(
                Observation(
                    instance=self._open.instance,
                    step=self.step_number,
                    what=exception.phase or step.name,
                    expected=exception.expected,
                    observed=exception.observed,
                    verdict="fail",
                    predicted=exception.predicted,
                )
            )
        self._close_step(verdicts.verdict_of(exception, step.type), step_func_args)

    def _close_step(self, verdict: Verdict, arguments: dict[str, Any]) -> None:
        if self._open is None:
            return
        one, self._open = self._open, None
        kept = {name: value for name, value in arguments.items() if isinstance(value, _KEPT_ARGUMENTS) or name == _TABLE}
        self.write(
            entries.Step(
                instance=one.instance,
                number=self.step_number,
                keyword=one.step.keyword.strip(),
                text=one.step.name,
                line=one.step.line_number,
                seconds=round(self._now() - one.begun, 3),
                verdict=verdict,
                arguments=kept,
            )
        )

    # The end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the record, render and seal it; a parallel worker leaves that to the controller."""
        if hasattr(self.config, "workerinput") or not self.recorded():
            return
        try:
            counts = {str(verdict): number for verdict, number in read(self.folder).counts().items()}
            seconds = round(time.monotonic() - self._begun, 3)
            self._opened().write(End(status=int(session.exitstatus), seconds=seconds, counts=counts))
            self._ended = read(self.folder)
            renderings.write_all(self._ended)
            sealing.close(self.config, self.folder)
        except (RecordError, OSError, SealFailed) as why:
            self._lost = self._lost or str(why)
            session.exitstatus = RECORD_LOST
        if self._only_ours and self.config.get_verbosity() < 2:
            self._leave_the_failures_to_us()

    def recorded(self) -> bool:
        """Whether anything of this run was written."""
        return Writer(self.folder).path.exists()

    def _leave_the_failures_to_us(self) -> None:
        """The summary has each failure with its rule and evidence, so pytest need not list them a second time."""
        self.config.option.tbstyle = "no"
        if (reporter := self.config.pluginmanager.getplugin("terminalreporter")) is not None:
            reporter.reportchars = ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the run, use case by use case."""
        if self._lost:
            terminalreporter.write_line(f"The record is not complete: {self._lost}", red=True)
        if hasattr(self.config, "workerinput") or not self.recorded():
            return
        here = Path.cwd()
        folder = self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder
        try:
            record = replace(self._ended, folder=folder) if self._ended else read(folder)
            told = summary.render(record, colour=terminalreporter.hasmarkup, width=min(shutil.get_terminal_size().columns, 120))
        except RecordError as why:
            told = f"The record cannot be read: {why}"
        terminalreporter.write_line("")
        terminalreporter.write_line(told)
