"""Who may see the administration page: written by the commands, which need no web server to be loaded for that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses that may administer, as inclusive ranges of integers."""

    ranges: tuple[tuple[int, int], ...]

    def allows(self, client: IPv4Address) -> bool:
        """Whether this client may see the page."""
        return any(first <= int(client) <= last for first, last in self.ranges)

    def as_json(self) -> list[list[int]]:
        """For :meth:`of_file`."""
        return [list(each) for each in self.ranges]

    @classmethod
    def of_file(cls, path: Path) -> Access:
        """What was last applied; nobody when that cannot be read."""
        try:
            return cls(tuple((first, last) for first, last in json.loads(path.read_text())))
        except (OSError, ValueError, TypeError):
            return cls(())
