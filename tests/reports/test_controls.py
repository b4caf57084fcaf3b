"""The shipped catalogues: every scenario is mapped or says why not, and whatever is wrong in a file is told with its line."""

from __future__ import annotations

import re
from pathlib import Path

from reports.controls import catalogues

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "reports" / "controls"


def _scenarios() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "features").glob("*.feature"))
    return {name for text in texts for name in re.findall(r"@(SNS-[A-Z]+-\d\d)\b", text)}


def test_the_shipped_catalogues_name_only_scenarios_and_controls_that_exist() -> None:
    assert catalogues.load(SHIPPED, _scenarios()).catalogues
