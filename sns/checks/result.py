"""What a check is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sns.model import Location


class Level(IntEnum):
    """How grave a result is. An error is refused by the appliance; a note is known to be a choice in good setups too."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of doubt. ``controls`` are labels of the published recommendations that it touches, best fit first."""

    id: str
    level: Level
    title: str
    reason: str
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A check's finding in one tree; the location's file is relative to it."""

    check: Check
    location: Location
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.location}: {self.check.level}: {self.field}: {self.message}{remedy} [{self.check.id}]"
