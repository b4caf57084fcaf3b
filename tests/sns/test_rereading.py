"""A tree that is read again: what was read before serves as long as nothing of it differs, and no longer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv4Interface
from pathlib import Path
from types import SimpleNamespace

import pytest

from sns import rereading
from sns.errors import ConfigurationNotFound
from sns.identity import BASE_FILE
from sns.reader import read
from sns.rereading import SETTLED, Rereader

from .trees import GUIDE, LEASES, write


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return write(tmp_path, GUIDE)


def test_a_tree_that_did_not_change_is_not_read_again(root: Path) -> None:
    reader = Rereader()
    assert reader.read(root, leases=LEASES) is reader.read(root, leases=dict(LEASES))


def _in_the_rules(root: Path) -> None:
    slot = root / "Filter/05"
    slot.write_text(slot.read_text().replace("pass", "drop", 1))


def _in_the_directory(root: Path) -> None:
    base = root.parent / BASE_FILE
    base.parent.mkdir(exist_ok=True)
    base.write_text("dn: o=other\n")


def _a_new_file(root: Path) -> None:
    (root / "never_heard_of").write_text("")


def _a_new_folder(root: Path) -> None:
    (root / "NeverHeardOf").mkdir()


def _a_file_less(root: Path) -> None:
    (root / "object").unlink()


def _a_pipe(root: Path) -> None:
    _a_file_less(root)
    os.mkfifo(root / "object")


@pytest.mark.parametrize(
    "change", [_in_the_rules, _in_the_directory, _a_new_file, _a_new_folder, _a_file_less, _a_pipe],
    ids=lambda change: change.__name__.strip("_"),
)  # fmt: skip
def test_what_changed_is_read_as_it_is_now(root: Path, change: Callable[[Path], None]) -> None:
    reader = Rereader()
    before = reader.read(root, leases=LEASES)
    change(root)
    now = reader.read(root, leases=LEASES)
    assert now is not before
    assert now == read(root, leases=LEASES)


def _toggle(root: Path) -> None:
    """Another content of the same length in the same file, whose time of change says nothing."""
    slot = root / "Filter/05"
    told, text = slot.stat(), slot.read_text()
    first, other = ("pass", "drop") if "pass" in text else ("drop", "pass")
    slot.write_text(text.replace(first, other))
    os.utime(slot, ns=(told.st_atime_ns, told.st_mtime_ns))


@pytest.fixture(name="_whole_seconds")
def _in_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system whose clock stands still for a second."""

    def coarse(ask: Callable[[], os.stat_result]) -> SimpleNamespace:
        told = ask()
        fields = {name: getattr(told, name) for name in dir(told) if name.startswith("st_")}
        return SimpleNamespace(**fields | {"st_ctime_ns": told.st_ctime_ns // 10**9 * 10**9})

    def below(folder: str) -> Iterator[tuple[str, Callable[[], SimpleNamespace]]]:
        for path, ask in original(folder):
            yield path, partial(coarse, ask)

    original = rereading._below
    monkeypatch.setattr(rereading, "_below", below)


@pytest.mark.usefixtures("_whole_seconds")
def test_a_file_that_is_rewritten_while_the_clock_of_files_stands_still_is_noticed(root: Path) -> None:
    reader = Rereader()
    slot = root / "Filter/05"
    slot.write_text(slot.read_text().replace("drop", "pass"))
    wanted = []
    for _ in range(2):
        wanted.append(reader.read(root, leases=LEASES))
        _toggle(root)
    assert wanted[0] != wanted[1]
    for turn in range(100):
        assert reader.read(root, leases=LEASES) is wanted[turn % 2]
        _toggle(root)


@pytest.fixture(name="read_again")
def _read_again(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read from when all is long written."""
    seen: list[Path] = []
    read_bytes = Path.read_bytes

    def noted(path: Path) -> bytes:
        seen.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    later = time.time_ns() + 2 * SETTLED
    monkeypatch.setattr(time, "time_ns", lambda: later)
    return seen


def test_a_file_that_was_long_written_is_read_once(root: Path, read_again: list[Path]) -> None:
    reader = Rereader()
    first = reader.read(root, leases=LEASES)
    assert root / "Filter/05" in read_again
    read_again.clear()
    assert reader.read(root, leases=LEASES) is first
    assert read_again == []


def test_a_file_that_was_long_written_is_read_again_when_only_the_kernel_knows_of_a_change(
    root: Path, read_again: list[Path]
) -> None:
    reader = Rereader()
    reader.read(root, leases=LEASES)
    written = (root / "Filter/05").stat().st_ctime_ns
    while (root / "Filter/05").stat().st_ctime_ns == written:
        _toggle(root)
    read_again.clear()
    assert reader.read(root, leases=LEASES) == read(root, leases=LEASES)
    assert root / "Filter/05" in read_again


def test_another_lease_or_name_is_another_configuration(root: Path) -> None:
    reader = Rereader()
    before = reader.read(root, label="one", leases=LEASES)
    assert reader.read(root, label="other", leases=LEASES) is not before
    leased = dict(LEASES) | {"ethernet0": IPv4Interface("192.0.2.77/24")}
    assert reader.read(root, label="other", leases=leased) == read(root, label="other", leases=leased)


def test_what_was_put_back_is_the_same_configuration_again(root: Path) -> None:
    reader, slot = Rereader(), root / "Filter/05"
    before, text = reader.read(root, leases=LEASES), slot.read_text()
    _in_the_rules(root)
    assert reader.read(root, leases=LEASES) is not before
    slot.write_text(text)
    assert reader.read(root, leases=LEASES) is before


def test_a_tree_that_went_is_said_to_be_missing(root: Path, tmp_path: Path) -> None:
    reader = Rereader()
    reader.read(root, leases=LEASES)
    with pytest.raises(ConfigurationNotFound):
        reader.read(tmp_path / "nowhere", leases=LEASES)
