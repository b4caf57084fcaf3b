"""A row of the table: an instance of a scenario, what is broken for it, and how it must then end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from tests.lab.can_fail.ground import Ground

Fault = Callable[[Ground], None]
"""Breaks something; what it takes to mend it again is told to the ground."""

ANYTHING = "…"
"""In a message: whatever stands there, an address or a number that differs from run to run."""


@dataclass(frozen=True, slots=True)
class Row:
    """``broken`` is the sentence for people, ``message`` the first line of what the scenario must then say.

    ``verdict`` is "fail", or "inconclusive" where what is broken is what the scenario rests on. ``patience`` is for how
    long (s) its steps wait at the most, where what is broken keeps from ever coming what they would wait longer for.
    """

    instance: str
    broken: str
    fault: Fault
    message: str
    verdict: str = "fail"
    patience: float = inf

    @property
    def scenario(self) -> str:
        """The scenario's id."""
        return self.instance.partition("[")[0]

    def is_told_by(self, reason: str) -> bool:
        """Whether a verdict's reason is the expected message."""
        pattern = ".*".join(re.escape(part) for part in self.message.split(ANYTHING))
        return re.fullmatch(pattern, reason, re.DOTALL) is not None
