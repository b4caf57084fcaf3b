"""Each scenario turns red for the right reason: something is broken for it, and it says what (``tests/lab/can_fail/``)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reports.entries import Outcome
from reports.record import read
from tests.lab.can_fail import page
from tests.lab.can_fail.row import Row
from tests.lab.can_fail.rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
ALL_WITHIN = 900  # s for all rows: some 300 on two idle cores

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """How each row's scenario ended, in one lab that is broken and mended row by row."""
    runs = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "pytest", "features/", "-q", "--campaign", "-p", "no:cacheprovider",
               "-p", "tests.lab.can_fail.saboteur", "--runs", str(runs)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ALL_WITHIN, check=False)
    folders = list(runs.iterdir())
    assert len(folders) == 1, done.stdout + done.stderr
    return {name: one.ending for name, one in read(folders[0]).scenarios.items()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.instance}: {row.broken}")
def test_a_scenario_fails_for_the_right_reason(row: Row, endings: Mapping[str, Outcome]) -> None:
    ending = endings[row.instance]
    assert ending.verdict == row.verdict, ending.detail
    assert row.is_told_by(ending.reason), f"it says {ending.reason!r}, not {row.message!r}"


def test_no_scenario_is_left_out() -> None:
    written = {
        name for feature in (ROOT / "features").glob("*.feature") for name in re.findall(r"@(SNS-\S+)", feature.read_text())
    }
    assert written == {row.scenario for row in ROWS}


def test_the_page_for_people_says_the_same() -> None:
    file = ROOT / "docs/scenarios.md"
    assert file.read_text() == page.text(ROOT / "features"), f"write it anew: {sys.executable} -m tests.lab.can_fail.page"
