"""Places and findings: where something stands in a file, and what a reader must tell about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A line of a file, the file named relative to the ConfigFiles root (``Filter/05:14``)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Severity(Enum):
    """How a finding bears on the use of a configuration: an error is refused by the appliance's commands."""

    ERROR = "error"
    WARNING = "warning"
    UNSUPPORTED = "unsupported"  # understood by the product, not modelled here: never guessed, never ignored


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader must tell: where, which field, what is wrong and what to do."""

    severity: Severity
    location: Location
    field: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.location}: {self.field}: {self.message}{remedy}"
