"""Writes the run's record as the run goes, and gives steps the ``record`` fixture.

The run's folder is made when the first scenario begins, so that runs of other tests leave nothing. Parallel workers all
append to the one record; the controller ends it, and renders it.
"""

from __future__ import annotations

import hashlib
import platform
import secrets
import subprocess
import time
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import junit, summary
from reports.entries import End, Entry, EnvironmentUp, Event, Observation, Outcome, Plan, RecordError, Run, Verdict
from reports.entries import Scenario as ScenarioEntry
from reports.entries import Step as StepEntry
from reports.record import Writer, read
from steps.plugins import collection, instances, verdicts
from steps.verdict import Inconclusive, Prediction, Refuted, words

if TYPE_CHECKING:
    from pytest_bdd.parser import Feature, Scenario, Step

DEFAULT_RUNS = "reports/runs"

RECORDER = pytest.StashKey["Recorder"]()
_WORKER_FOLDER = "rempart_run"
_KEPT_ARGUMENTS = (str, int, float, bool, list, tuple)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs are recorded, and who runs them."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption("--runs", metavar="DIR", help=f"where each run gets its folder (default: {DEFAULT_RUNS})")
    group.addoption("--operator", metavar="NAME", default="", help="who runs this, for the record")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the recorder; nothing is written yet."""
    config.stash[RECORDER] = Recorder(config)
    config.pluginmanager.register(config.stash[RECORDER], "rempart-recorder")


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
        good = expected == observed if holds is None else holds
        told = words(prediction)
        self._recorder.write(
            Observation(
                instance=self._instance,
                step=self._recorder.step_number,
                what=what,
                expected=expected,
                observed=observed,
                verdict="pass" if good else "fail",
                predicted=told,
            )
        )
        if not good:
            raise Refuted(
                expected=f"{what}: {expected}", observed=observed, prediction=prediction, evidence=list(evidence)
            )

    def keep(self, name: str, content: str | bytes, *, what: str = "") -> str:
        """Keep a file as evidence; its path in the run's folder."""
        return self._recorder.writer.keep(self._instance, self._recorder.step_number, name, content, what=what)


class Recorder:
    """Follows the run and writes it down."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.redact: Callable[[str], str] | None = None
        self.step_number = 0
        self._writer: Writer | None = None
        self._begun = time.monotonic()
        self._step_begun = 0.0
        self._open: tuple[str, Step] | None = None
        self._planned: tuple[str, ...] = ()
        self._deselected = 0
        self._counts: dict[str, int] = {}
        self._scenario_begun: dict[str, float] = {}
        self.folder: Path | None = None

    # The run

    @property
    def writer(self) -> Writer:
        """The open record. The first use makes the run's folder."""
        if self._writer is None:
            self.folder = self._folder()
            worker = getattr(self.config, "workerinput", {}).get("workerid", "")
            self._writer = Writer(self.folder, worker=worker)
            self._writer.open(self._opening)
        if self.redact is not None:
            self._writer.redact = self.redact
        return self._writer

    def write(self, entry: Entry) -> None:
        """Append an entry."""
        self.writer.write(entry)

    def environment_up(self, kind: str, capabilities: Iterable[str], seconds: float) -> None:
        """The environment under test is ready."""
        self.write(EnvironmentUp(kind=kind, capabilities=tuple(sorted(capabilities)), seconds=round(seconds, 3)))

    def event(self, text: str) -> None:
        """Something happened to the run itself."""
        self.write(Event(text=text))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a parallel worker where the run's record is."""
        if self.folder is None:
            self.folder = self._folder()
        node.workerinput[_WORKER_FOLDER] = str(self.folder)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember what is going to run."""
        self._planned = tuple(item.name for item in session.items if collection.template_of(item))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count what was left out on request."""
        self._deselected += len(items)

    def _folder(self) -> Path:
        given = getattr(self.config, "workerinput", {}).get(_WORKER_FOLDER)
        if given:
            return Path(given)
        named: str | None = self.config.getoption("--runs")
        base = self.config.invocation_params.dir / named if named else self.config.rootpath / DEFAULT_RUNS
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        return base / f"{stamp}-{instances.deployment_folder(self.config).name}-{secrets.token_hex(3)}"

    def _opening(self) -> list[Entry]:
        folder = instances.deployment_folder(self.config)
        files = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        listed = "".join(f"{digest}  {name}\n" for name, digest in files.items())
        commit, dirty = _commit(self.config.rootpath)
        run = Run(
            run=self.folder.name if self.folder else "",
            tool=_tool(),
            commit=commit,
            dirty=dirty,
            python=platform.python_version(),
            platform=platform.platform(),
            deployment=folder.name,
            deployment_hash=hashlib.sha256(listed.encode()).hexdigest(),
            deployment_files=files,
            lab=self.config.getoption("--lab"),
            operator=self.config.getoption("--operator"),
            arguments=tuple(str(argument) for argument in self.config.invocation_params.args),
            clock="the machine's own clock, UTC",
        )
        return [run, Plan(planned=self._planned, deselected=self._deselected)]

    # Scenarios and steps

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, feature: Feature, scenario: Scenario) -> None:
        """A scenario begins."""
        self._enter(request.node, feature, scenario)

    def _enter(self, item: pytest.Item, feature: Feature, scenario: Scenario) -> None:
        self.step_number = 0
        self._scenario_begun[item.name] = time.monotonic()
        self.write(
            ScenarioEntry(
                instance=item.name,
                scenario=item.name.partition("[")[0],
                name=scenario.name,
                feature=feature.name or "",
                rule=scenario.rule.name if scenario.rule else "",
                file=collection.relative(feature.filename, self.config),
                line=scenario.line_number,
                tags=tuple(sorted(scenario.tags)),
                steps=tuple(f"{step.keyword.strip()} {step.name}" for step in scenario.steps),
            )
        )

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Step) -> None:
        """A step begins."""
        self.step_number += 1
        self._open = (request.node.name, step)
        self._step_begun = time.monotonic()

    def pytest_bdd_after_step(self, step_func_args: dict[str, Any]) -> None:
        """A step has passed."""
        self._close("pass", step_func_args)

    def pytest_bdd_step_error(self, step: Step, step_func_args: dict[str, Any], exception: Exception) -> None:
        """A step did not hold, or broke."""
        if isinstance(exception, Inconclusive):
            verdict: Verdict = "inconclusive"
        elif isinstance(exception, AssertionError):
            verdict = "inconclusive" if step.type == "given" else "fail"
        else:
            verdict = "error"
        self._close(verdict, step_func_args)

    def _close(self, verdict: Verdict, arguments: dict[str, Any]) -> None:
        if self._open is None:
            return
        instance, step = self._open
        self._open = None
        self.write(
            StepEntry(
                instance=instance,
                number=self.step_number,
                keyword=step.keyword.strip(),
                text=step.name,
                line=step.line_number,
                seconds=round(time.monotonic() - self._step_begun, 3),
                verdict=verdict,
                arguments={name: value for name, value in arguments.items() if isinstance(value, _KEPT_ARGUMENTS)},
            )
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Write how each instance ended, when all of its phases have."""
        begun = time.monotonic()
        result = yield
        ending = item.stash.get(verdicts.OUTCOME, None)
        if collection.template_of(item) is None or ending is None:
            return result
        if item.name not in self._scenario_begun:  # left out before its first step
            scenario = collection.rendered(item)
            self._enter(item, scenario.feature, scenario)
        self._close("error", {})
        refuted = ending.refuted
        self._counts[ending.verdict] = self._counts.get(ending.verdict, 0) + 1
        self.write(
            Outcome(
                instance=item.name,
                verdict=ending.verdict,
                seconds=round(time.monotonic() - begun, 3),
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
        return result

    # The end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the record and render it."""
        if hasattr(self.config, "workerinput"):
            if self._writer is not None:
                self._writer.close()
            return
        if self.folder is None or not (self.folder / "record.jsonl").exists():
            return
        counts = dict(read(self.folder).counts())
        self.write(
            End(
                status=int(session.exitstatus),
                seconds=round(time.monotonic() - self._begun, 3),
                counts={str(verdict): number for verdict, number in counts.items()},
            )
        )
        self.writer.close()
        junit.write(read(self.folder))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the run, use case by use case."""
        if hasattr(self.config, "workerinput") or self.folder is None:
            return
        try:
            told = summary.render(
                read(self.folder), colour=terminalreporter.hasmarkup, width=min(terminalreporter._tw.fullwidth, 120)
            )
        except (RecordError, OSError) as why:
            told = f"the record cannot be read: {why}"
        terminalreporter.write_line("")
        terminalreporter.write_line(told)


def _tool() -> str:
    try:
        return f"rempart {version('rempart')}"
    except PackageNotFoundError:
        return "rempart"


def _commit(root: Path) -> tuple[str, bool]:
    """The commit that is checked out and whether files differ from it; "" outside a git work tree."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
        status = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return head.stdout.strip(), bool(status.stdout.strip())
