"""What a feature file may not be, though the Gherkin parser takes it: each finding says file, line, and what to do.

A scenario whose name occurs twice would silently replace the first; a mistyped keyword would be read as description,
and a scenario without steps would pass. So none of these gets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from steps.plugins import tags

if TYPE_CHECKING:
    from pytest_bdd.gherkin_parser import Background, ExamplesTable, GherkinDocument, Rule, Scenario, Tag

_STEP_WORDS = ("Given", "When", "Then", "And", "But")
_BLOCK_WORDS = ("Feature", "Rule", "Background", "Scenario", "Scenario Outline", "Examples")
_NOT_IN_AN_ID = re.compile(r"[^\x20-\x7e]|[/\[\]]|::")


@dataclass(frozen=True, slots=True)
class Misuse:
    """A finding: the line it is about, and the message."""

    line: int
    message: str


def misuses(document: GherkinDocument, lines: list[str]) -> list[Misuse]:
    """Everything that is wrong with a feature, in the order of its lines."""
    return sorted(_Feature(document, lines).misuses(), key=lambda one: one.line)


@dataclass(frozen=True, slots=True)
class _Feature:
    document: GherkinDocument
    lines: list[str]

    def misuses(self) -> Iterator[Misuse]:
        feature = self.document.feature
        yield from self._like_keywords(feature.description, feature.location.line)
        yield from _unknown(feature.tags, with_id=False)
        for rule in self._rules():
            yield from self._like_keywords(rule.description, rule.location.line)
            yield from _unknown(rule.tags, with_id=False)
        for background in self._backgrounds():
            yield from self._description(background.description, background.location.line, "a background")
        scenarios = list(self._scenarios())
        if not scenarios:
            yield Misuse(feature.location.line, "this feature has no scenario")
        yield from _twice(scenarios)
        for scenario in scenarios:
            yield from self._scenario(scenario)

    def _rules(self) -> Iterator[Rule]:
        return (child.rule for child in self.document.feature.children if child.rule)

    def _backgrounds(self) -> Iterator[Background]:
        children = [*self.document.feature.children, *(child for rule in self._rules() for child in rule.children)]
        return (child.background for child in children if child.background)

    def _scenarios(self) -> Iterator[Scenario]:
        for child in self.document.feature.children:
            if child.scenario:
                yield child.scenario
            elif child.rule:
                yield from (one.scenario for one in child.rule.children if one.scenario)

    def _scenario(self, scenario: Scenario) -> Iterator[Misuse]:
        line = scenario.location.line
        if not scenario.name:
            yield Misuse(line, "this scenario has no name (write the sentence that must hold)")
        yield from self._description(scenario.description, line, "a scenario")
        if not scenario.steps:
            yield Misuse(line, f"scenario {scenario.name!r} has no step, so it would always pass")
        for step in scenario.steps:
            if step.keyword.strip() == "*":
                yield Misuse(step.location.line, "'*' says nothing (write Given, When, Then, And or But)")
        yield from _unknown(scenario.tags, with_id=True)
        ids = [tag.name.lstrip("@") for tag in scenario.tags if tags.ID.fullmatch(tag.name.lstrip("@"))]
        if len(ids) != 1:
            found = " ".join(f"@{one}" for one in ids) or "none"
            yield Misuse(line, f"scenario {scenario.name!r} needs one id tag such as @SNS-IPSEC-03, and has {found}")
        for examples in scenario.examples:
            yield from _examples(examples)

    def _description(self, description: str, line: int, owner: str) -> Iterator[Misuse]:
        for number, text in self._placed(description, line):
            yield Misuse(number, f"{text!r} is no step: {owner} has steps only (is the keyword mistyped?)")

    def _like_keywords(self, description: str, line: int) -> Iterator[Misuse]:
        for number, text in self._placed(description, line):
            head, colon, _ = text.partition(":")
            word, known = (head, _BLOCK_WORDS) if colon else (text.split(maxsplit=1)[0], _STEP_WORDS)
            if get_close_matches(word.capitalize(), known, n=1, cutoff=0.8):
                yield Misuse(number, f"{text!r} would be read as description (is the keyword mistyped?)")

    def _placed(self, description: str, line: int) -> Iterator[tuple[int, str]]:
        # The parser keeps a description's text and not its lines, so find them again below the keyword.
        number = line
        for text in (part.strip() for part in description.splitlines()):
            if not text:
                continue
            while number < len(self.lines) and self.lines[number].strip() != text:
                number += 1
            number += 1
            yield number, text


def _unknown(given: Iterable[Tag], *, with_id: bool) -> Iterator[Misuse]:
    for tag in given:
        name = tag.name.lstrip("@")
        if tags.meaning(name) is None:
            yield Misuse(tag.location.line, f"unknown tag {tag.name} (known: {tags.known()})")
        elif tags.ID.fullmatch(name) and not with_id:
            yield Misuse(tag.location.line, f"{tag.name}: an id belongs to one scenario, not to all of them")


def _twice(scenarios: Iterable[Scenario]) -> Iterator[Misuse]:
    first: dict[str, int] = {}
    for scenario in scenarios:
        line = scenario.location.line
        if (before := first.setdefault(scenario.name, line)) != line:
            yield Misuse(line, f"scenario {scenario.name!r} has the same name as the one at line {before}")


def _examples(examples: ExamplesTable) -> Iterator[Misuse]:
    for tag in examples.tags:
        if not tag.name.lstrip("@").startswith(tags.NEEDS) and tag.name.lstrip("@") not in tags.PLAIN:
            yield Misuse(tag.location.line, f"{tag.name} does not go on Examples (only @needs_… and plain tags do)")
    yield from _unknown(examples.tags, with_id=True)
    if not examples.table_body:
        yield Misuse(examples.location.line, "these examples have no row, so the scenario would never run")
    rows: dict[tuple[str, ...], int] = {}
    for row in examples.table_body or []:
        cells = tuple(cell.value for cell in row.cells)
        if (before := rows.setdefault(cells, row.location.line)) != row.location.line:
            yield Misuse(row.location.line, f"this row is the same as the one at line {before}")
        for cell in cells:
            if _NOT_IN_AN_ID.search(cell):
                yield Misuse(row.location.line, f"{cell!r} would be part of the test's name: use plain ASCII, no / [ ] ::")
