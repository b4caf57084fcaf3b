"""Parallel workers: one record as if one process had written it, whatever happens to a worker, and nothing left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.record import read
from reports.verification import verify
from steps.eventually import eventually
from tests.plugins.same import evidence, plan, told
from tests.plugins.tree import SITES, Tree, feature
from tests.reports.sealed import new_keys

SENTENCES = """
import os, signal, time
from pathlib import Path

@given("a host", target_fixture="host")
def _host(environment, record):
    record.keep("answer.txt", "200")

@then("all is well")
def _well(record, site):
    record.observe("status", expected=200, observed=200)

@then("it is refused")
def _refused(record, site):
    record.observe("status", expected=200, observed=403)

@when("the worker dies")
def _dies():
    os.kill(os.getpid(), signal.SIGKILL)

@when("it waits for ever")
def _waits(changes, site):
    changes.undo(lambda: (time.sleep(1), Path(f"undone-{os.getpid()}").touch()))
    Path(f"waiting-{os.getpid()}").touch()
    signal.pause()
"""

WELL = "@SNS-A-01 @each_site\nScenario: It is well\n  Given a host\n  Then all is well"
REFUSED = "@SNS-A-02 @each_site\nScenario: It is refused\n  Given a host\n  Then it is refused"
IDLE = "@SNS-A-03 @each_site @needs_spoofing\nScenario: It is left out\n  Given a host\n  Then all is well"
DIES = "@SNS-B-01\nScenario: The worker dies\n  Given a host\n  When the worker dies"
WAITS = "@SNS-B-02 @each_site\nScenario: It waits\n  Given a host\n  When it waits for ever"
PATIENCE = 120.0  # s for two interpreters to start on a machine that is busy with other things
NAMES = [f"s{number}" for number in range(6)]


def _cases(folder: Path) -> list[tuple[str | None, str | None, list[str]]]:
    cases = ElementTree.parse(folder / "junit.xml").getroot().iter("testcase")  # noqa: S314 - we wrote it
    return [(one.get("classname"), one.get("name"), [child.tag for child in one]) for one in cases]


def test_several_workers_and_one_say_the_same(tmp_path: Path) -> None:
    keys = new_keys(tmp_path)
    (tmp_path / "tree").mkdir()
    features = {"a.feature": feature(WELL, IDLE), "b.feature": feature(REFUSED)}
    tree = Tree.plant(tmp_path / "tree", features, SENTENCES, axes=SITES | {"site": NAMES})
    done = [tree.run(*tree.features, *options, "--sign", str(keys.key)) for options in ((), ("-n", "3"))]
    serial, parallel = tree.runs if len(read(tree.runs[0]).environments) == 1 else reversed(tree.runs)

    assert [one.status for one in done] == [1, 1]
    assert told(read(parallel)) == told(read(serial))
    assert evidence(read(parallel)) == evidence(read(serial))
    assert plan(read(parallel)) == plan(read(serial))
    assert _cases(parallel) == _cases(serial)
    assert read(parallel).counts() == {"pass": 6, "fail": 6, "skipped": 6}
    assert len({one.worker for one in read(parallel).environments}) == len(read(parallel).environments) == 3
    assert tree.environment_log.count("up fresh") == tree.environment_log.count("down") == 4
    checked = verify(parallel, signers=keys.signers)
    assert not checked.findings
    assert (checked.planned, checked.ended) == (18, 18)
    assert done[1].output.count("6 passed, 6 failed, 6 skipped in ") == 1
    assert "FAILURES" not in done[1].output


@pytest.mark.parametrize(
    "number, whole_group, status",
    [(signal.SIGINT, True, 2), (signal.SIGINT, False, 2), (signal.SIGTERM, False, 143)],
    ids=["Ctrl-C at the terminal", "SIGINT", "SIGTERM"],
)
def test_stopped_workers_put_back_what_they_changed(
    tmp_path: Path, number: signal.Signals, whole_group: bool, status: int
) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(WAITS)}, SENTENCES)
    process = tree.start("-n", "2", *tree.features)
    eventually(lambda: len([*tmp_path.glob("waiting-*")]) == 2, within=PATIENCE, phase="both workers wait")
    for pid in (process.pid, *(_children(process.pid) if whole_group else ())):
        os.kill(pid, number)
    done = tree.finish(process)

    assert done.status == status
    assert len([*tmp_path.glob("undone-*")]) == 2
    assert tree.environment_log == ["up fresh", "up fresh", "down", "down", "swept"]
    record = tree.record()
    assert not record.cut
    assert record.end is not None
    assert (record.end.status, set(record.counts())) == (status, {"error"})
    assert {one.kind for one in verify(tree.runs[0]).findings} == {"incomplete"}
    assert "INTERNALERROR" not in done.output


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_dies_loses_nothing_but_its_own_scenario(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(WELL, DIES, REFUSED)}, SENTENCES)
    done = tree.run("-n", "1", *tree.features)
    record = tree.record()

    assert done.status == 1
    assert record.counts() == {"pass": 2, "fail": 2, "error": 1}
    assert record.scenarios["SNS-B-01"].ending.reason == "the parallel worker gw0 died while it ran this"
    assert [one.text for one in record.scenarios["SNS-B-01"].steps] == ["a host"]
    assert [one.text for one in record.events] == ["removed what a parallel worker left behind: ab12cd"]
    assert tree.environment_log == ["up fresh", "up fresh", "down", "swept"]
    assert record.complete
    assert not verify(tree.runs[0]).findings
    assert "2 passed, 2 failed, 1 error in " in done.output
    assert "FAILURES" not in done.output


@pytest.mark.parametrize("mode", ["keep", "attach"])
def test_several_workers_do_not_share_one_lab(tmp_path: Path, mode: str) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(WELL)}, SENTENCES)
    done = tree.run("-n", "2", "--lab", mode, *tree.features)
    assert done.status == 4
    assert f"--lab {mode} is for one worker: several would disturb each other in one lab (leave out -n)" in done.output
    assert (tree.runs, tree.environment_log) == ([], [])
    assert tree.run("-n", "1", "--lab", mode, *tree.features).status == 0
