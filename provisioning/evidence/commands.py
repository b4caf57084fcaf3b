"""The commands that a scenario ran on hosts, as one text: where, when, what, how it ended, what it printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from lab.journal import Ran
from provisioning.evidence.bounds import OUTPUT, cut


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a scenario: when it began, in seconds since the epoch, its number from 1, and its sentence."""

    begun: float
    number: int
    sentence: str

    def __str__(self) -> str:
        return f"step {self.number}: {self.sentence}"


def step_at(steps: Sequence[Step], moment: float) -> Step | None:
    """The step that went on at a moment; None before the first."""
    begun = [step for step in steps if step.begun <= moment]
    return begun[-1] if begun else None


def shown(commands: Iterable[Ran], steps: Sequence[Step], redact: Callable[[str], str]) -> str:
    """The commands under their steps.

    One that was repeated stands once, with how often it ran, when its last result has in it what the others were: the
    same, or the beginning of it, as with a log that is looked at until something stands there.
    """
    lines: list[str] = []
    ordered = sorted(commands, key=lambda one: one.at)
    for step, under in groupby(ordered, key=lambda one: step_at(steps, one.at)):
        lines += [f"# {step or 'before the first step'}", ""]
        for alike in _repeated(under):
            lines += [*_one(alike, redact), ""]
    return "\n".join(lines)


def _repeated(commands: Iterable[Ran]) -> list[list[Ran]]:
    runs: list[list[Ran]] = []
    for one in commands:
        if runs and _goes_on(runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _goes_on(before: Ran, after: Ran) -> bool:
    same = (before.host, before.command, before.status) == (after.host, after.command, after.status)
    return same and after.stdout.startswith(before.stdout) and after.stderr.startswith(before.stderr)


def _one(alike: Sequence[Ran], redact: Callable[[str], str]) -> Iterator[str]:
    first, last = alike[0], alike[-1]
    at = datetime.fromtimestamp(first.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    again = f"; {len(alike)} times in {last.at - first.at:.3f} s, this is the last result" if len(alike) > 1 else ""
    yield f"{at}Z {first.host} $ {redact(first.command)}"
    yield f"status {last.status} after {last.seconds:.3f} s{again}"
    for mark, output in (("| ", last.stdout), ("! ", last.stderr)):
        yield from (f"{mark}{line}" for line in cut(redact(output), OUTPUT).splitlines())
