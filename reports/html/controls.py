"""Which controls the scenarios support and what was accepted in spite of them: what a page shows beside the record.

The page takes these as values, so that a record can be rendered with the catalogues of its day or without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reports.entries import Verdict
from reports.html.view import ReportView, ScenarioView, worst

State = Literal["waived", "expired", "finding"]
"""``waived``: the failure is accepted until a day. ``expired``: it no longer is. ``finding``: known, and nobody accepted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A scenario supports a control: why, what it does not prove, and how sure the source is (``verified``, …).

    ``framework`` is the catalogue's short name with its version, ``control`` the control's label as its publisher writes it.
    """

    scenario: str
    framework: str
    control: str
    title: str
    reason: str
    does_not_prove: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A departure from what was asked. ``subject`` is a scenario's or an instance's id, or a control's label."""

    subject: str
    state: State
    justification: str
    owner: str
    expires: str
    compensation: str


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario of the matrix: under each framework the controls that it supports, in the frameworks' order."""

    scenario: ScenarioView
    cells: Sequence[Sequence[Support]]


@dataclass(frozen=True, slots=True)
class ControlView:
    """A control with the scenarios of this run that support it."""

    framework: str
    control: str
    title: str
    scenarios: Sequence[tuple[ScenarioView, Support]]

    @property
    def verdict(self) -> Verdict:
        """The worst of the scenarios."""
        return worst(scenario.verdict for scenario, _ in self.scenarios)


@dataclass(frozen=True, slots=True)
class Beside:
    """All that is known beside the record."""

    supports: Sequence[Support] = ()
    deviations: Sequence[Deviation] = field(default=())

    def of(self, scenario: str) -> list[Support]:
        """What a scenario supports."""
        return [one for one in self.supports if one.scenario == scenario]

    def waiver(self, *names: str) -> Deviation | None:
        """The deviation, in force or expired, that is about one of these names."""
        return next((one for one in self.deviations if one.subject in names and one.state != "finding"), None)

    def frameworks(self, report: ReportView) -> list[str]:
        """The frameworks that have anything to do with this run, in the catalogues' order."""
        ran = {scenario.id for scenario in _scenarios(report)}
        return list(dict.fromkeys(one.framework for one in self.supports if one.scenario in ran))

    def matrix(self, report: ReportView) -> list[Row]:
        """A row for each scenario that supports a control."""
        frameworks = self.frameworks(report)
        return [
            Row(scenario, [[one for one in found if one.framework == name] for name in frameworks])
            for scenario in _scenarios(report)
            if (found := self.of(scenario.id))
        ]

    def controls(self, report: ReportView) -> list[ControlView]:
        """Each control with the scenarios that support it."""
        found: dict[tuple[str, str], list[tuple[ScenarioView, Support]]] = {}
        ran = {scenario.id: scenario for scenario in _scenarios(report)}
        for one in self.supports:
            if one.scenario in ran:
                found.setdefault((one.framework, one.control), []).append((ran[one.scenario], one))
        return [ControlView(*key, same[0][1].title, same) for key, same in found.items()]


def _scenarios(report: ReportView) -> Iterable[ScenarioView]:
    return (scenario for feature in report.features for scenario in feature.scenarios)
