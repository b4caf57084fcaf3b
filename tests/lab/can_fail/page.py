"""The table as a page for people. ``python -m tests.lab.can_fail.page`` writes ``docs/scenarios.md``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.lab.can_fail.rows import ROWS

ROOT = Path(__file__).resolve().parents[3]

HEAD = """\
# Every scenario, and what turns it red

A scenario that has not been seen to fail proves nothing. For each one this page says what was broken in the lab, and the
first line of what the scenario then said; "…" stands for what differs from run to run. The project's own tests break and mend
all of it (`tests/lab/test_scenarios_can_fail.py`), and hold this page to what they saw.
"""


def text(features: Path) -> str:
    """The page."""
    return HEAD + "".join(_feature(file) for file in sorted(features.glob("*.feature")))


def _feature(file: Path) -> str:
    content = file.read_text()
    title = re.search(r"Feature: (.*)", content)
    assert title is not None
    return f"\n## {title[1]}\n" + "".join(_scenarios(content))


def _scenarios(content: str) -> Iterator[str]:
    for identifier, name in re.findall(r"@(SNS-\S+).*\n\s*Scenario(?: Outline)?: (.*)", content):
        yield f"\n**{identifier}** {name}\n\n"
        for row in ROWS:
            if row.scenario == identifier:
                ending = "" if row.verdict == "fail" else f" ({row.verdict})"
                yield f"- {row.broken}{ending}:\n  `{row.message}`\n"


if __name__ == "__main__":
    (ROOT / "docs/scenarios.md").write_text(text(ROOT / "features"))
