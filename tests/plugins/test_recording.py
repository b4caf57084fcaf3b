"""The record of a run, as it is left on disk: whole, cut short, written by several workers, without secrets."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from subprocess import Popen
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from reports.record import Record, read
from steps.plugins import clock
from tests.plugins.tree import ROOT, SITES, Finished, Tree, feature

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a disk of one's own needs root")

SENTENCES = """
import os, signal, time
import pytest

@given("a host", target_fixture="host")
def _host(environment):
    return "web"

@when(parsers.parse("it asks with the password {password}"), target_fixture="answers")
def _asks(record, password, site):
    record.observe("status", expected=200, observed=200)
    record.keep("answer.txt", "Cookie: s3cret", what="the answer")
    capture = record.room_for("answer.txt")
    capture.write_bytes(b"pcap")
    record.attach(capture, what="the capture")
    return ["a measurement of many packets"]

@then("it is answered in time")
def _in_time(record):
    looks = iter([0, 0, 7])
    assert record.eventually("an answer", lambda: next(looks), within=5) == 7

@then("the answer is wrong")
def _wrong(record, answers):
    record.observe("status", expected=200, observed="403 s3cret", prediction="block, rule 3")

@then("it is late")
def _late():
    eventually(lambda: [], within=0, phase="the answer")

@when("the run is killed")
def _killed():
    os.kill(os.getpid(), signal.SIGKILL)

@when("it waits for ever")
def _waits():
    print("waiting", flush=True)
    signal.pause()

@when("more is kept than there is room for")
def _full(record):
    record.keep("large.txt", "x" * 1_000_000)

@when("more is told than there is room for")
def _full_too(record):
    for number in range(1000):
        record.observe("status", expected="x" * 1000, observed="x" * 1000)

@when("there is no need")
def _no_need():
    pytest.skip("not today")
"""

GOOD = """
@SNS-A-01 @each_site
Scenario: It answers
  Given a host
  When it asks with the password s3cret
  Then it is answered in time
"""
WRONG = """
@SNS-A-02 @each_site
Scenario: It refuses
  Given a host
  When it asks with the password s3cret
  Then the answer is wrong
"""
LATE = """
@SNS-A-03
Scenario: It is slow
  Given a host
  Then it is late
"""
SKIPPED = """
@SNS-A-04
Scenario: It is not needed
  Given a host
  When there is no need
"""


def _with(act: str) -> str:
    return f"@SNS-B-01\nScenario: {act}\n  Given a host\n  When {act}\n  Then it is late"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, Finished]:
    features = {"a.feature": feature(GOOD, WRONG), "b.feature": feature(LATE, SKIPPED)}
    tree = Tree.plant(tmp_path_factory.mktemp("ran"), features, SENTENCES, renders=True)
    return tree, tree.run(*tree.features, "--operator", "Ada", "--role", "network engineer")


@pytest.fixture(scope="module")
def record(ran: tuple[Tree, Finished]) -> Record:
    return ran[0].record()


def test_the_header_says_who_ran_what_on_which_files(ran: tuple[Tree, Finished], record: Record) -> None:
    run = record.run
    digest = hashlib.sha256(b'name = "guide"\n').hexdigest()
    assert (run.deployment, run.operator, run.role, run.lab) == ("guide", "Ada", "network engineer", "fresh")
    assert (run.clock_synchronised, run.clock_error_ms > 0) == (clock.look().synchronised, True)
    assert run.deployment_files == {"deployment.toml": digest}
    assert run.deployment_hash == hashlib.sha256(f"{digest}  deployment.toml\n".encode()).hexdigest()
    assert run.run == ran[0].runs[0].name
    assert "--operator" in run.arguments
    assert record.environments[0].kind == "lab"


def test_each_member_has_its_configuration_at_the_start_and_at_the_end(record: Record) -> None:
    digest = hashlib.sha256(f"{'0' * 64}  ConfigFiles/object\n".encode()).hexdigest()
    assert [(one.member, one.moment, one.firmware, one.sha256) for one in record.configurations] == [
        ("fw1-sbg7", "start", "simulated", digest),
        ("fw1-sbg7", "end", "simulated", digest),
    ]


def test_members_that_cannot_be_read_are_told_and_do_not_stop_the_run(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(GOOD)}, SENTENCES, unreadable_members=True)
    assert tree.run().status == 0
    assert [one.text for one in tree.record().events] == [
        f"the configuration of the firewalls at the {moment} is not known: fw1-sbg7 does not answer"
        for moment in ("start", "end")
    ]


def test_every_line_is_valid_by_the_schema_file(ran: tuple[Tree, Finished]) -> None:
    schema = json.loads((ROOT / "reports" / "record.schema.json").read_text(encoding="utf-8"))
    lines = (ran[0].runs[0] / "record.jsonl").read_text(encoding="utf-8").splitlines()
    wrong = [error.message for line in lines for error in Draft202012Validator(schema).iter_errors(json.loads(line))]
    assert not wrong


def test_all_that_was_planned_has_an_outcome(record: Record) -> None:
    assert record.complete
    assert record.plan is not None
    assert record.plan.planned == tuple(record.scenarios)
    assert record.counts() == {"pass": 2, "fail": 3, "skipped": 1}
    assert record.end is not None
    assert record.end.status == 1


def test_each_step_has_its_words_place_verdict_and_arguments(record: Record) -> None:
    steps = record.scenarios["SNS-A-02[sbg7]"].steps
    assert [(one.number, one.keyword, one.line, one.verdict) for one in steps] == [
        (1, "Given", 9, "pass"),
        (2, "When", 10, "pass"),
        (3, "Then", 11, "fail"),
    ]
    assert steps[1].arguments == {"password": "[removed]", "site": "sbg7"}
    assert steps[2].arguments == {}, "what an earlier step measured is none of its text"


def test_a_step_that_skips_is_recorded_as_skipped(record: Record) -> None:
    assert [one.verdict for one in record.scenarios["SNS-A-04"].steps] == ["pass", "skipped"]


def test_an_observation_says_after_how_many_looks(record: Record) -> None:
    status, answer = record.scenarios["SNS-A-01[gra11]"].observations
    assert (status.what, status.expected, status.observed, status.verdict) == ("status", 200, 200, "pass")
    assert (answer.attempts, answer.observed, answer.verdict) == (3, 7, "pass")


def test_what_is_refuted_outside_the_record_is_observed_too(record: Record) -> None:
    (seen,) = record.scenarios["SNS-A-03"].observations
    assert (seen.what, seen.verdict) == ("the answer", "fail")
    assert seen.observed.startswith("[] after ")


def test_evidence_is_entered_with_its_hash(ran: tuple[Tree, Finished], record: Record) -> None:
    text, capture, _ = record.scenarios["SNS-A-01[sbg7]"].evidence
    folder = ran[0].runs[0]
    assert [text.path, capture.path] == [
        "evidence/SNS-A-01-sbg7/answer.txt",
        "evidence/SNS-A-01-sbg7/answer-2.txt",
    ]
    for one in (text, capture):
        content = (folder / one.path).read_bytes()
        assert (one.bytes, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_no_secret_is_written_anywhere(ran: tuple[Tree, Finished]) -> None:
    files = [path for path in ran[0].runs[0].rglob("*") if path.is_file()]
    assert len(files) > 4
    before_the_environment = "with the password s3cret"  # the feature file's own words, which stand in the plan
    for path in files:
        assert b"s3cret" not in path.read_bytes().replace(before_the_environment.encode(), b""), path


def test_junit_stands_beside_it(ran: tuple[Tree, Finished]) -> None:
    suites = ElementTree.parse(ran[0].runs[0] / "junit.xml").getroot()  # noqa: S314 - we wrote it
    cases = [*suites.iter("testcase")]
    assert [len(cases), *(len(suites.findall(f"*/testcase/{told}")) for told in ("failure", "skipped"))] == [6, 3, 1]


def test_the_summary_shows_where_the_record_is(ran: tuple[Tree, Finished]) -> None:
    output = ran[1].output
    assert f"Record: reports/runs/{ran[0].runs[0].name}/record.jsonl" in output
    assert "SIMULATED LAB" in output
    assert "2 passed, 3 failed, 1 skipped in " in output


def test_a_real_environment_is_not_called_a_simulation(tmp_path: Path) -> None:
    done = Tree.plant(tmp_path, {"a.feature": feature(LATE)}, SENTENCES, kind="openstack").run("features/a.feature")
    assert "openstack" in done.output
    assert "simulat" not in done.output.lower()


def test_parallel_workers_write_one_record(tmp_path: Path) -> None:
    axes = SITES | {"site": [f"s{number}" for number in range(8)]}
    tree = Tree.plant(tmp_path, {"a.feature": feature(GOOD, WRONG, LATE, SKIPPED)}, SENTENCES, axes=axes, renders=True)
    done = tree.run("-n", "2", *tree.features)
    assert done.status == 1
    record = tree.record()
    assert record.complete
    assert record.counts() == {"pass": 8, "fail": 9, "skipped": 1}
    assert {one.start.worker for one in record.scenarios.values()} == {"gw0", "gw1"}
    left = {"record.jsonl", "evidence", "report.html", "junit.xml", "oscal", "hdf.json", "summary.md", "SHA256SUMS"}
    assert {path.name for path in tree.runs[0].iterdir()} == left, "and nothing left over"
    assert "8 passed, 9 failed, 1 skipped" in done.output


def test_a_killed_run_leaves_a_record_that_says_it_is_incomplete(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(GOOD, _with("the run is killed"), LATE)}, SENTENCES)
    assert tree.run("features/a.feature").status == -signal.SIGKILL
    record = tree.record()
    assert not record.complete
    assert record.scenarios["SNS-A-01[gra11]"].verdict == "pass"
    assert [one.text for one in record.scenarios["SNS-B-01"].steps] == ["a host"]
    assert "the run ended before this scenario did" in record.scenarios["SNS-B-01"].ending.reason
    assert record.not_run == ("SNS-A-03",)


def _wait_for(process: Popen[str], words: str) -> None:
    assert process.stdout is not None
    while words not in (line := process.stdout.readline()):
        assert line, "the run ended before it said so"


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 2)])
def test_a_stopped_run_tears_down_and_ends_its_record(tmp_path: Path, number: signal.Signals, status: int) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(_with("it waits for ever"))}, SENTENCES)
    process = tree.start("-s", "features/a.feature")
    _wait_for(process, "waiting")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    assert tree.environment_log == ["up fresh", "down"]
    record = tree.record()
    assert record.end is not None
    assert record.end.status == status
    assert not record.complete


SMALL_DISK = "mount -t tmpfs -o size=256k none reports/runs && {run}; status=$?; cp -r reports/runs/* kept; exit $status"
READ_ONLY = "mount -t tmpfs -o ro none reports/runs && {run}"


def _on_a_disk_of_its_own(tree: Tree, script: str) -> Finished:
    """Run the tree's features with a small disk below ``reports/runs`` that nobody else sees and that goes with the run."""
    (tree.folder / "reports" / "runs").mkdir(parents=True)
    run = shlex.join([sys.executable, "-m", "pytest", *tree.features])
    return tree.finish(tree.start_command("unshare", "--mount", "sh", "-c", script.format(run=run)))


@needs_root
@pytest.mark.parametrize("act", ["more is kept than there is room for", "more is told than there is room for"])
def test_a_full_disk_ends_the_run_and_what_was_written_stays_readable(tmp_path: Path, act: str) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(GOOD, _with(act), LATE)}, SENTENCES, renders=True)
    done = _on_a_disk_of_its_own(tree, SMALL_DISK)
    assert done.status == 9
    assert "No space left on device" in done.output
    assert "Traceback" not in done.output
    assert "INTERNALERROR" not in done.output
    assert tree.environment_log == ["up fresh", "down"]
    record = read(tmp_path / "kept")
    assert not record.complete
    assert not record.cut
    assert record.scenarios["SNS-A-01[sbg7]"].verdict == "pass"
    assert "SNS-A-03" in record.not_run


@needs_root
def test_a_read_only_disk_is_told_before_anything_is_started(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(LATE)}, SENTENCES)
    done = _on_a_disk_of_its_own(tree, READ_ONLY)
    assert done.status == 9
    assert "Read-only file system (is the folder writable, the disk full?)" in done.output
    assert "Traceback" not in done.output
    assert tree.environment_log == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(LATE)}, SENTENCES)
    (tmp_path / "taken").write_text("a file, not a folder")
    done = tree.run("features/a.feature", "--runs", "taken")
    assert done.status == 9
    assert "the record cannot be written" in done.output
    assert "Traceback" not in done.output
