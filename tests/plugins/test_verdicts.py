"""How a scenario ended becomes a verdict, a letter, an exit status and a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.entries import Verdict
from reports.record import Record
from tests.plugins.tree import Finished, Tree, feature

SENTENCES = """
import pytest

class Rule:
    verdict, reason, where = "block", "rule 3 'no ssh'", "sbg7/Filter/05:14"

@step("it is so")
def _so(record):
    record.observe("an answer", expected=200, observed=200)

@step("none of them answers")
def _none(record):
    for one in ():
        record.observe(one, expected=0, observed=0)

@step("it is refuted")
def _refuted():
    raise Refuted(expected="an answer 200", observed="none within 1 s", prediction=Rule, evidence="evidence/x.pcapng")

@step("an assertion fails")
def _assertion():
    assert 1 + 1 == 3

@step("it cannot be told")
def _untold():
    raise Inconclusive("the control got no answer either")

@step("our own code is wrong")
def _wrong():
    return {}["missing"]

@step("there is no need")
def _no_need():
    pytest.skip("nothing to do today")

@step("its undoing fails")
def _undone():
    yield
    raise RuntimeError("still plugged in")
"""

CASES: dict[str, tuple[str, Verdict]] = {
    "SNS-A-01": ("Given it is so\n  Then it is so", "pass"),
    "SNS-A-02": ("Given it is so\n  Then it is refuted", "fail"),
    "SNS-A-03": ("When it is refuted", "fail"),
    "SNS-A-04": ("Then an assertion fails", "fail"),
    "SNS-A-05": ("Given it is refuted", "inconclusive"),
    "SNS-A-06": ("Given it is so\n  And an assertion fails", "inconclusive"),
    "SNS-A-07": ("Then it cannot be told", "inconclusive"),
    "SNS-A-08": ("Then our own code is wrong", "error"),
    "SNS-A-09": ("Given our own code is wrong", "error"),
    "SNS-A-10": ("When there is no need", "skipped"),
    "SNS-A-11": ("When its undoing fails\n  Then it is so", "error"),
    "SNS-A-12": ("When its undoing fails\n  Then it is refuted", "error"),
    "SNS-A-13": ("When none of them answers\n  Then none of them answers", "inconclusive"),
}


def _scenario(name: str) -> str:
    return f"@{name}\nScenario: {name}\n  {CASES[name][0]}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("verdicts")
    return Tree.plant(folder, {f"{name[-2:]}.feature": feature(_scenario(name)) for name in CASES}, SENTENCES)


@pytest.fixture(scope="module")
def all_run(tree: Tree) -> tuple[Finished, Record]:
    done = tree.run(*tree.features, "--runs", "all")
    (folder,) = (tree.folder / "all").iterdir()
    from reports.record import read

    return done, read(folder)


@pytest.mark.parametrize("name", CASES)
def test_each_way_to_end_has_its_verdict(all_run: tuple[Finished, Record], name: str) -> None:
    assert all_run[1].scenarios[name].verdict == CASES[name][1]


@pytest.mark.parametrize(
    "names, status",
    [
        (["01"], 0),
        (["10"], 0),
        (["01", "05"], 8),
        (["05", "02"], 1),
        (["05", "08"], 1),
        (["07", "11"], 1),
    ],
)
def test_the_exit_status_tells_the_worst_of_them(tree: Tree, names: list[str], status: int) -> None:
    assert tree.run(*(f"features/{name}.feature" for name in names)).status == status


def test_parallel_workers_give_the_same_status(tree: Tree) -> None:
    assert tree.run("-n", "2", "features/01.feature", "features/05.feature").status == 8


def test_a_test_that_is_no_scenario_still_fails_the_run(tree: Tree) -> None:
    (tree.folder / "test_plain.py").write_text("def test_it():\n    assert 1 == 2\n")
    done = tree.run("features/05.feature", "test_plain.py")
    assert done.status == 1
    assert "assert 1 == 2" in done.output, "pytest shows what is not ours"


def test_a_refutation_names_the_rule_and_the_evidence(all_run: tuple[Finished, Record]) -> None:
    output = all_run[0].output
    assert (
        "FAIL  SNS-A-02  SNS-A-02  features/02.feature:3\n"
        "  Then it is refuted  features/02.feature:5\n"
        "    expected  an answer 200\n"
        "    observed  none within 1 s\n"
        "    predicted block, rule 3 'no ssh' (sbg7/Filter/05:14)\n"
        "    evidence  evidence/x.pcapng\n"
    ) in output


def test_our_own_error_shows_our_frames_and_no_others(all_run: tuple[Finished, Record]) -> None:
    output = all_run[0].output
    assert "KeyError: 'missing'\n        sentences.py:" in output
    assert "pluggy" not in output.partition("── Deployment")[2]


def test_the_worst_phase_counts_and_is_counted_once(all_run: tuple[Finished, Record]) -> None:
    done, record = all_run
    assert "RuntimeError: still plugged in" in done.output
    assert sum(record.counts().values()) == len(CASES)


def test_the_failures_are_told_once(all_run: tuple[Finished, Record]) -> None:
    assert "= FAILURES =" not in all_run[0].output
    assert "short test summary" not in all_run[0].output


def test_very_verbose_shows_pytests_own_traceback(tree: Tree) -> None:
    done = tree.run("-vv", "features/08.feature")
    assert "= ERRORS =" in done.output or "= FAILURES =" in done.output
    assert "def _wrong():" in done.output


def test_a_run_that_is_interrupted_while_a_program_starts_says_no_more_than_that(tmp_path: Path) -> None:
    sentences = """
    import os

    @when("Ctrl-C comes while a program is being started")
    def _start():
        open(os.pipe()[0], "rb")  # as subprocess.Popen does: nobody closes it when Ctrl-C comes before it has a name
        raise KeyboardInterrupt
    """
    scenario = "@SNS-A-01\nScenario: s\n  When Ctrl-C comes while a program is being started"
    done = Tree.plant(tmp_path, {"a.feature": feature(scenario)}, sentences).run()
    assert done.status == 2, done.output
    assert "Traceback" not in done.output


def test_a_run_that_is_interrupted_between_two_lines_says_no_more_than_that(tmp_path: Path) -> None:
    sentences = """
    def _interrupted():
        raise KeyboardInterrupt

    _interrupted.__code__ = _interrupted.__code__.replace(co_linetable=b"")  # no line, as at the start of a with

    @when("Ctrl-C comes between two lines")
    def _between():
        try:
            _interrupted()
        except KeyboardInterrupt:
            _interrupted()
    """
    scenario = "@SNS-A-01\nScenario: s\n  When Ctrl-C comes between two lines"
    done = Tree.plant(tmp_path, {"a.feature": feature(scenario)}, sentences).run()
    assert done.status == 2, done.output
    assert "Traceback" not in done.output
