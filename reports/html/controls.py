"""Which controls the scenarios of a run support, catalogue by catalogue, and the known deviations: as a page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.entries import Catalogue, Deviation, Standing, Support
from reports.html.view import ReportView, ScenarioView, worst
from reports.record import Record, count


@dataclass(frozen=True, slots=True)
class ControlView:
    """A control with the scenarios of this run that support it, and what is known to depart from it."""

    control: str
    title: str
    confidence: str
    scenarios: Sequence[ScenarioView]
    deviations: Sequence[Deviation]
    waived: bool

    @property
    def verdict(self) -> Standing:
        """The worst of the scenarios; a failure is waived where a waiver in force names the control."""
        found = worst(scenario.verdict for scenario in self.scenarios)
        return "waived" if found == "fail" and self.waived else found


@dataclass(frozen=True, slots=True)
class Reason:
    """Scenarios that support nothing, and why."""

    text: str
    scenarios: Sequence[ScenarioView]


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """A catalogue with its controls that this run has to do with."""

    head: Catalogue
    anchor: str
    controls: Sequence[ControlView]
    silent: Sequence[Reason]

    @property
    def counts(self) -> dict[Standing, int]:
        """How many of the scenarios that support its controls have each verdict: no control is held to be met."""
        return count({one.id: one.verdict for control in self.controls for one in control.scenarios}.values())


@dataclass(frozen=True, slots=True)
class Ground:
    """What a scenario shows and does not prove, and the controls that it supports with that, by catalogue."""

    shows: str
    does_not_prove: str
    catalogues: dict[str, list[Support]]


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario of the matrix: under each catalogue the controls that it supports."""

    scenario: ScenarioView
    cells: Sequence[Sequence[Support]]


class Controls:
    """All that a record says of controls and deviations, for the scenarios that ran."""

    def __init__(self, record: Record, report: ReportView) -> None:
        self._record = record
        self._scenarios = {one.id: one for feature in report.features for one in feature.scenarios}

    @property
    def deviations(self) -> Sequence[Deviation]:
        """The known deviations, waivers first, as the deployment's file has them."""
        return self._record.deviations

    def state(self, deviation: Deviation) -> str:
        """``in force`` or ``expired`` on the day of the run, or ``finding``."""
        if deviation.kind == "finding":
            return "finding"
        return "in force" if deviation.in_force(self._record.day) else "expired"

    @cached_property
    def _supports(self) -> dict[str, list[Support]]:
        found: dict[str, list[Support]] = {}
        for one in self._record.supports:
            found.setdefault(one.scenario, []).append(one)
        return found

    def of(self, scenario: str) -> Sequence[Ground]:
        """What a scenario supports, and on which grounds."""
        found: dict[tuple[str, str], Ground] = {}
        for one in self._supports.get(scenario, ()):
            ground = found.setdefault((one.reason, one.does_not_prove), Ground(one.reason, one.does_not_prove, {}))
            ground.catalogues.setdefault(one.catalogue, []).append(one)
        return list(found.values())

    @cached_property
    def catalogues(self) -> Sequence[CatalogueView]:
        """The catalogues that this run has to do with."""
        views = (
            CatalogueView(head, f"catalogue-{place}", list(self._controls(head.name)), self._silent(head.name))
            for place, head in enumerate(self._record.catalogues, start=1)
        )
        return [one for one in views if one.controls or one.silent]

    @property
    def nowhere(self) -> Sequence[Reason]:
        """The scenarios that support no control of any catalogue."""
        return self._silent("")

    def matrix(self) -> Iterator[Row]:
        """A row for each scenario that supports a control, with a cell for each of ``catalogues``."""
        for name, scenario in self._scenarios.items():
            if found := self._supports.get(name):
                yield Row(scenario, [[one for one in found if one.catalogue == view.head.name] for view in self.catalogues])

    def _controls(self, catalogue: str) -> Iterator[ControlView]:
        found: dict[str, list[Support]] = {}
        for one in self._record.supports:
            if one.catalogue == catalogue and one.scenario in self._scenarios:
                found.setdefault(one.control, []).append(one)
        for control, same in found.items():
            about = [one for one in self.deviations if one.subject == f"{catalogue} {control}"]
            waived = any(one.in_force(self._record.day) for one in about)
            scenarios = [self._scenarios[name] for name in dict.fromkeys(one.scenario for one in same)]
            yield ControlView(control, same[0].title, same[0].confidence, scenarios, about, waived)

    def _silent(self, catalogue: str) -> Sequence[Reason]:
        found: dict[str, list[ScenarioView]] = {}
        for one in self._record.unmapped:
            if one.catalogue == catalogue and one.scenario in self._scenarios:
                found.setdefault(one.reason, []).append(self._scenarios[one.scenario])
        return [Reason(text, scenarios) for text, scenarios in found.items()]
