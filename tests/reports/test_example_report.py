"""The example of a run is what its page says: the command that stands there runs the instances that are in its record."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from reports.record import read

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/example-report"
PYTEST = ".venv/bin/pytest "
AGAIN = "make the example anew, by the commands of docs/example-report/README.md"


def _features() -> list[str]:
    """The feature files that the page's command runs."""
    page = (EXAMPLE / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (command,) = (line for line in page.splitlines() if line.strip().startswith(PYTEST))
    return [word for word in shlex.split(command) if word.endswith(".feature")]


def test_its_instances_are_those_which_the_command_of_its_page_runs_today() -> None:
    (folder,) = (path.parent for path in EXAMPLE.glob("*/record.jsonl"))
    record = read(folder)
    command = [sys.executable, "-m", "pytest", *_features(), "--collect-only", "-q", "-p", "no:cacheprovider"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert record.complete
    assert not record.run.dirty, AGAIN
    assert set(record.scenarios) == {line.partition("::")[2] for line in told.splitlines() if "::" in line}, AGAIN
