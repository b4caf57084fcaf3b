"""When a member says that it may not send: its own event log, read as it grows.

The wires decide what happened; a member's word only says what it claims to have done, and a frame that contradicts it is
what the invariants look for.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FAR = float("inf")


@dataclass(slots=True)
class Rest:
    """A time when a member may not send: from the moment its gate is shut until it decides to open it. Monotonic s."""

    since: float
    until: float = _FAR
    why: str = ""


@dataclass(slots=True)
class Duty:
    """One member's log. ``lease`` (s) is how long a gate outlives an agent that ends without shutting it."""

    path: Path
    lease: float
    rests: list[Rest] = field(default_factory=list)
    incomplete: bool = False
    _position: int = 0

    def read(self) -> None:
        """Take in what was written since the last call."""
        for event in self._new_events():
            self.incomplete = self.incomplete or bool(event.get("lines_lost_before"))
            self._take(event)

    def resting(self, at: float, slack: float) -> Rest | None:
        """The rest that a moment is in, ``slack`` seconds after its beginning allowed."""
        rest = next((rest for rest in reversed(self.rests) if rest.since < at), None)
        return rest if rest and rest.since + slack < at < rest.until else None

    def left(self, earlier: float, later: float) -> bool:
        """Whether the member shut its gate between two moments, and opened it again, by its own word."""
        since = itertools.takewhile(lambda rest: rest.since >= earlier, reversed(self.rests))
        return any(rest.until <= later for rest in since)

    def took_over(self, since: float) -> float | None:
        """When it last became active after a moment, by its own word; None when it did not."""
        latest = self.rests[-1].until if self.rests else _FAR
        return latest if since < latest < _FAR else None

    def _new_events(self) -> Iterator[Mapping[str, Any]]:
        try:
            with self.path.open("rb") as log:
                log.seek(self._position)
                content = log.read()
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                self.incomplete = True  # a disk that was full cut it short

    def _take(self, event: Mapping[str, Any]) -> None:
        at = float(event["monotonic"])
        match event["event"]:
            case "agent started":  # the gate may still be open on the lease of an agent that was killed
                self._rest(at + self.lease, "its agent starts")
            case "agent failed":
                self._rest(at + self.lease, "its agent failed")
            case "mode":
                phases = event["phases"]
                if event["after"] == "active":
                    self._end(phases["decided"])
                elif "gate_shut" in phases:
                    self._rest(phases["gate_shut"], f"it became {event['after']}: {event['why']}")

    def _rest(self, since: float, why: str) -> None:
        if not self.rests or self.rests[-1].until <= since:
            self.rests.append(Rest(since, why=why))

    def _end(self, until: float) -> None:
        if self.rests and self.rests[-1].until == _FAR:
            self.rests[-1].until = until
