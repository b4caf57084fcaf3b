"""Why a deployment cannot be used: every reason at once, as findings that the whole project prints the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sns.model import Finding


class DeploymentError(Exception):
    """A deployment that cannot be used; ``findings`` holds every reason, each with file, line and field."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(_shown(str(finding)) for finding in findings))
        self.findings = findings


def _shown(line: str) -> str:
    """A line for a terminal: a file that is no text must neither flood it nor command it."""
    cut = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)


_LONGEST_LINE = 500  # characters; the longest message of ours has 250


def located(file: str, lines: list[tuple[int, str, str, str]]) -> tuple[Finding, ...]:
    """Findings as the whole project prints them: ``file:line: field: message (remedy)``."""
    from sns.model import Finding, Location, Severity

    return tuple(Finding(Severity.ERROR, Location(file, line), name, message, remedy) for line, name, message, remedy in lines)
