"""The page on going live names the scenarios that run against the deployment itself."""

from __future__ import annotations

import re
from pathlib import Path

from provisioning.live.environment import LIVE_CAPABILITIES
from steps.plugins import tags

ROOT = Path(__file__).resolve().parents[3]
NOT_REACHED = "each_bare_metal_server"  # neither by the firewall's shell nor by reach.toml


def _run() -> set[str]:
    """The scenarios that the deployment itself has all for, and that take nothing down."""
    found = set()
    for feature in (ROOT / "features").glob("*.feature"):
        for line in re.findall(r"^  (@SNS-.*)$", feature.read_text(), re.MULTILINE):
            name, *others = line.replace("@", "").split()
            needs = {each.removeprefix(tags.NEEDS) for each in others if each.startswith(tags.NEEDS)}
            if needs <= LIVE_CAPABILITIES and not {"disruptive", NOT_REACHED} & set(others):
                found.add(name)
    return found


def test_the_page_names_what_runs() -> None:
    text = (ROOT / "docs/going-live.md").read_text()
    sentence = text.partition("these run: ")[2].partition(". ")[0]
    named: set[str] = set()
    for prefix, numbers in re.findall(r"(SNS-[A-Z]+)((?:-\d\d(?:,\s+(?=-))?)+)", sentence):
        named |= {f"{prefix}-{number}" for number in re.findall(r"\d\d", numbers)}
    assert named == _run()


def test_the_page_says_what_each_want_means() -> None:
    table = (ROOT / "docs/going-live.md").read_text().partition("| left out for want of")[2]
    wanted = {
        tags.spoken(need)
        for feature in (ROOT / "features").glob("*.feature")
        for need in re.findall(rf"@{tags.NEEDS}(\w+)", feature.read_text())
    }
    assert [each for each in sorted(wanted) if f"`{each}`" not in table] == []
