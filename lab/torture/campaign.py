"""A campaign: rounds one after the other until the time is up; what breaks is made small, and all of it is written down.

How a round is run is the ground's business (:class:`Runner`): here is only the order of things, so that it can be tested
without a lab.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from lab.invariants.violation import Finding, Violation
from lab.torture.sequence import Round, Step, written
from lab.torture.shrink import shrink

TRIES = 2  # runs of one part before it counts as one that does not fail: what depends on time does not fail each time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round showed. ``notes`` are what happened at each step, in order."""

    violations: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class Runner(Protocol):
    """Who can run a round, and say what the invariants were all along."""

    def run(self, wanted: Round) -> Outcome:
        """Run it on a healthy pair, and leave a healthy pair. Raises LabError when it cannot."""

    def findings(self) -> list[Finding]:
        """The invariants since the campaign began."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that a round broke, the smallest round that still breaks it, and what that one showed."""

    violation: Violation
    number: int
    original: Round
    smallest: Round
    minimal: bool
    reproduced: bool


@dataclass(slots=True)
class Campaign:
    """``minutes`` bounds the rounds; making a violation small may take ``shrinking`` minutes more, each."""

    runner: Runner
    log: Log
    progress: Callable[[str], None]
    minutes: float
    shrinking: float = 3.0
    broken: list[Broken] = field(default_factory=list)
    excused: list[Violation] = field(default_factory=list)
    done: int = 0

    def run(self, rounds: Iterable[Round]) -> list[Broken]:
        """Run rounds until the time is up, or there are no more. An invariant is made small once, not each time it breaks."""
        deadline = time.monotonic() + self.minutes * 60
        for number, wanted in enumerate(rounds):
            if time.monotonic() >= deadline:
                break
            outcome = self._once(number, wanted)
            self.done += 1
            found = [violation for violation in outcome.violations if not violation.excuse]
            self.excused += [violation for violation in outcome.violations if violation.excuse]
            for violation in found:
                if violation.invariant not in {one.violation.invariant for one in self.broken}:
                    self.broken.append(self._made_small(number, wanted, violation))
        return self.broken

    def _once(self, number: int, wanted: Round) -> Outcome:
        outcome = self.runner.run(wanted)
        self.log.note("round", number=number, round=json.loads(written(wanted)), **_facts(outcome))
        for violation in outcome.violations:
            self.progress(f"round {number}: {violation}")
        if not outcome.violations:
            self.progress(f"round {number}: {len(wanted.steps)} steps, {outcome.seconds:.1f} s, all invariants held")
        return outcome

    def _made_small(self, number: int, wanted: Round, violation: Violation) -> Broken:
        deadline = time.monotonic() + self.shrinking * 60
        name = violation.invariant
        self.progress(f"round {number}: looking for the smallest part of it that breaks {name!r}")

        def fails(steps: Sequence[Step]) -> bool:
            return any(self._breaks(name, wanted.only(steps)) for _ in range(TRIES) if time.monotonic() < deadline)

        if not fails(wanted.steps):
            return Broken(violation, number, wanted, wanted, minimal=False, reproduced=False)
        left = shrink(wanted.steps, fails, lambda: time.monotonic() >= deadline)
        return Broken(violation, number, wanted, wanted.only(left.items), left.minimal, reproduced=True)

    def _breaks(self, name: str, wanted: Round) -> bool:
        outcome = self.runner.run(wanted)
        self.log.note("trial", invariant=name, round=json.loads(written(wanted)), **_facts(outcome))
        return any(violation.invariant == name and not violation.excuse for violation in outcome.violations)


def _facts(outcome: Outcome) -> dict[str, object]:
    return {
        "seconds": round(outcome.seconds, 3),
        "notes": outcome.notes,
        "violations": [asdict(violation) for violation in outcome.violations],
    }


class Log:
    """The campaign's own record: one JSON object a line, written as it happens."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, event: str, **facts: object) -> None:
        """Append a line. Raises OSError when it cannot be written: a campaign without its record proves nothing."""
        with self.path.open("a") as stream:
            stream.write(json.dumps({"time": round(time.time(), 3), "event": event, **facts}, default=str) + "\n")
