"""What is written is what is read, however the run ended; what is not a record is refused with its line."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import stat
from collections import OrderedDict, deque
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from reports.chain import digest
from reports.encoding import decode, encode, plain
from reports.entries import (
    ENTRIES,
    Announcement,
    Catalogue,
    Change,
    Configuration,
    Coverage,
    Deviation,
    Entry,
    Event,
    Evidence,
    Failover,
    Gate,
    Observation,
    Origin,
    RecordError,
    Rules,
    Series,
    Shard,
    Step,
    Support,
    Topology,
    Unmapped,
)
from reports.ledger import Lane, Phase, Scheduling
from reports.record import Writer, read
from tests.reports.examples import BASIC, LAB, RUN, outcome, scenario, written

STEP = Step(instance="i", number=1, keyword="Given", text="a", line=3, seconds=0.1, verdict="pass", arguments={"n": [1]})
SEEN = Observation(instance="i", step=1, what="w", expected=[200], observed={"a": None}, verdict="fail", attempts=2)
FILE = Evidence(instance="i", step=1, what="w", path="evidence/i/x", sha256="0", bytes=4)
CURVE = Series(instance="i", step=1, what="w", kind="answers", positions=(0.1, 0.2), milliseconds=(100, 100.5), limit=9)
LANE = Lane(
    name="pings to the Internet",
    flow_class="nat",
    direction="there",
    sent=900,
    lost=40,
    duplicated=0,
    reordered=1,
    gap=80.5,
    gap_begin=1.5,
    back_after=None,
    survived=None,
    budget=250,
    silences=((1.5, 82.0), (90, 95)),
)
TAKEOVER = Failover(
    instance="i",
    step=1,
    kind="member killed",
    number=1,
    phases=(Phase(name="detection", begin=0, end=60.5),),
    lanes=(LANE,),
    resolution=2,
    noise=3.5,
    scheduling=Scheduling(median=0.1, p95=0.4, max=2),
    drawn=(-200, 1500),
    tokens={"TokenTimeout": 80},
    predicted=70.0,
)
PLAN = Topology(sites=({"name": "sbg7"},), segments=({"name": "vrack-0", "vlan": 0},), hosts=({"name": "web"},))
BACKS = Support(
    scenario="SNS-WEB-01",
    catalogue="c",
    control="1",
    title="",
    reason="r",
    does_not_prove="p",
    source="s",
    date="2026-01-01",
    confidence="verified",
)
DEPARTS = Deviation(
    subject="SNS-WEB-01",
    kind="waiver",
    justification="j",
    owner="o",
    expires="2027-01-01",
    compensation="c",
    file="deviations.toml",
    line=1,
)
HEAD = Catalogue(
    name="c", title="t", version="1", publisher="p", source="s", date="2026-01-01", read_on="2026-01-02", licence="l"
)
ASIDE = Unmapped(scenario="SNS-WEB-01", catalogue="", reason="r")
HAS = Configuration(
    member="fw1-sbg7",
    site="sbg7",
    moment="start",
    firmware="simulated",
    sha256="0" * 64,
    files={"ConfigFiles/object": "0" * 64},
)
PART = Shard(number=3, of=8, whole=("SNS-WEB-01[sbg7]", "SNS-WEB-02"))
FROM = Origin(run="20261126T000000Z-guide-abcdef", shard="3/8", sha256="0" * 64, sums="", signed="ED25519 key SHA256:x")
PASSED = Gate(id="vrack", what="one vRack", who="Ada", day="2026-11-20", saw="pn-1234 has both")
SAID = Announcement(target="openstack", cloud="ovh", disruptive=False, said=("About to be tested",), gates=(PASSED,))
KNOWN = Rules(site="sbg7", places={"Filter/05:3": "pass from any to any"})
TOUCHED = Coverage(instance="i", site="sbg7", touched={"Filter/05:3": 2})
CHANGED = Change(site="sbg7", kind="opens.internet", needs="refused", what=("stranger -> ubuntu_web:22/tcp",), was="refused",
                 now="passed", file="Filter/05", line=14)  # fmt: skip
EVERY = [
    *BASIC, PART, FROM, SAID, HAS, CHANGED, KNOWN, TOUCHED, STEP, SEEN, FILE, CURVE, TAKEOVER, Event(text="rebuilt"), PLAN,
    HEAD, BACKS, ASIDE, DEPARTS,
]  # fmt: skip


def test_every_kind_of_entry_has_an_example_here() -> None:
    assert {entry.entry for entry in EVERY} == set(ENTRIES)


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.entry)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode(json.loads(json.dumps(encode(entry)))) == entry


@pytest.mark.parametrize(
    "value, kept",
    [
        (float("nan"), "nan"),
        ({1: (2, "x")}, {"1": [2, "x"]}),
        ({"b", "a"}, ["a", "b"]),
        (Path("a/b"), "a/b"),
        (b"\x00", "b'\\x00'"),
        (None, None),
        ([Scheduling(median=1, p95=float("inf"), max=2)], [{"median": 1, "p95": "inf", "max": 2}]),
        (HTTPStatus.OK, 200),
        ({"a": OrderedDict(b=deque([1]))}, {"a": {"b": [1]}}),
    ],
)
def test_any_value_can_be_an_observation(value: object, kept: object) -> None:
    assert plain(value) == kept


def test_a_whole_record_is_complete(tmp_path: Path) -> None:
    record = written(tmp_path, BASIC)
    assert record.complete
    assert record.simulated
    assert record.counts() == {"pass": 1, "fail": 1, "not applicable": 1}
    assert record.run.at == "2026-11-24T00:15:00.000Z"


def test_a_record_without_its_end_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    record = written(tmp_path, BASIC[:6])
    assert not record.complete
    assert record.not_run == ("SNS-WEB-02[none]",)
    assert record.scenarios["SNS-WEB-01[gra11]"].verdict == "error"


@pytest.mark.parametrize("lost", [1, 10, 40])
def test_a_last_line_that_is_half_there_is_no_error(tmp_path: Path, lost: int) -> None:
    written(tmp_path, BASIC)
    path = tmp_path / "record.jsonl"
    path.write_bytes(path.read_bytes()[:-lost])
    record = read(tmp_path)
    assert record.cut
    assert not record.complete
    assert len(record.scenarios) == 3


GOOD = json.dumps(encode(RUN)) + "\n"

MISTAKES = {
    "empty": ("", ":1: a record begins with a run entry"),
    "headless": (json.dumps(encode(LAB)) + "\n", ":1: a record begins with a run entry"),
    "not JSON": (GOOD + "{oops}\n", ":2: Expecting property name"),
    "a list": (GOOD + "[]\n", ":2: not a JSON object"),
    "another schema": (GOOD.replace('"schema": 2', '"schema": 7'), ":1: schema 7 is not known here (this is schema 2)"),
    "unknown entry": (GOOD + '{"entry": "gossip"}\n', ":2: entry: unknown kind 'gossip'"),
    "unknown field": (GOOD + '{"entry": "event", "text": "x", "mood": 1}\n', ":2: event: unknown field 'mood'"),
    "missing field": (GOOD + '{"entry": "event"}\n', ":2: event: missing 1 required keyword-only argument: 'text'"),
    "wrong type": (GOOD + '{"entry": "event", "text": 3}\n', ":2: event.text is int, not str"),
    "wrong verdict": (
        GOOD + json.dumps(encode(outcome("x")) | {"verdict": "perhaps"}) + "\n",
        ":2: outcome.verdict: 'perhaps' is none of pass, fail, inconclusive",
    ),
    "wrong part": (GOOD + json.dumps(encode(TAKEOVER) | {"lanes": [1]}) + "\n", ":2: failover.lanes[0] is int, not Lane"),
    "wrong field of a part": (
        GOOD + json.dumps(encode(TAKEOVER) | {"scheduling": {"median": "x"}}) + "\n",
        ":2: failover.scheduling.median is str, not float",
    ),
    "missing field of a part": (
        GOOD + json.dumps(encode(TAKEOVER) | {"phases": [{"name": "x", "begin": 0}]}) + "\n",
        ":2: failover.phases[0]: missing 1 required keyword-only argument: 'end'",
    ),
    "too many values": (
        GOOD + json.dumps(encode(TAKEOVER) | {"drawn": [1, 2, 3]}) + "\n",
        ":2: failover.drawn has 3 values, not 2",
    ),
    "a list that is none": (
        GOOD + json.dumps(encode(LAB) | {"capabilities": "x"}) + "\n",
        ":2: environment.capabilities is str",
    ),
    "yes for a number": (
        GOOD + json.dumps(encode(LAB) | {"seconds": True}) + "\n",
        ":2: environment.seconds is bool, not float",
    ),
    "orphan": (
        GOOD + json.dumps(encode(outcome("x")) | {"before": digest(GOOD.encode())}) + "\n",
        ":2: outcome of x, which never began",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_record_is_refused_with_its_line(tmp_path: Path, mistake: str) -> None:
    content, message = MISTAKES[mistake]
    (tmp_path / "record.jsonl").write_text(content)
    with pytest.raises(RecordError) as refused:
        read(tmp_path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path}/record.jsonl:")


def test_a_missing_record_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"record\.jsonl is not there"):
        read(tmp_path)


def test_secrets_are_removed_from_every_text_of_every_entry(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.redact = lambda text: text.replace("s3cret", "[removed]")
    writer.open(lambda: [RUN])
    writer.write(scenario("i", name="with s3cret"))
    writer.write(Observation(instance="i", step=1, what="s3cret", expected=["s3cret"], observed={"a": "s3cret"},
                             verdict="pass", predicted="s3cret"))  # fmt: skip
    writer.keep("i", 1, "out.txt", "it is s3cret")
    written_files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written_files) == 2
    assert not any(b"s3cret" in path.read_bytes() for path in written_files)


def test_text_that_is_not_unicode_is_kept_readable(tmp_path: Path) -> None:
    record = written(tmp_path, [RUN, Event(text="bytes \udcff")])
    assert record.events[0].text == "bytes \udcff"


def test_evidence_never_overwrites_evidence_and_stays_in_its_folder(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.open(lambda: [RUN])
    paths = [writer.keep("i[a/b]", 1, name, "x") for name in ("out.txt", "out.txt", "../../etc/passwd")]
    assert paths == ["evidence/i-a-b/out.txt", "evidence/i-a-b/out-2.txt", "evidence/i-a-b/etc-passwd"]


def _write_many(folder: Path, worker: str, number: int) -> None:
    writer = Writer(folder, worker=worker)
    writer.open(lambda: [RUN])
    for count in range(number):
        writer.write(Event(text=f"{worker} {count} {'x' * 5000}"))


def test_several_processes_may_write_the_same_record(tmp_path: Path) -> None:
    workers = [multiprocessing.get_context("fork").Process(target=_write_many, args=(tmp_path, f"gw{n}", 50))
               for n in range(3)]  # fmt: skip
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    record = read(tmp_path)
    assert len(record.events) == 150
    assert not record.cut
    assert [path.name for path in tmp_path.iterdir()] == ["record.jsonl"]


def test_each_line_holds_the_hash_of_the_one_before_it_as_plain_tools_give_it(tmp_path: Path) -> None:
    written(tmp_path, BASIC)
    lines = (tmp_path / "record.jsonl").read_bytes().splitlines(keepends=True)
    told = [json.loads(line)["before"] for line in lines]
    assert told == ["", *(hashlib.sha256(line).hexdigest() for line in lines[:-1])]


def _changed(lines: list[bytes]) -> None:
    lines[4] = lines[4].replace(b'"pass"', b'"fail"')


def _removed(lines: list[bytes]) -> None:
    del lines[4]


def _put_in(lines: list[bytes]) -> None:
    lines.insert(5, lines[3])


def _swapped(lines: list[bytes]) -> None:
    lines[4], lines[5] = lines[5], lines[4]


def _beheaded(lines: list[bytes]) -> None:
    lines[0] = lines[0].replace(b'"Ada"', b'"Bob"')


@pytest.mark.parametrize("edit, line", [(_changed, 6), (_removed, 5), (_put_in, 6), (_swapped, 5), (_beheaded, 2)])
def test_an_edited_record_is_refused_with_its_line(tmp_path: Path, edit: Callable[[list[bytes]], None], line: int) -> None:
    written(tmp_path, BASIC)
    path = tmp_path / "record.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))
    with pytest.raises(RecordError, match=rf"record\.jsonl:{line}: this line was not written after the line before it"):
        read(tmp_path)


def test_a_line_that_its_writer_did_not_live_to_finish_gives_way_to_the_next_and_is_told(tmp_path: Path) -> None:
    writer, other = Writer(tmp_path), Writer(tmp_path)
    writer.open(lambda: [RUN])
    other.open(lambda: [RUN])
    writer.write(LAB)
    with (tmp_path / "record.jsonl").open("ab") as file:
        file.write(b'{"entry":"outc')
    other.write(Event(text="next"))
    writer.write(Event(text="last"))
    told = "14 bytes were removed of a line that its writer did not live to finish"
    assert [one.text for one in read(tmp_path).events] == ["next", told, "last"]


def test_what_cannot_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"file/run/record\.jsonl: Not a directory \(is the folder writable"):
        Writer(tmp_path / "file" / "run").open(lambda: [RUN])


def test_a_closed_record_takes_nothing_more(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.open(lambda: [RUN])
    writer.close()
    with pytest.raises(RecordError, match="the record is not open"):
        writer.write(LAB)
    assert stat.S_ISREG(writer.path.stat().st_mode)
