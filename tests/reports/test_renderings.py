"""``rempart report``: an old record as documents again, from its folder alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cli.main import main
from reports.entries import RecordError
from reports.languages import CODES
from reports.record import read
from reports.renderings import FORMATS, SUMS, write_all
from tests.reports.examples import BASIC, written
from tests.reports.runs import MIXED

ROOT = Path(__file__).parents[2]


def test_a_run_leaves_its_renderings_beside_its_record(tmp_path: Path) -> None:
    written(tmp_path, MIXED)
    left = ["report.html", "junit.xml", "assessment-results.json", "hdf.json", "summary.md"]
    assert [path.name for path in write_all(read(tmp_path))] == left


def test_the_command_writes_the_language_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, MIXED)
    assert main(["report", str(tmp_path), "--lang", "fr"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.fr.html'}\n"
    assert '<html lang="fr"' in (tmp_path / "report.fr.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_all_formats_are_the_same_bytes_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str) -> None:
    written(tmp_path / "run", BASIC)
    found = []
    for place in (tmp_path / "once", tmp_path / "again"):
        assert main(["report", str(tmp_path / "run"), "--format", "all", "--lang", code, "--output", str(place)]) == 0
        found.append({path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()})
    assert {form.file(code) for form in FORMATS.values()} <= found[0].keys()
    assert found[0] == found[1]


def test_no_lab_no_engine_and_no_root_is_needed(tmp_path: Path) -> None:
    written(tmp_path, BASIC)
    asked = ["report", str(tmp_path), *(f"--format={name}" for name in FORMATS if name != "pdf")]
    program = f"import sys; from cli.main import main; status = main({asked!r}); print(status, *sys.modules)"
    quiet = {"PATH": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent"}
    status, *loaded = subprocess.run(
        [sys.executable, "-c", program], env=quiet, capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1].split()  # fmt: skip
    assert status == "0"
    ours = set(loaded) - {"lab", "lab.signals"}  # how every command hears Ctrl-C: the standard library alone
    assert not {name.partition(".")[0] for name in ours} & {"docker", "lab", "provisioning", "scapy", "steps"}


def test_what_was_prepared_is_rendered_without_another_import(tmp_path: Path) -> None:
    written(tmp_path, MIXED)
    program = (
        "import sys; from pathlib import Path; from reports import renderings; from reports.record import read\n"
        f"record = read(Path({str(tmp_path)!r})); renderings.prepare(); before = set(sys.modules)\n"
        "renderings.write_all(record); print(*sys.modules.keys() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not [name for name in done.stdout.split() if not name.startswith(("encodings.", "importlib."))]


def test_rendering_twice_changes_nothing(tmp_path: Path) -> None:
    written(tmp_path, MIXED)
    first, *_ = write_all(read(tmp_path))
    before = first.read_bytes(), first.stat().st_mtime_ns
    write_all(read(tmp_path))
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before


def test_what_oscal_cannot_say_is_told(tmp_path: Path) -> None:
    written(tmp_path, [replace(entry, at="yesterday") for entry in MIXED])
    with pytest.raises(RecordError, match="cannot say it"):
        write_all(read(tmp_path))


def test_elsewhere_its_links_lead_back(tmp_path: Path) -> None:
    written(tmp_path / "a run", MIXED)
    assert main(["report", str(tmp_path / "a run"), "--output", str(tmp_path / "out")]) == 0
    assert 'href="../a%20run/evidence/x/internet.pcapng"' in (tmp_path / "out" / "report.html").read_text()


def test_a_sealed_folder_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, MIXED)
    write_all(read(tmp_path))
    (tmp_path / SUMS).write_text("")
    assert main(["report", str(tmp_path)]) == 0  # the same bytes: nothing to write
    assert main(["report", str(tmp_path), "--lang", "fr"]) == 1
    assert "--output DIR" in capsys.readouterr().err
    assert not (tmp_path / "report.fr.html").exists()
    assert main(["report", str(tmp_path), "--lang", "fr", "--output", str(tmp_path.parent / "french")]) == 0


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "record.jsonl is not there"),
        (b"", "record.jsonl:1: a record begins with a run entry"),
        (b'{"entry":"run","schema":99}\n', "record.jsonl:1: schema 99 is not known here"),
        (b"not json\n", "record.jsonl:1: "),
        (b"\xff\xfe\n", "record.jsonl:1: "),
    ],
    ids=["none", "empty", "schema", "no JSON", "no text"],
)
def test_what_is_no_record_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "record.jsonl").write_bytes(content)
    assert main(["report", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, MIXED)
    (tmp_path / "taken").write_text("")
    assert main(["report", str(tmp_path), "--output", str(tmp_path / "taken")]) == 1
    assert "taken" in capsys.readouterr().err


def test_a_record_cut_in_the_middle_of_a_line_is_rendered_as_far_as_it_goes(tmp_path: Path) -> None:
    written(tmp_path, MIXED)
    path = tmp_path / "record.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert main(["report", str(tmp_path)]) == 0
    assert "The record is incomplete" in (tmp_path / "report.html").read_text()


def test_the_example_is_as_its_run_left_it() -> None:
    (folder,) = (path.parent for path in (ROOT / "docs" / "example-report").rglob(SUMS))
    sums = (line.split("  ", 1) for line in (folder / SUMS).read_text(encoding="utf-8").splitlines())
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if not name.startswith(SUMS)}
    assert found == {name.removeprefix("./"): digest for digest, name in sums}
    assert sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file()) < 3_000_000
