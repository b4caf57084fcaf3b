"""``/log/l_ha``: what happened to the cluster, one JSON object a line, for people and for the failover ledger.

Every line has ``time`` (seconds since 1970), ``monotonic`` (seconds of the machine's own clock, the same for all members of
a lab), ``member`` (serial) and ``event``.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from lab.appliance import paths

FILE = paths.LOG / "l_ha"


@dataclass(slots=True)
class EventLog:
    """One member's log. A line that cannot be written (disk full) is counted and told later; it never stops the agent."""

    member: str
    lost: int = 0

    def note(self, event: str, **facts: object) -> None:
        """Append a line, now."""
        line: dict[str, object] = {
            "time": round(time.time(), 6),
            "monotonic": round(time.monotonic(), 6),
            "member": self.member,
            "event": event,
            **facts,
        }
        if self.lost:
            line["lines_lost_before"] = self.lost
        try:
            with FILE.open("a") as log:
                log.write(json.dumps(line) + "\n")
        except OSError:
            self.lost += 1
        else:
            self.lost = 0
