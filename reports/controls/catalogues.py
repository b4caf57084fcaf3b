"""Reads the catalogues: what each control asks, which scenarios support it, why, and what that does not prove."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports import controls, entries
from reports.controls.tables import File, Mistakes, Table

CONFIDENCES = ("verified", "title verified", "to verify")
"""``verified``: number and wording were read at the source; ``title verified``: number and title in the publisher's list."""

WORDINGS = ("own", "publisher", "none")
"""Whose words ``asks`` is in; ``none``: the licence does not even allow a description, so there is no ``asks``."""

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
"""What OSCAL takes as the identifier of a control."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control: its identifier, its label as the publisher writes it, and what it asks, in few words."""

    token: str
    label: str
    asks: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """Each of these scenarios supports each of these controls, for this reason."""

    scenarios: Sequence[str]
    controls: Sequence[str]
    reason: str
    does_not_prove: str
    date: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Why scenarios support nothing here. ``areas`` are beginnings of scenario ids, such as ``SNS-HA``."""

    scenarios: Sequence[str]
    areas: Sequence[str]
    reason: str

    def covers(self, scenario: str) -> bool:
        """Whether it is about this scenario."""
        return scenario in self.scenarios or scenario.rpartition("-")[0] in self.areas


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue with its mapping."""

    head: entries.Catalogue
    controls: dict[str, Control]
    mappings: Sequence[Mapping]
    silences: Sequence[Silence]

    def supports(self, scenario: str) -> Iterator[entries.Support]:
        """What a scenario supports here, in the order of the mapping."""
        for mapping in self.mappings:
            if scenario in mapping.scenarios:
                for control in (self.controls[token] for token in mapping.controls):
                    yield entries.Support(
                        scenario=scenario,
                        catalogue=self.head.name,
                        control=control.label,
                        title=control.asks,
                        reason=mapping.reason,
                        does_not_prove=mapping.does_not_prove,
                        source=control.source,
                        date=mapping.date,
                        confidence=control.confidence,
                        token=control.token,
                    )

    def silence(self, scenario: str) -> str:
        """Why a scenario supports nothing here; "" when nothing is said."""
        return next((one.reason for one in self.silences if one.covers(scenario)), "")


@dataclass(frozen=True, slots=True)
class Library:
    """All catalogues, in the order in which reports show them, and the scenarios that support nothing in any."""

    catalogues: Sequence[Catalogue] = ()
    silences: Sequence[Silence] = ()

    def label(self, token: str) -> str:
        """A control as a record names it, ``CATALOGUE CONTROL``; "" when no catalogue has it."""
        found = ((one.head.name, one.controls[token].label) for one in self.catalogues if token in one.controls)
        return " ".join(next(found, ()))

    @property
    def tokens(self) -> list[str]:
        """The identifiers of all controls."""
        return [token for one in self.catalogues for token in one.controls]

    def entries(self, planned: Sequence[str]) -> list[entries.Entry]:
        """What a record says of these scenarios: the catalogues that they have to do with, what they support, and why not."""
        heads, supports, unmapped = [], [], []
        for catalogue in self.catalogues:
            found = [one for scenario in planned for one in catalogue.supports(scenario)]
            mapped = {one.scenario for one in found}
            silent = [
                entries.Unmapped(scenario=scenario, catalogue=catalogue.head.name, reason=reason)
                for scenario in planned
                if scenario not in mapped and (reason := catalogue.silence(scenario))
            ]
            if found or silent:
                heads.append(catalogue.head)
            supports += found
            unmapped += silent
        mapped = {one.scenario for one in supports}
        nowhere = (one for one in planned if one not in mapped)
        unmapped += [entries.Unmapped(scenario=one, catalogue="", reason=self._nowhere(one)) for one in nowhere]
        return [*heads, *supports, *unmapped]

    def _nowhere(self, scenario: str) -> str:
        return next((one.reason for one in self.silences if one.covers(scenario)), "no mapping names it yet")


def load(folder: Path, scenarios: Collection[str]) -> Library:
    """The catalogues of a folder, by name, held against the ids of all scenarios; a folder that is not there has none.

    Raises ``tables.Unusable`` with every mistake of every file.
    """
    mistakes = Mistakes()
    taken: dict[str, str] = {}
    catalogues: list[Catalogue] = []
    silences: Sequence[Silence] = ()
    for path in sorted(folder.glob("*.toml")):
        file = File(path, mistakes, shown=f"{folder.parent.name}/{folder.name}/{path.name}")
        if path.name == controls.UNMAPPED:
            silences = [_silence(one, scenarios) for one in file.tables("unmapped")]
        elif head := file.table("catalogue"):
            catalogues.append(_catalogue(file, head, scenarios, taken))
        file.close()
    mistakes.refuse()
    return Library(sorted(catalogues, key=lambda one: one.head.name), silences)


def _catalogue(file: File, head: Table, scenarios: Collection[str], taken: dict[str, str]) -> Catalogue:
    name, source, mapped = _once(head, "name", taken), head.string("source"), head.day("mapped")
    wording = head.choice("wording", WORDINGS)
    known: dict[str, Control] = {}
    for table in file.tables("controls"):
        control = _control(table, wording, source, taken)
        known[control.token] = control
    mappings = [_mapping(table, known, scenarios, mapped) for table in file.tables("mappings")]
    used = {token for one in mappings for token in one.controls}
    made = entries.Catalogue(
        name=name,
        title=head.string("title"),
        version=head.string("version"),
        publisher=head.string("publisher"),
        source=source,
        date=head.day("date"),
        read_on=head.day("read_on"),
        licence=_both(head, "licence"),
        note=_both(head, "note", ""),
        unsupported=tuple(one.label for token, one in known.items() if token not in used),
        parameters=tuple(_parameter(table, known) for table in file.tables("parameters")),
    )
    head.close()
    return Catalogue(made, known, mappings, [_silence(table, scenarios) for table in file.tables("unmapped")])


def _control(table: Table, wording: str, source: str, taken: dict[str, str]) -> Control:
    token = _once(table, "id", taken)
    if token and not TOKEN.fullmatch(token):
        table.wrong("id", f"{token!r} is no OSCAL token (a letter or _ first, then letters, digits, . - _)")
    if wording != "none":
        asks = _both(table, "asks")
    else:
        asks = ""
        if table.has("asks"):
            table.wrong("asks", "this catalogue's licence allows no wording (remove asks and asks_fr)")
    control = Control(
        token, table.string("label"), asks, table.string("source", source), table.choice("confidence", CONFIDENCES, "verified")
    )
    table.close()
    return control


def _mapping(table: Table, known: dict[str, Control], scenarios: Collection[str], mapped: str) -> Mapping:
    named, supported = table.strings("scenarios"), table.strings("controls")
    for one in named:
        table.known("scenarios", one, scenarios, "scenario")
    right = [one for one in supported if table.known("controls", one, known, "control")]
    mapping = Mapping(named, right, _both(table, "why"), _both(table, "does_not_prove"), table.day("date", mapped))
    table.close()
    return mapping


def _silence(table: Table, scenarios: Collection[str]) -> Silence:
    silence = Silence(table.strings("scenarios", ()), table.strings("areas", ()), _both(table, "why"))
    for one in silence.scenarios:
        table.known("scenarios", one, scenarios, "scenario")
    for one in silence.areas:
        table.known("areas", one, sorted({name.rpartition("-")[0] for name in scenarios}), "scenario whose id begins with")
    if not silence.scenarios and not silence.areas:
        table.wrong("scenarios", "missing (add scenarios, or areas such as SNS-HA)")
    table.close()
    return silence


def _parameter(table: Table, known: dict[str, Control]) -> dict[str, str]:
    control = table.string("control")
    if control:
        table.known("control", control, known, "control")
    label = known[control].label if control in known else ""
    read = {"name": _both(table, "name"), "value": table.string("value"), "source": table.string("source")}
    parameter = {"control": label} | read | {"date": table.day("date")}
    table.close()
    return parameter


def _both(table: Table, name: str, default: str | None = None) -> str:
    """A text that is there in every language; the English one."""
    english = table.string(name, default)
    for code in controls.LANGUAGES:
        if english or table.has(f"{name}_{code}"):
            table.string(f"{name}_{code}")
    return english


def _once(table: Table, name: str, taken: dict[str, str]) -> str:
    """A text that no other table may have."""
    value = table.string(name)
    before = taken.setdefault(value, f"{table.file}:{table.line}")
    if value and before != f"{table.file}:{table.line}":
        table.wrong(name, f"{value!r} is already taken at {before}")
    return value
