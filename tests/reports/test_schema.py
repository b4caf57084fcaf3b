"""The schema file says what the entries say, and a record that was written is valid by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reports.encoding import encode
from reports.entries import ENTRIES, SCHEMA, Entry
from reports.schema import schema
from tests.reports.examples import BASIC
from tests.reports.sealed import write_run
from tests.reports.test_record import EVERY

FILE = Path(__file__).parents[2] / "reports" / "record.schema.json"
VALID = Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))


def test_the_file_is_what_the_entries_make() -> None:
    again = "write it again: python -m reports.schema > reports/record.schema.json"
    assert json.loads(FILE.read_text(encoding="utf-8")) == schema(), again
    Draft202012Validator.check_schema(schema())


def test_every_line_of_a_written_record_is_valid(tmp_path: Path) -> None:
    lines = (write_run(tmp_path) / "record.jsonl").read_text().splitlines()
    assert len(lines) == len(BASIC) + 2
    for line in lines:
        VALID.validate(json.loads(line))


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.entry)
def test_every_kind_of_entry_is_valid(entry: Entry) -> None:
    VALID.validate(encode(entry))


@pytest.mark.parametrize(
    "change",
    [{"entry": "gossip"}, {"verdict": "perhaps"}, {"seconds": "long"}, {"evidence": "a"}, {"mood": 1}, {"detail": None}],
    ids=str,
)
def test_what_no_writer_writes_is_not_valid(change: dict[str, object]) -> None:
    outcome = next(entry for entry in EVERY if entry.entry == "outcome")
    assert not VALID.is_valid(encode(outcome) | change)


def test_the_page_about_the_record_speaks_of_every_kind_of_line() -> None:
    page = (FILE.parents[1] / "docs" / "record.md").read_text(encoding="utf-8")
    assert not [kind for kind in ENTRIES if f"`{kind}`" not in page]
    assert f"is {SCHEMA}. It goes up" in page
