"""Turns what happened to a scenario into a verdict, and the verdicts into pytest's letters, words and exit status.

Exit status: 0 nothing refuted that is not waived; 1 a test failed or had an error; 8 nothing worse than inconclusive; 9 the
record could not be written; 143 terminated (SIGTERM). The others are pytest's own: 2 interrupted or a feature file was
refused, 4 features, steps, deployment, controls or options do not fit each other, 5 nothing to run.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

from reports.entries import Standing, Verdict
from steps.plugins import collection, controls
from steps.verdict import Inconclusive, Refuted

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

ONLY_INCONCLUSIVE = 8
"""Exit status of a run in which nothing was refuted, and something could not be told."""

STEP = pytest.StashKey["Step | None"]()
"""On an item: the step that is running."""

OUTCOME = pytest.StashKey["Ending"]()
"""On an item: how it ended, the worst of its phases."""

_WORST_LAST: tuple[Verdict, ...] = ("pass", "not applicable", "skipped", "inconclusive", "fail", "error")

_STATUS: dict[Standing, tuple[str, str, tuple[str, dict[str, bool]]]] = {
    "pass": ("passed", ".", ("PASS", {"green": True})),
    "fail": ("failed", "F", ("FAIL", {"red": True})),
    "waived": ("waived", "w", ("WAIVED", {"yellow": True})),
    "inconclusive": ("inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})),
    "error": ("error", "E", ("ERROR", {"red": True})),
    "skipped": ("skipped", "s", ("SKIPPED", {"yellow": True})),
    "not applicable": ("not applicable", "n", ("NOT APPLICABLE", {"yellow": True})),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a scenario ended: one line, the whole message, the step that was running, and what a refutation says."""

    verdict: Verdict
    reason: str = ""
    detail: str = ""
    where: str = ""
    step: str = ""
    refuted: Refuted | None = None


class Told(Exception):
    """An error of the harness whose text is all that its user needs: no frame of code goes with it."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the deployment has nothing of."""
    if collection.template_of(item) and (mark := item.get_closest_marker("not_applicable")):
        pytest.skip(str(mark.args[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    """Remember which step runs."""
    request.node.stash[STEP] = step


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """The step has run."""
    request.node.stash[STEP] = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say the verdict on the report, in a form that survives the way from a parallel worker."""
    report = yield
    if collection.template_of(item) is None:
        return report
    ending = ending_of(item, call)
    if _WORST_LAST.index(ending.verdict) >= _WORST_LAST.index(item.stash.get(OUTCOME, ending).verdict):
        item.stash[OUTCOME] = ending
    vars(report)["verdict"] = ending.verdict
    if ending.verdict in ("skipped", "not applicable"):
        path, line, _ = item.location
        report.longrepr = (path, (line or 0) + 1, ending.reason)
    elif ending.verdict == "fail" and (accepted := controls.waiver(item)):
        # To pytest it is a failure that was expected: it neither ends a run with -x nor fails it.
        vars(report).update(verdict="waived", outcome="skipped", wasxfail=accepted)
    elif ending.verdict != "pass" and item.config.get_verbosity() < 2:
        report.longrepr = f"{ending.detail}\n\n{ending.where}: {ending.step}" if ending.step else ending.detail
    return report


def ending_of(item: pytest.Item, call: pytest.CallInfo[None]) -> Ending:
    """How a phase of a scenario (setup, call, teardown) ended."""
    if call.excinfo is None:
        return Ending("pass")
    why = call.excinfo.value
    if isinstance(why, pytest.skip.Exception):
        return Ending("not applicable" if item.get_closest_marker("not_applicable") else "skipped", str(why.msg))
    step = item.stash.get(STEP, None) if call.when == "call" else None
    verdict = verdict_of(why, step.type if step else "")
    expected = verdict in ("fail", "inconclusive") and isinstance(why, Refuted | Inconclusive | pytest.fail.Exception)
    detail = str(why) if expected else _own_error(item, call.excinfo)
    lines = str(why).strip().splitlines() or [type(why).__name__]
    reason = lines[0] if expected else f"{type(why).__name__}: {lines[0]}"
    if call.when != "call":
        reason = f"{call.when}: {reason}"
    refuted = why if isinstance(why, Refuted) else None
    if step is None:
        return Ending(verdict, reason, detail, refuted=refuted)
    template = item.stash[collection.TEMPLATE]
    where = f"{collection.relative(template.feature.filename, item.config)}:{step.line_number}"
    return Ending(verdict, reason, detail, where, f"{step.keyword.strip()} {step.name}", refuted)


def verdict_of(why: BaseException, step_type: str) -> Verdict:
    """The verdict of what a step of this type (``given``, ``when``, ``then``; "" outside steps) raised."""
    if isinstance(why, Inconclusive):
        return "inconclusive"
    if isinstance(why, AssertionError | pytest.fail.Exception) and step_type:
        # What a Given asserts is what the test needs in order to mean something.
        return "inconclusive" if step_type == "given" else "fail"
    return "error"


def _own_error(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """An error of ours: its message and the few frames of our own that lead to it, none of pytest's."""
    if isinstance(excinfo.value, Told):
        return str(excinfo.value)
    frames = [
        f"    {collection.relative(str(entry.path), item.config)}:{entry.lineno + 1}: {str(entry.statement).strip()}"
        for entry in excinfo.traceback
        if _is_ours(Path(str(entry.path)), item.config.rootpath)
    ]
    return "\n".join([excinfo.exconly(tryshort=True).strip(), *frames])


def _is_ours(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and "site-packages" not in path.parts


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Our own letters and words for the phases of a scenario that tell something."""
    verdict: Standing | None = vars(report).get("verdict")
    if verdict is None or (verdict == "pass" and report.when != "call"):
        return None
    return _STATUS[verdict]


class Worst:
    """Knows whether anything worse than inconclusive happened, in this process or in the parallel workers."""

    def __init__(self) -> None:
        self.inconclusive = False
        self.worse = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at every report, those of tests that are not scenarios included."""
        if vars(report).get("verdict") == "inconclusive":
            self.inconclusive = True
        elif report.failed:
            self.worse = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Tell "something failed" from "something could not be told"."""
        if exitstatus == pytest.ExitCode.TESTS_FAILED and self.inconclusive and not self.worse:
            session.exitstatus = ONLY_INCONCLUSIVE


def pytest_configure(config: pytest.Config) -> None:
    """Watch the verdicts."""
    config.pluginmanager.register(Worst(), "rempart-worst-verdict")


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Ctrl-C ends a run as interrupted, wherever it comes.

    Between two lines of the standard library nobody can close what is open, and between two instructions of no line at all (of
    a ``with``, in CPython 3.11) the traceback has an entry without a line, on which pytest's own report of it fails.
    """
    warnings.simplefilter("ignore", pytest.PytestUnraisableExceptionWarning)
    error: BaseException | None = excinfo.value
    while error is not None:
        _end_at_the_last_line(error.__traceback__)
        error = error.__cause__ or error.__context__


def _end_at_the_last_line(traceback: TracebackType | None) -> None:
    while traceback is not None and (deeper := traceback.tb_next) is not None:
        if (deeper.tb_lineno or -1) < 0:  # None, or -1 in CPython 3.11.2
            traceback.tb_next = None
        traceback = traceback.tb_next
