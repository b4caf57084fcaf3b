"""What the page says, taken from the record: scenarios under their use case, what was seen under the step that saw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reports.entries import STANDINGS, Evidence, Observation, Standing, Step
from reports.record import Record, ScenarioRecord, safe_name

NOT_RUN = "not run"

DECISIVE: tuple[Standing, ...] = ("fail", "error", "inconclusive")
"""Verdicts that keep a run from being a success, the worst first."""

NOTABLE: tuple[Standing, ...] = (*DECISIVE, "waived")
"""Verdicts that a reader has to know of."""


@dataclass(frozen=True, slots=True)
class StepView:
    """A sentence with what came of it; ``step`` is None when the scenario ended before it."""

    number: int
    keyword: str
    text: str
    after: str
    step: Step | None
    observations: Sequence[Observation]

    @property
    def verdict(self) -> str:
        """The step's verdict, or that it did not run."""
        return self.step.verdict if self.step else NOT_RUN


@dataclass(frozen=True, slots=True)
class InstanceView:
    """A scenario as it ran for one site, tunnel, service or pool."""

    anchor: str
    subject: str
    scenario: ScenarioRecord
    steps: Sequence[StepView]

    @property
    def name(self) -> str:
        """The instance's whole name."""
        return self.scenario.start.instance

    @property
    def verdict(self) -> Standing:
        """How it ended."""
        return self.scenario.verdict

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.scenario.ending.seconds

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The files that were kept."""
        return self.scenario.evidence

    @property
    def exercised(self) -> list[tuple[str, int]]:
        """The places of configurations that it exercised, with the site, and how much each saw."""
        return [(f"{one.site}/{place}", number) for one in self.scenario.coverage for place, number in one.touched.items()]

    @property
    def refuted(self) -> Observation | None:
        """The observation that did not hold, which is the last one when there is any."""
        return next((one for one in reversed(self.scenario.observations) if one.verdict == "fail"), None)

    @property
    def looked_again(self) -> int:
        """Observations that were not so at the first look."""
        return sum(one.attempts > 1 for one in self.scenario.observations)


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """A scenario with all its instances. ``anchor`` is "" when the one instance has the scenario's own name."""

    id: str
    anchor: str
    name: str
    place: str
    instances: Sequence[InstanceView]

    @property
    def verdict(self) -> Standing:
        """The worst of the instances."""
        return worst(one.verdict for one in self.instances)


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A use case: one feature file."""

    anchor: str
    name: str
    file: str
    scenarios: Sequence[ScenarioView]

    def instances(self) -> Iterator[InstanceView]:
        """Every instance of every scenario."""
        for scenario in self.scenarios:
            yield from scenario.instances


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole record, in the order in which it is read."""

    record: Record
    features: Sequence[FeatureView]
    counts: dict[Standing, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many instances were planned."""
        return max(len(self.record.plan.planned) if self.record.plan else 0, len(self.record.scenarios))

    def instances(self) -> Iterator[InstanceView]:
        """Every instance of every scenario."""
        for feature in self.features:
            yield from feature.instances()

    def attention(self) -> list[InstanceView]:
        """What a reader has to look at first: what failed, broke, could not be decided or is waived, the worst first."""
        found = [one for one in self.instances() if one.verdict in NOTABLE]
        return sorted(found, key=lambda one: NOTABLE.index(one.verdict))

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``waived`` (all refutations are), ``inconclusive`` (not all decided) or ``not run``."""
        if self.counts.get("fail"):
            return "fail"
        if not self.record.complete or any(self.counts.get(one) for one in DECISIVE):
            return "inconclusive"
        return next((one for one in ("waived", "pass") if self.counts.get(one)), NOT_RUN)

    @property
    def ended(self) -> str:
        """When the last line was written that we know of."""
        stamps = [one.ending.at for one in self.record.scenarios.values() if one.ending.at]
        return self.record.end.at if self.record.end else max(stamps, default="")


def view(record: Record) -> ReportView:
    """The record in the order in which it is read."""
    anchors = _anchors(record)
    features = [_feature(number, file, found, anchors) for number, (file, found) in enumerate(record.by_feature(), start=1)]
    return ReportView(record, features, record.counts())


def worst(verdicts: Iterable[Standing]) -> Standing:
    """What says most against: fail, error, inconclusive, waived, then pass, then those that did not run."""
    order: tuple[Standing, ...] = (*NOTABLE, "pass", "skipped", "not applicable")
    return min(verdicts, key=order.index, default=STANDINGS[0])


def moment(stamp: str) -> float | None:
    """A record's time in seconds; None when it is no time."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None


def _anchors(record: Record) -> dict[str, str]:
    anchors: dict[str, str] = {}
    taken: set[str] = set()
    for name in record.scenarios:
        wanted = anchor = safe_name(name)
        number = 1
        while anchor in taken:
            number += 1
            anchor = f"{wanted}-{number}"
        taken.add(anchor)
        anchors[name] = anchor
    return anchors


def _feature(number: int, file: str, found: Sequence[ScenarioRecord], anchors: dict[str, str]) -> FeatureView:
    groups: dict[str, list[ScenarioRecord]] = {}
    for one in found:
        groups.setdefault(one.start.scenario, []).append(one)
    taken = set(anchors.values())
    scenarios = [_scenario(same, anchors, taken) for same in groups.values()]
    return FeatureView(f"use-case-{number}", found[0].start.feature, file, scenarios)


def _scenario(same: Sequence[ScenarioRecord], anchors: dict[str, str], taken: set[str]) -> ScenarioView:
    start = same[0].start
    anchor = safe_name(start.scenario)
    return ScenarioView(
        id=start.scenario,
        anchor="" if anchor in taken else anchor,
        name=start.name,
        place=f"{start.file}:{start.line}",
        instances=[InstanceView(anchors[one.start.instance], _subject(one), one, list(_steps(one))) for one in same],
    )


def _subject(one: ScenarioRecord) -> str:
    """What stands in brackets after the scenario's id: the site, tunnel, service … that the instance is about."""
    return one.start.instance.removeprefix(one.start.scenario).removeprefix("[").removesuffix("]")


def _steps(one: ScenarioRecord) -> Iterator[StepView]:
    done = {step.number: step for step in one.steps}
    after = ""
    for number, sentence in enumerate(one.start.steps, start=1):
        keyword, _, text = sentence.partition(" ")
        after = after if keyword in ("And", "But", "*") else keyword
        seen = [observation for observation in one.observations if observation.step == number]
        yield StepView(number, keyword, text, after, done.get(number), seen)
