"""A tree that is read again: what was read before serves as long as nothing of it differs, and no longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from sns.errors import ConfigurationNotFound
from sns.identity import BASE_FILE
from sns.reader import read
from sns.rereading import Rereader

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


def test_another_lease_or_name_is_another_configuration(root: Path) -> None:
    reader = Rereader()
    before = reader.read(root, label="one", leases=LEASES)
    assert reader.read(root, label="other", leases=LEASES) is not before
    leased = dict(LEASES) | {"ethernet0": IPv4Interface("192.0.2.77/24")}
    assert reader.read(root, label="other", leases=leased) == read(root, label="other", leases=leased)


def test_a_tree_that_went_is_said_to_be_missing(root: Path, tmp_path: Path) -> None:
    reader = Rereader()
    reader.read(root, leases=LEASES)
    with pytest.raises(ConfigurationNotFound):
        reader.read(tmp_path / "nowhere", leases=LEASES)
