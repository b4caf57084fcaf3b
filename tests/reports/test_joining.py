"""Records of shards make one record, which is as good as theirs; what is not of one whole is refused, with every reason."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import main
from reports import renderings, seal
from reports.entries import EnvironmentUp
from reports.origins import FOLDER
from reports.record import read
from reports.verification import verify
from tests.reports.sealed import Keys, new_key, new_keys
from tests.reports.shards import FEATURES, REFUTED, WHOLE, started, write_shard

Shards = tuple[Path, Path]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Shards:
    folder = tmp_path_factory.mktemp("shards")
    return write_shard(folder / "one", 1, key=keys.key), write_shard(folder / "two", 2, key=keys.key)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory, shards: Shards, keys: Keys) -> Path:
    folder = tmp_path_factory.mktemp("joined") / "run"
    options = ["--output", str(folder), "--signers", str(keys.signers), "--sign", str(keys.key)]
    assert main(["report", "merge", *map(str, reversed(shards)), *options]) == 0
    return folder


def _merge(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["report", "merge", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out + told.err


# What comes of it


def test_the_joined_record_is_whole_sealed_and_signed(joined: Path, keys: Keys) -> None:
    checked = verify(joined, signers=keys.signers)
    assert not checked.findings
    assert (checked.planned, checked.ended) == (6, 6)
    assert checked.signed is not None
    assert checked.signed.who == "ada@example.net"


def test_it_says_what_its_origins_say(joined: Path, shards: Shards) -> None:
    record, parts = read(joined), [read(shard) for shard in shards]
    assert record.plan is not None
    assert record.plan.planned == WHOLE, "in the order in which one run would have had them"
    assert (record.plan.deselected, record.plan.features) == (3, FEATURES)
    assert record.counts() == {"pass": 5, "fail": 1}
    assert sum(sum(part.counts().values()) for part in parts) == 6
    assert {name: one.verdict for part in parts for name, one in part.scenarios.items()} == {
        name: one.verdict for name, one in record.scenarios.items()
    }
    assert record.end is not None
    assert (record.end.status, record.end.seconds, record.end.counts) == (1, 20.0, {"pass": 5, "fail": 1})
    assert (len(record.supports), len(record.catalogues), len(record.deviations)) == (2, 3, 1), "said once"
    assert [one.worker for one in record.environments] == ["1/2 gw0", "2/2"]
    assert record.complete


def test_its_evidence_is_there(joined: Path) -> None:
    for name, one in read(joined).scenarios.items():
        assert [(joined / file.path).read_text() for file in one.evidence] == [f"of {name}"]


def test_it_names_its_origins_and_keeps_their_records_and_seals(joined: Path, shards: Shards, keys: Keys) -> None:
    record = read(joined)
    assert [(one.run, one.shard) for one in record.origins] == [
        (read(shard).run.run, f"{n}/2") for n, shard in enumerate(shards, 1)
    ]
    assert all(one.signed.startswith("ada@example.net, ED25519 key SHA256:") for one in record.origins)
    for one, shard in zip(record.origins, shards, strict=True):
        own = joined / FOLDER / one.run
        assert sorted(path.name for path in own.iterdir()) == ["SHA256SUMS", "SHA256SUMS.sig", "record.jsonl"]
        assert all(path.read_bytes() == (shard / path.name).read_bytes() for path in own.iterdir())


def test_all_renderings_are_made_of_it(joined: Path, tmp_path: Path) -> None:
    for name in renderings.LEFT_BY_A_RUN:
        assert renderings.write(joined, name, into=tmp_path).exists()
    assert "Joined from" in (joined / "report.html").read_text()
    assert "1/2, 2/2" in (joined / "report.html").read_text()


def test_runs_of_different_scenarios_make_one_record_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_shard(tmp_path / f"run{n}", n, of_a_split=False) for n in (1, 2)]
    assert _merge(*runs, "--output", tmp_path / "joined", capsys=capsys) == (0, f"{tmp_path}/joined\n")
    record = read(tmp_path / "joined")
    assert sorted(record.scenarios) == sorted(WHOLE)
    assert [one.shard for one in record.origins] == ["", ""]
    assert not verify(tmp_path / "joined").findings


# What was done to it afterwards


def test_a_joined_record_that_was_made_anew_does_not_tell_what_its_origins_do(joined: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(joined, tmp_path / "run"))
    _written_anew(folder, b'"verdict":"fail"', b'"verdict":"pass"')
    (found,) = verify(folder).findings
    assert found.kind == "changed"
    assert re.fullmatch(rf"is not what {FOLDER}/\S+ tells here", found.what)


def test_an_origin_that_was_changed_is_named_by_the_record(joined: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(joined, tmp_path / "run"))
    origin = folder / FOLDER / read(folder).origins[0].run / "record.jsonl"
    origin.write_bytes(origin.read_bytes().replace(b"Ada", b"Bob"))
    seal.seal(folder)
    (folder / seal.SIGNATURE).unlink()
    (found,) = verify(folder).findings
    assert (found.kind, found.where) == ("changed", origin.relative_to(folder).as_posix())
    assert re.fullmatch(r"is not the file that record\.jsonl:\d+ names", found.what)


def _written_anew(folder: Path, old: bytes, new: bytes) -> None:
    """Change a record as somebody would who can write all of it: with a chain and a seal of their own."""
    from reports.chain import digest

    last, lines = "", []
    for line in (folder / "record.jsonl").read_bytes().replace(old, new).splitlines():
        values = json.loads(line) | {"before": last}
        lines.append(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        last = digest(lines[-1])
    (folder / "record.jsonl").write_bytes(b"".join(lines))
    seal.seal(folder)
    (folder / seal.SIGNATURE).unlink()


# What is refused


def _edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


UNFIT: dict[str, tuple[Callable[[Path], object], str]] = {
    "another deployment's file": (
        lambda two: write_shard(two, 2, deployment_files={"deployment.toml": "f" * 64}),
        "of the deployment, not as in ONE: deployment.toml",
    ),
    "another deployment": (lambda two: write_shard(two, 2, deployment="mine"), "the deployment is mine, and guide in ONE"),
    "another tool": (
        lambda two: write_shard(two, 2, tool="rempart 0.2.0"),
        "the tool is rempart 0.2.0, and rempart 0.1.0 in ONE",
    ),
    "another commit": (lambda two: write_shard(two, 2, commit="beef"), "the commit is beef, and 4f1c in ONE"),
    "changed files": (lambda two: write_shard(two, 2, dirty=False), "uncommitted changes is none, and some in ONE"),
    "other features": (
        lambda two: write_shard(two, 2, features={"features/web.feature": "b" * 64}),
        "features/web.feature is not as in ONE",
    ),
    "another firmware": (
        lambda two: write_shard(two, 2, more=(started("fw1-sbg7", firmware="4.3.1"),)),
        "the version of fw1-sbg7 is 4.3.1, and 4.8.9 in ONE",
    ),
    "another environment": (
        lambda two: write_shard(two, 2, more=(EnvironmentUp(kind="openstack", capabilities=(), seconds=1),)),
        "the environment is lab, openstack, and lab in ONE",
    ),
    "a configuration of its own, on appliances that were not made for it": (
        lambda two: write_shard(two, 2, lab="attach", more=(started("fw1-sbg7", sha256="d" * 64),)),
        f"the configuration of fw1-sbg7 at the start is {'d' * 64}, and {'c' * 64} in ONE",
    ),
    "another day for its waivers": (
        lambda two: write_shard(two, 2, at="2026-11-25T00:00:00.000Z"),
        "the waivers in force is none, and SNS-HA-04 in ONE",
    ),
    "the same shard": (lambda two: write_shard(two, 1), f"has what ONE has too: {', '.join(WHOLE[::2])}"),
    "another number of shards": (lambda two: write_shard(two, 2, 3), "is one of 3 shards, and ONE of 2"),
    "a whole run": (
        lambda two: write_shard(two, 2, of_a_split=False),
        "ONE: is shard 1/2, and ",
    ),
    "a shard of something else": (
        lambda two: write_shard(two, 2, whole=(*WHOLE, "SNS-WEB-09")),
        "was split from other scenarios than ONE: SNS-WEB-09",
    ),
    "a file of evidence changed": (
        lambda two: _edit(write_shard(two, 2) / "evidence" / "SNS-PLAT-07" / "answer.txt", b"of", b"no"),
        "changed: evidence/SNS-PLAT-07/answer.txt is not the file that SHA256SUMS:2 and record.jsonl:18 name",
    ),
    "a line of its record changed": (
        lambda two: _edit(write_shard(two, 2) / "record.jsonl", b"Ada", b"Bob"),
        "changed: record.jsonl:1 is not the line that line 2 was written after",
    ),
    "a run that was killed": (
        lambda two: write_shard(two, 2, cut_after=1),
        "2/2: the run was cut short: 1 of 3 planned scenarios have an outcome (--incomplete accepts that)",
    ),
}


@pytest.mark.parametrize("what", UNFIT)
def test_what_is_not_of_one_whole_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write_shard(tmp_path / "one", 1, more=(started("fw1-sbg7"),))
    UNFIT[what][0](tmp_path / "two")
    status, told = _merge(one, tmp_path / "two", "--output", tmp_path / "joined", capsys=capsys)
    assert status == 3
    assert UNFIT[what][1].replace("ONE", str(one)) in told
    assert all(line.startswith("rempart: ") for line in told.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"], "and nothing is written"


def test_every_reason_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write_shard(tmp_path / "one", 1, 4)
    two = write_shard(tmp_path / "two", 2, 4, tool="rempart 0.2.0", features={"features/web.feature": "b" * 64})
    three = _touched(write_shard(tmp_path / "three", 3, 4))
    status, told = _merge(one, two, three, "--output", tmp_path / "joined", capsys=capsys)
    assert status == 3
    assert [line.partition(": ")[2].partition(": ")[0] for line in told.splitlines()] == [str(three), str(two), str(two)]


def test_one_record_alone_that_was_changed_is_refused_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = _touched(write_shard(tmp_path / "one", 1))
    status, told = _merge(one, "--output", tmp_path / "joined", capsys=capsys)
    assert (status, told) == (3, f"rempart: {one}: added: notes.txt is not in SHA256SUMS\n")


def _touched(folder: Path) -> Path:
    (folder / "notes.txt").write_text("")
    return folder


def test_a_missing_shard_is_refused_or_said_in_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [write_shard(tmp_path / str(n), n, 4) for n in (1, 3)]
    lacks = "shards 2/4, 4/4 missing: 3 scenarios are not here"
    status, told = _merge(*parts, "--output", tmp_path / "joined", capsys=capsys)
    assert (status, told) == (3, f"rempart: {lacks} (--incomplete accepts that)\n")

    status, told = _merge(*parts, "--output", tmp_path / "joined", "--incomplete", capsys=capsys)
    assert (status, told) == (0, f"{lacks}\n{tmp_path}/joined\n")
    record = read(tmp_path / "joined")
    assert [one.text for one in record.events] == [lacks]
    assert record.not_run == (*WHOLE[1:2], *WHOLE[3:4], *WHOLE[5:])
    assert not record.complete
    assert {one.kind for one in verify(tmp_path / "joined").findings} == {"incomplete"}


def test_a_shard_that_was_cut_short_is_accepted_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [write_shard(tmp_path / "1", 1), write_shard(tmp_path / "2", 2, cut_after=1)]
    status, told = _merge(*parts, "--output", tmp_path / "joined", "--incomplete", capsys=capsys)
    lacks = "2, 2/2: the run was cut short: 1 of 3 planned scenarios have an outcome"
    assert (status, told) == (0, f"{lacks}\n{tmp_path}/joined\n")
    assert read(tmp_path / "joined").counts() == {"pass": 3, "fail": 1} if REFUTED in WHOLE[::2] else {"pass": 4}
    assert {one.kind for one in verify(tmp_path / "joined").findings} == {"incomplete"}


def test_a_shard_that_nobody_of_the_list_signed_is_refused(
    shards: Shards, tmp_path: Path, keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    two = write_shard(tmp_path / "two", 2, key=new_key(tmp_path / "mallory"))
    status, told = _merge(shards[0], two, "--output", tmp_path / "joined", "--signers", keys.signers, capsys=capsys)
    assert status == 3
    assert f"rempart: {two}: not signed: SHA256SUMS.sig signed with ED25519 key SHA256:" in told


def test_a_joined_record_is_not_joined_again(joined: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _merge(joined, "--output", tmp_path / "joined", capsys=capsys)
    assert (status, told) == (3, f"rempart: {joined}: is joined from others already; give those\n")


@pytest.mark.parametrize(
    "arguments, status, told",
    [
        (("nowhere", "neither", "--output", "OUT"), 2, "\nrempart: neither: no run's folder: record.jsonl is not there"),
        (("ONE", "TWO", "--output", "ONE"), 1, "/one: there is something already"),
        (("ONE", "TWO", "--output", "OUT", "--signers", "nowhere"), 2, "rempart: nowhere: No such file or directory"),
        (("ONE", "TWO", "--output", "OUT", "--sign", "nowhere"), 2, "rempart: nowhere: no such file"),
        (("ONE", "TWO", "--output", "OUT", "--timestamp-url", "x"), 2, "rempart: x: not the address of a time stamp authority"),
    ],
)
def test_a_wrong_call(
    shards: Shards, tmp_path: Path, arguments: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"ONE": str(shards[0]), "TWO": str(shards[1]), "OUT": str(tmp_path / "out")}
    assert _merge(*(places.get(one, one) for one in arguments), capsys=capsys)[0] == status
    assert not (tmp_path / "out").exists()
    assert told in _merge(*(places.get(one, one) for one in arguments), capsys=capsys)[1]


def test_a_folder_of_that_name_can_still_be_reported_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shard(tmp_path / "merge", 1)
    monkeypatch.chdir(tmp_path)
    assert main(["report", "./merge", "--format", "md", "--output", "out"]) == 0
