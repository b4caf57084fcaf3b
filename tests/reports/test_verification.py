"""Whatever is done to a run's folder after the run, ``rempart verify`` says it, and says where."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import main
from reports.seal import SIGNATURE, SUMS
from reports.verification import verify
from tests.reports.sealed import Keys, new_key, new_keys, write_run, write_sealed

FLIPS = 500
ANSWER = "evidence/SNS-WEB-01-sbg7/answer.txt"
CAPTURE = "evidence/SNS-WEB-01-sbg7/internet.pcapng"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    return write_sealed(tmp_path_factory.mktemp("original") / "run", keys.key)


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def _says(folder: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["verify", str(folder), *options])
    told = capsys.readouterr()
    return status, told.out + told.err


def _edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def _lines(run: Path) -> list[bytes]:
    return (run / "record.jsonl").read_bytes().splitlines(keepends=True)


# What was not touched


def test_a_sealed_and_signed_run_is_good(run: Path, keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _says(run, "--signers", str(keys.signers), capsys=capsys)
    assert status == 0
    assert "no findings: 12 lines of the record and" in told
    assert "3 of 3 planned scenarios have an outcome" in told
    assert "signature: ada@example.net, ED25519 key SHA256:" in told


def test_without_a_list_of_signers_the_signature_holds_and_its_owner_is_unknown(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = _says(run, capsys=capsys)
    assert status == 0
    assert "whose it is, --signers FILE tells" in told


def test_the_two_plain_commands_of_the_report_say_the_same(run: Path, keys: Keys) -> None:
    page = (run / "report.html").read_text()
    told = re.search(r'<pre class="commands">(.*?)</pre>', page, re.DOTALL)
    assert told is not None
    commands = told[1].replace("&lt;", "<").replace("allowed_signers", str(keys.signers)).replace("SIGNER", "ada@example.net")
    assert len(commands.splitlines()) == 2

    def statuses() -> list[int]:
        return [subprocess.run(["sh", "-c", one], cwd=run, capture_output=True).returncode for one in commands.splitlines()]

    assert statuses() == [0, 0]
    _edit(run / ANSWER, b"200", b"500")
    assert statuses() == [1, 0]
    _edit(run / SUMS, b"  report.html", b"  report.htm")
    assert statuses()[1] != 0


# Every byte


def test_any_byte_of_any_file_that_flips_is_seen(run: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    files = sorted(path for path in run.rglob("*") if path.is_file())
    unseen = []
    for number in range(FLIPS):
        path = files[number % len(files)]  # the small files as often as the large ones
        content = path.read_bytes()
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        if not verify(run).findings:
            unseen.append(f"{path.relative_to(run)} at {place}, bit {bit}")
        path.write_bytes(content)
    assert not unseen, f"seed {seed}"
    assert not verify(run).findings


@pytest.mark.parametrize("name, signed", [(SUMS, False), (SIGNATURE, True)])
def test_every_byte_of_the_seal_itself_counts(run: Path, name: str, signed: bool) -> None:
    """The sums are held to the files alone, and the signature to the one form that ssh-keygen writes: it reads others."""
    if not signed:
        (run / SIGNATURE).unlink()
    content = (run / name).read_bytes()
    unseen = []
    for place in range(len(content)):
        bit = 1 << place % 8
        (run / name).write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        if not verify(run).findings:
            unseen.append(place)
    assert not unseen


# What was done to files

TOUCHED: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "changed": (
        lambda run: _edit(run / ANSWER, b"200", b"500"),
        [rf"changed +{ANSWER} is not the file that SHA256SUMS:1 and record\.jsonl:5 name$"],
    ),
    "cut short": (
        lambda run: (run / CAPTURE).write_bytes(b"\0" * 10),
        [rf"changed +{CAPTURE} is not the file that SHA256SUMS:2 and record\.jsonl:6 name$"],
    ),
    "deleted": (
        lambda run: (run / ANSWER).unlink(),
        [rf"missing +{ANSWER} is named in SHA256SUMS:1 and record\.jsonl:5$"],
    ),
    "added": (
        lambda run: (run / "evidence" / "more.txt").write_text(""),
        [r"added +evidence/more\.txt is not in SHA256SUMS$"],
    ),
    "added, with a name that a terminal obeys": (
        lambda run: (run / "\x1b[2Jx").write_text(""),
        [r"added +\\x1b\[2Jx is not in SHA256SUMS$"],
    ),
    "swapped": (
        lambda run: _swap(run / ANSWER, run / CAPTURE),
        [rf"changed +{ANSWER} is not", rf"changed +{CAPTURE} is not"],
    ),
    "renamed": (
        lambda run: (run / "report.html").rename(run / "report.htm"),
        [r"missing +report\.html is named in SHA256SUMS:\d+$", r"added +report\.htm is not in"],
    ),
    "a link to the same bytes": (
        lambda run: _linked(run / ANSWER),
        [rf"changed +{ANSWER} is a link or a device, not a file$"],
    ),
    "a line of the record changed": (
        lambda run: _edit(run / "record.jsonl", b'"capture"', b'"capturf"'),
        [r"changed +record\.jsonl:6 is not the line that line 7 was written after", r"changed +record\.jsonl is not the file"],
    ),
    "the hash in a line changed": (
        lambda run: _rehashed(run),
        [r"changed +record\.jsonl:7 was changed$"],
    ),
    "a line of the record taken out": (
        lambda run: (run / "record.jsonl").write_bytes(b"".join(_lines(run)[:6] + _lines(run)[7:])),
        [r"changed +record\.jsonl:6 is not the line that line 7 was written after"],
    ),
    "lines of the record swapped": (
        lambda run: _swapped_lines(run),
        [r"changed +record\.jsonl:8 was written after line 6: lines were put in"],
    ),
    "the record cut at a line's end": (
        lambda run: (run / "record.jsonl").write_bytes(b"".join(_lines(run)[:-1])),
        [r"changed +record\.jsonl is not", r"incomplete +record\.jsonl:11 is the last line: the run did not come to its end$"],
    ),
    "the record gone": (lambda run: (run / "record.jsonl").unlink(), [r"missing +record\.jsonl is named in"]),
    "the sums gone": (
        lambda run: (run / SUMS).unlink(),
        [r"not sealed +SHA256SUMS is not there", r"changed +SHA256SUMS\.sig signs a SHA256SUMS that is not there"],
    ),
    "sums of another form": (
        lambda run: _edit(run / SUMS, b"  ", b" *"),
        [r"changed +SHA256SUMS:1 is not a line of sums", r"changed +SHA256SUMS\.sig not a signature of SHA256SUMS"],
    ),
    "another seal over other content": (
        lambda run: _sealed_anew(run),
        [r"changed +SHA256SUMS\.sig not a signature of SHA256SUMS as it is now"],
    ),
}


def _swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _linked(path: Path) -> None:
    elsewhere = path.parents[3] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _rehashed(run: Path) -> None:
    lines = _lines(run)
    lines[6] = re.sub(rb'"before":"[0-9a-f]{4}', b'"before":"beef', lines[6])
    (run / "record.jsonl").write_bytes(b"".join(lines))


def _swapped_lines(run: Path) -> None:
    lines = _lines(run)
    lines[6], lines[7] = lines[7], lines[6]
    (run / "record.jsonl").write_bytes(b"".join(lines))


def _sealed_anew(run: Path) -> None:
    from reports.seal import seal

    (run / "evidence" / "more.txt").write_text("made up")
    seal(run)


@pytest.mark.parametrize("touch", TOUCHED)
def test_what_was_touched_is_named(run: Path, touch: str, capsys: pytest.CaptureFixture[str]) -> None:
    act, findings = TOUCHED[touch]
    act(run)
    status, told = _says(run, capsys=capsys)
    assert status == 1
    for finding in findings:
        assert re.search(finding, told, re.MULTILINE), told
    assert "Traceback" not in told


def test_all_is_said_at_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for touch in ("changed", "added", "renamed", "a line of the record taken out"):
        TOUCHED[touch][0](run)
    _, told = _says(run, capsys=capsys)
    assert all(
        re.search(finding, told, re.MULTILINE) for touch in ("changed", "added", "renamed") for finding in TOUCHED[touch][1]
    )
    assert "record.jsonl:6" in told


# Runs that did not end, and folders that nobody signed


def _unsealed(run: Path) -> None:
    for name in (SUMS, SIGNATURE):
        (run / name).unlink()


def test_a_run_that_was_killed_is_incomplete_and_untouched(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _unsealed(run)
    (run / "record.jsonl").write_bytes(b"".join(_lines(run)[:8]) + b'{"entry":"outc')
    status, told = _says(run, capsys=capsys)
    assert status == 3
    assert "incomplete  record.jsonl:9 is only half written" in told
    assert "incomplete  record.jsonl:8 is the last line: the run did not come to its end" in told
    assert "incomplete  record.jsonl SNS-WEB-01[gra11] began and did not end" in told
    assert "incomplete  record.jsonl SNS-WEB-02[none] was planned and did not run" in told
    assert "not sealed  SHA256SUMS is not there" in told


def test_evidence_that_is_lost_from_a_killed_run_is_missing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _unsealed(run)
    (run / ANSWER).unlink()
    status, told = _says(run, capsys=capsys)
    assert status == 1
    assert f"missing     {ANSWER} is named in record.jsonl:5" in told


def test_a_signature_that_was_asked_for_and_is_not_there(
    tmp_path: Path, keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_sealed(tmp_path / "run")
    assert _says(folder, capsys=capsys)[0] == 0
    status, told = _says(folder, "--signers", str(keys.signers), capsys=capsys)
    assert status == 4
    assert "not signed  SHA256SUMS.sig is not there: nobody vouches for this folder" in told


def test_a_signature_by_somebody_who_may_not(tmp_path: Path, keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_sealed(tmp_path / "run", new_key(tmp_path / "mallory"))
    status, told = _says(folder, "--signers", str(keys.signers), capsys=capsys)
    assert status == 4
    assert re.search(
        r"not signed +SHA256SUMS\.sig signed with ED25519 key SHA256:\S+, which \S+ does not allow$", told, re.MULTILINE
    )


def test_a_signature_by_somebody_else_than_the_one_named(run: Path, keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _says(run, "--signers", str(keys.signers), "--signer", "bob@example.net", capsys=capsys)
    assert status == 4
    assert "does not allow for bob@example.net" in told


# Bad input


@pytest.mark.parametrize(
    "options, told",
    [
        (("--signers", "nowhere"), "rempart: nowhere: No such file or directory"),
        (("--signers", "EMPTY"), "names nobody (a line is: NAME namespaces="),
        (("--signers", "BINARY"), "not text"),
        (("--signer", "ada"), "rempart: verify --signer NAME: say --signers FILE too"),
    ],
)
def test_a_list_of_signers_that_cannot_be_used(
    run: Path, tmp_path: Path, options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("EMPTY", b"# nobody\n"), ("BINARY", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
    status, said = _says(run, *(str(tmp_path / one) if one.isupper() else one for one in options), capsys=capsys)
    assert status == 2
    assert told in said


def test_a_folder_without_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _says(tmp_path, capsys=capsys)
    assert status == 2
    assert told == f"rempart: {tmp_path}: no run's folder: record.jsonl is not there (name one like reports/runs/…)\n"


def test_a_schema_that_is_not_known_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run")
    _edit(folder / "record.jsonl", b'"schema":2', b'"schema":99')
    status, told = _says(folder, capsys=capsys)
    assert status == 2
    assert "unreadable  record.jsonl:1 schema 99 is not known here (this is 2)" in told
