"""Edits of the configuration that do not count yet: checked whole, undone whole, and nothing else of the files changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance.serverd import documents
from lab.appliance.serverd.clone import Clone, in_place
from lab.appliance.serverd.documents import Entry
from lab.appliance.serverd.replies import Refusal
from tests.sns.trees import GUIDE, write

TEXT = "# head\n[Host]\n# name=ip\na=10.0.0.1\t# first\n\n[Network]\nn=10.0.0.0/8\n"


def test_a_line_is_added_where_it_belongs_and_all_else_stays() -> None:
    fresh = documents.with_entry(TEXT, "host", Entry("b=10.0.0.2", "second"))
    assert fresh == TEXT.replace("# first\n", "# first\nb=10.0.0.2\t# second\n")
    assert documents.with_entry(TEXT, "Host", Entry("z=1"), 0) == TEXT.replace("a=", "z=1\na=")


def test_a_line_is_replaced_and_removed_by_its_name() -> None:
    assert "a=10.0.0.9\n" in documents.replaced(TEXT, "Host", "A", Entry("a=10.0.0.9"))
    assert documents.entries(documents.without(TEXT, "Host", "a"), "Host") == []
    assert "# name=ip" in documents.without(TEXT, "Host", "a")


def test_a_section_that_is_missing_is_made_and_one_that_is_there_can_go() -> None:
    assert documents.entries(documents.with_entry(TEXT, "Service", Entry("s=1/tcp")), "Service") == [Entry("s=1/tcp")]
    assert documents.sections(documents.without_section(TEXT, "Host")) == ["Network"]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    write(tmp_path, GUIDE)
    return Clone(tmp_path)


def test_an_edit_is_seen_and_the_file_is_as_it_was(clone: Clone, tmp_path: Path) -> None:
    clone.checked(lambda: clone.write("object", clone.read("object").replace("10.200.0.10", "10.200.0.11")))
    assert str(clone.configuration().objects.hosts["ubuntu-webserver"].first) == "10.200.0.11"
    assert "10.200.0.10" in (tmp_path / "ConfigFiles/object").read_text()


def test_an_edit_that_brings_an_error_is_undone_and_the_ones_before_it_stay(clone: Clone) -> None:
    clone.checked(lambda: clone.write("object", clone.read("object").replace("10.200.0.10", "10.200.0.11")))
    with pytest.raises(Refusal, match='unknown address object "ubuntu-webserver"'):
        clone.checked(lambda: clone.write("object", documents.without(clone.read("object"), "Host", "ubuntu-webserver")))
    assert "10.200.0.11" in clone.read("object")


def test_edits_are_dropped_by_file(clone: Clone) -> None:
    clone.write("object", "x")
    clone.write("Filter/05", "y")
    assert list(clone.edited(("Filter",))) == ["ConfigFiles/Filter/05"]
    clone.drop(clone.edited(("Filter",)))
    assert list(clone.edited()) == ["ConfigFiles/object"]


FILES = {"a": "new", "b/c": "fresh", "d": None}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("old")
    (tmp_path / "d").write_text("stays")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_files_are_in_place_and_nothing_else_is_left(old: Path) -> None:
    with in_place(old, FILES):
        assert (old / "a").read_text() == "new"
    assert contents(old) == {"a": "new", "b/c": "fresh"}


def test_files_are_put_back_when_what_is_done_with_them_fails(old: Path) -> None:
    before = contents(old)
    with pytest.raises(Refusal), in_place(old, FILES):
        raise Refusal("no")
    assert contents(old) == before


def test_no_file_is_replaced_when_one_cannot_be(old: Path) -> None:
    (old / "b").write_text("a file where a folder must be")
    before = contents(old)
    with pytest.raises(OSError, match="b"), in_place(old, FILES):
        pass
    assert contents(old) == before
