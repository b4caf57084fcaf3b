"""The record as text for a terminal: use case by use case, then each failing flow in detail, then the counts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reports import coverage
from reports.entries import Outcome, Standing
from reports.record import RECORD, Record, ScenarioRecord

SIMULATED = "simulated lab"
REAL = "Real deployment: evidence of the appliances that were tested, as they were configured then."
DISCLAIMER = "Simulated lab: evidence of this configuration in simulation, not of the production appliance."

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _MAGENTA = "1", "2", "31", "32", "33", "35"


@dataclass(frozen=True, slots=True)
class _Look:
    sign: str
    word: str
    counted: str
    colour: str


_LOOKS: dict[Standing, _Look] = {
    "pass": _Look("✓", "pass", "passed", _GREEN),
    "fail": _Look("✗", "FAIL", "failed", _RED),
    "waived": _Look("~", "WAIVED", "waived", _YELLOW),
    "inconclusive": _Look("?", "INCONCLUSIVE", "inconclusive", _YELLOW),
    "error": _Look("!", "ERROR", "errors", _MAGENTA),
    "skipped": _Look("-", "skipped", "skipped", _DIM),
    "not applicable": _Look("-", "not applicable", "not applicable", _DIM),
}

_SHOWN_IN_DETAIL: tuple[Standing, ...] = ("fail", "error", "inconclusive", "waived")


@dataclass(frozen=True, slots=True)
class _Ink:
    colour: bool

    def __call__(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.colour and text else text


def render(record: Record, *, colour: bool = False, width: int = 100) -> str:
    """The whole summary. ``width`` is the terminal's, in columns; nothing that matters is cut to fit it."""
    ink = _Ink(colour)
    parts = [_title(record, ink, width), *_features(record, ink, width), *_details(record, ink, width)]
    return "\n\n".join([*parts, *_beside(record, width), _footer(record, ink)])


def _beside(record: Record, width: int) -> Iterator[str]:
    """What a change could not affect, and which rules nothing exercised."""
    for proof, names in coverage.unaffected(record).items():
        listed = textwrap.fill(", ".join(names), width, initial_indent="  ", subsequent_indent="  ")
        yield f"Left out, for each {proof}:\n{listed}"
    if told := "\n".join(coverage.told(record, width)):
        yield told


def _title(record: Record, ink: _Ink, width: int) -> str:
    ran_on = {True: SIMULATED.upper(), False: "REAL DEPLOYMENT", None: "no environment was started"}[record.simulated]
    kinds = ", ".join(dict.fromkeys(one.kind for one in record.environments if one.kind != "lab"))
    left = " · ".join(part for part in (f"Deployment {record.run.deployment}", ran_on, kinds) if part)
    return ink(f"── {left} {'─' * max(2, width - len(left) - 4)}", _BOLD)


def _features(record: Record, ink: _Ink, width: int) -> Iterator[str]:
    longest = max((len(name) for name in record.scenarios), default=0)
    for file, scenarios in record.by_feature():
        feature = scenarios[0].start.feature
        gap = " " * max(2, width - len(feature) - len(file))
        rows = _rows(scenarios, ink, longest)
        yield "\n".join([ink(feature, _BOLD) + gap + ink(file, _DIM), *rows])


def _rows(scenarios: Sequence[ScenarioRecord], ink: _Ink, longest: int) -> Iterator[str]:
    said = ""
    for one in scenarios:
        look, ending = _LOOKS[one.verdict], one.ending
        name = "" if one.start.name == said else one.start.name
        said = one.start.name
        if one.verdict != "pass":
            name += f"{' · ' if name else ''}{look.word}"
        if one.verdict in ("skipped", "not applicable"):
            name += f": {ending.reason}"
        left = f"{one.start.instance:<{longest}}  {_seconds(ending.seconds):>8}"
        paint = () if one.verdict == "pass" else (look.colour,)
        yield f"  {ink(look.sign, look.colour)} {ink(left, *paint)}  {ink(name, *paint)}".rstrip()


def _seconds(seconds: float) -> str:
    return "" if seconds == 0 else f"{seconds:.2f} s"


def _details(record: Record, ink: _Ink, width: int) -> Iterator[str]:
    for verdict in _SHOWN_IN_DETAIL:
        found = [one for _, scenarios in record.by_feature() for one in scenarios if one.verdict == verdict]
        for same in _alike(found):
            yield "\n".join(_detail(same, ink, width))
    if missing := record.not_run:
        listed = textwrap.fill(", ".join(missing), width, initial_indent="  ", subsequent_indent="  ")
        yield ink("NOT RUN", _BOLD, _YELLOW) + f"  planned, but the run ended before:\n{listed}"


def _alike(scenarios: Iterable[ScenarioRecord]) -> Iterable[list[ScenarioRecord]]:
    # When the environment is lost, what follows fails with one and the same message: say it once.
    groups: dict[tuple[str, str], list[ScenarioRecord]] = {}
    for one in scenarios:
        ending = one.ending
        alone = "" if ending.verdict != "fail" else one.start.instance
        groups.setdefault((ending.detail, alone), []).append(one)
    return groups.values()


def _detail(same: Sequence[ScenarioRecord], ink: _Ink, width: int) -> Iterator[str]:
    first, ending = same[0], same[0].ending
    look = _LOOKS[first.verdict]
    place = f"{first.start.file}:{first.start.line}"
    head = f"{ink(look.word, _BOLD, look.colour)}  {ink(first.start.instance, _BOLD)}"
    yield f"{head}  {first.start.name}  {ink(place, _DIM)}"
    if first.waived:
        yield f"  {ink(first.waived, look.colour)}"
    if len(same) > 1:
        others = ", ".join(one.start.instance for one in same[1:])
        yield textwrap.fill(f"and likewise {others}", width, initial_indent="  ", subsequent_indent="  ")
    if ending.step:
        yield f"  {ending.step}  {ink(ending.where, _DIM)}"
    yield from (f"    {line}" for line in _message(ending, ink))
    if first.evidence:
        folders = dict.fromkeys(one.path.rpartition("/")[0] for one in first.evidence)
        files = "1 file" if len(first.evidence) == 1 else f"{len(first.evidence)} files"
        yield f"    {ink('evidence ', _DIM)} {', '.join(folders)}/ ({files})"


def _message(ending: Outcome, ink: _Ink) -> Iterator[str]:
    if not (ending.expected or ending.observed):
        yield from (ending.detail or ending.reason).splitlines()
        return
    if not ending.reason.startswith("expected "):
        yield ending.reason
    told = (("expected", ending.expected), ("observed", ending.observed), ("predicted", ending.predicted))
    for what, text in (*told, *(("evidence", path) for path in ending.evidence)):
        if text:
            first, *more = text.splitlines()
            yield f"{ink(f'{what:<9}', _DIM)} {first}"
            yield from (f"{'':<9} {line}" for line in more)


def _footer(record: Record, ink: _Ink) -> str:
    counts = record.counts()
    told = [ink(_counted(verdict, number), _LOOKS[verdict].colour) for verdict, number in counts.items()]
    if record.not_run:
        told.append(ink(f"{len(record.not_run)} not run", _YELLOW))
    if record.plan and record.plan.on_request:
        told.append(f"{record.plan.on_request} left out on request")
    if record.plan and record.plan.campaign:
        told.append(f"{record.plan.campaign} left to --campaign (more ways to fail)")
    if record.elsewhere:
        told.append(f"{record.elsewhere} in other shards")
    took = f" in {record.end.seconds:.1f} s" if record.end else ""
    booted = sum(one.seconds for one in record.environments)
    started = f", {booted:.1f} s of it to start the environment" if booted else ""
    if record.origins:
        took += f", joined from {len(record.origins)} records"
    lines = [f"{ink(', '.join(told) or 'nothing ran', _BOLD)}{took}{started}"]
    if not record.complete:
        lines.append(ink("The record is incomplete: the run did not come to its end.", _YELLOW))
    lines.append(f"Record: {record.folder / RECORD} (JUnit and evidence beside it)")
    if record.simulated is not None:
        lines.append(ink(DISCLAIMER if record.simulated else REAL, _DIM))
    return "\n".join(lines)


def _counted(verdict: Standing, number: int) -> str:
    word = _LOOKS[verdict].counted
    return f"{number} {word.removesuffix('s') if number == 1 else word}"
