"""The controls that a run has to do with, as OSCAL wants them: catalogues, controls, and one objective for each claim.

``satisfied`` can be said of an objective only. So each claim, a scenario that supports a control, is an objective of its
own: what is satisfied is that scenario, never the whole control.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reports.entries import Catalogue as Head
from reports.entries import Support
from reports.oscal.identifiers import token
from reports.record import Record

OWN = "Rempart scenarios"
"""The catalogue of the scenarios that support no control of another: each is a control, so that it can have a finding."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a scenario shows of a control, and what it does not."""

    id: str
    scenario: str
    reason: str
    does_not_prove: str
    confidence: str


@dataclass(slots=True)
class Control:
    """A control of a catalogue; ``label`` is as its publisher writes it, ``title`` "" where the licence forbids one."""

    id: str
    label: str
    title: str
    source: str
    objectives: list[Objective] = field(default_factory=list)

    @property
    def statement(self) -> str:
        """The identifier of what the control asks for."""
        return f"{self.id}_smt"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue with the controls that scenarios of the run support. ``head`` is what the record says of it, if it does."""

    name: str
    controls: Sequence[Control]
    head: Head | None = None

    @property
    def file(self) -> str:
        """Its document's name."""
        return f"catalog-{token(self.name)}.json"


def controls_of(record: Record) -> list[Catalogue]:
    """The catalogues of a run, in the record's order, then our own when a scenario supports nothing else."""
    heads = {head.name: head for head in record.catalogues}
    found: dict[str, dict[str, Control]] = {}
    for support in record.supports:
        controls = found.setdefault(support.catalogue, {})
        control = controls.setdefault(support.control, _control(support))
        control.objectives.append(_objective(control.id, support))
    catalogues = [Catalogue(name, list(controls.values()), heads.get(name)) for name, controls in found.items()]
    own = list(_unmapped(record))
    return [*catalogues, Catalogue(OWN, own)] if own or not catalogues else catalogues


def _control(support: Support) -> Control:
    name = support.token or token(f"{support.catalogue}-{support.control}")
    return Control(name, support.control, support.title, support.source)


def _objective(control: str, support: Support) -> Objective:
    name = f"{control}_obj.{token(support.scenario)}"
    limits = " ".join(filter(None, (support.does_not_prove, support.limit)))
    return Objective(name, support.scenario, support.reason, limits, support.confidence)


def _unmapped(record: Record) -> Iterator[Control]:
    mapped = {support.scenario for support in record.supports}
    sentences = {one.start.scenario: one.start.name for one in record.scenarios.values()}
    planned = (name.partition("[")[0] for name in (record.plan.planned if record.plan else ()))
    for scenario in dict.fromkeys([*planned, *sentences]):
        if scenario not in mapped:
            sentence = sentences.get(scenario, scenario)
            control = Control(token(scenario), scenario, sentence, "")
            control.objectives.append(Objective(f"{control.id}_obj", scenario, sentence, "", ""))
            yield control
