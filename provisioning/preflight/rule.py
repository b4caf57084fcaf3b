"""What a rule of preflight is, what it finds, and the list of all rules (``rules.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib import resources

from sns.model import Location


class Severity(IntEnum):
    """How grave: an error stops or breaks the deployment, a warning works by luck, information is for a person to know."""

    INFORMATION = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """One trap. ``needs`` is ``cloud`` or ``person`` where a plan alone cannot settle it: until then it is information."""

    id: str
    severity: Severity
    title: str
    source: str
    remedy: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that does not hold at one place. ``severity`` is given where it is not the rule's own."""

    rule: str
    location: Location
    field: str
    message: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """All that one rule has to say: its gravest place first, the others beside it."""

    rule: Rule
    severity: Severity
    location: Location
    field: str
    message: str
    remedy: str
    also: tuple[Doubt, ...] = ()

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        first = f"{self.location}: {self.severity}: {self.field}: {self.message}{remedy} [{self.rule.id}]"
        return "\n".join([first, *(f"    also {one.location}: {one.field}: {one.message}" for one in self.also)])


CONTRADICTION = Rule(
    "plan",
    Severity.ERROR,
    "The plan cannot be read as it is, contradicts itself, or leaves out a part",
    "What the lab refuses too; docs/your-deployment.md has the tables.",
    "",
)
"""Stands beside the rules of the list for what reading the plan finds."""


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the list."""
    values = tomllib.loads((resources.files(__package__) / "rules.toml").read_text(encoding="utf-8"))["rules"]
    return {
        one["id"]: Rule(
            one["id"], Severity[one["level"].upper()], one["title"], one["source"], one["remedy"], one.get("needs", "")
        )
        for one in values
    }


def merged(doubts: Iterable[Doubt]) -> list[Finding]:
    """One finding for each rule that has a doubt, in the order of the list."""
    by_rule: dict[str, dict[Doubt, None]] = {}
    for doubt in doubts:
        by_rule.setdefault(doubt.rule, {})[doubt] = None
    return [_finding(rule, list(by_rule[rule.id])) for rule in rules().values() if rule.id in by_rule]


def _finding(rule: Rule, doubts: list[Doubt]) -> Finding:
    def severity(doubt: Doubt) -> Severity:
        return rule.severity if doubt.severity is None else doubt.severity

    first = max(doubts, key=severity)  # the first of the gravest
    others = tuple(doubt for doubt in doubts if doubt is not first)
    return Finding(rule, severity(first), first.location, first.field, first.message, rule.remedy, others)
