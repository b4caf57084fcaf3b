"""What every line of a record has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

Json = Any
"""A value that JSON can hold; ``encoding.plain`` makes one of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the record: when it was written (UTC, ISO 8601) and by which parallel worker ("" when there is one).

    ``before`` is the SHA-256 of the line before it, which chains them (``reports.chain``).
    """

    entry: ClassVar[str]
    before: str = ""
    at: str = ""
    worker: str = ""
