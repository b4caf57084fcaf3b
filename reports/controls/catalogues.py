"""Reads the catalogues: what each control asks, and which claims of the project's scenarios support it.

A claim is what some scenarios show, and what they do not prove; catalogues refer to it, so that what is true of a scenario
stands in one place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports import controls, entries
from reports.controls.tables import File, Mistakes, Table

CONFIDENCES = ("verified", "title verified", "to verify")
"""``verified``: number and wording were read at the source; ``title verified``: number and title in the publisher's list."""

WORDINGS = ("own", "publisher", "none")
"""Whose words ``asks`` is in; ``none``: the licence does not even allow a description, so there is no ``asks``."""

PUBLISHED = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
"""A day, month or year."""

UNTOLD = "nobody has said yet which control it supports, or why none"
"""Why a scenario supports nothing, when nobody has said why."""

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
"""What OSCAL takes as the identifier of a control."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What each of these scenarios shows, and what none of them proves; made on a day."""

    scenarios: Sequence[str]
    shows: str
    does_not_prove: str
    date: str


@dataclass(frozen=True, slots=True)
class Control:
    """A control: its identifier, its label as the publisher writes it, what it asks, and the claims that support it.

    ``limit`` is what they do not prove of this control beside what they do not prove anyway.
    """

    token: str
    label: str
    asks: str
    source: str
    confidence: str
    claims: Sequence[Claim]
    limit: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Why scenarios support nothing. ``areas`` are beginnings of scenario ids, such as ``SNS-HA``."""

    scenarios: Sequence[str]
    areas: Sequence[str]
    reason: str

    def covers(self, scenario: str) -> bool:
        """Whether it is about this scenario."""
        return scenario in self.scenarios or scenario.rpartition("-")[0] in self.areas


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue with its controls, and why some scenarios have nothing to do with it."""

    head: entries.Catalogue
    controls: Sequence[Control]
    silences: Sequence[Silence]

    def supports(self, planned: Sequence[str]) -> Iterator[entries.Support]:
        """What these scenarios support here, control by control."""
        for control in self.controls:
            for claim in control.claims:
                for scenario in (one for one in planned if one in claim.scenarios):
                    yield entries.Support(
                        scenario=scenario,
                        catalogue=self.head.name,
                        control=control.label,
                        title=control.asks,
                        reason=claim.shows,
                        does_not_prove=claim.does_not_prove,
                        limit=control.limit,
                        source=control.source,
                        date=claim.date,
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

    @property
    def labels(self) -> dict[str, str]:
        """Each control as a record names it, ``CATALOGUE CONTROL``, by its identifier."""
        return {control.token: f"{one.head.name} {control.label}" for one in self.catalogues for control in one.controls}

    def entries(self, planned: Sequence[str]) -> list[entries.Entry]:
        """What a record says of these scenarios: the catalogues that they have to do with, what they support, and why not."""
        heads: list[entries.Entry] = []
        supports: list[entries.Support] = []
        unmapped: list[entries.Entry] = []
        for catalogue in self.catalogues:
            found = list(catalogue.supports(planned))
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
        for scenario in planned:
            if scenario not in mapped:
                unmapped.append(entries.Unmapped(scenario=scenario, catalogue="", reason=self.silence(scenario) or UNTOLD))
        return [*heads, *supports, *unmapped]

    def silence(self, scenario: str) -> str:
        """Why a scenario supports nothing in any catalogue; "" when nothing is said."""
        return next((one.reason for one in self.silences if one.covers(scenario)), "")


def load(folder: Path, scenarios: Collection[str]) -> Library:
    """The catalogues of a folder, by name, held against the ids of all scenarios; a folder that is not there has none.

    Raises ``tables.Unusable`` with every mistake of every file.
    """
    if not folder.is_dir():
        return Library()
    reader = _Reader(folder, scenarios)
    silences = reader.claims()
    catalogues = [found for path in sorted(folder.glob("*.toml")) if (found := reader.catalogue(path))]
    reader.mistakes.refuse()
    return Library(sorted(catalogues, key=lambda one: one.head.name), silences)


class _Reader:
    def __init__(self, folder: Path, scenarios: Collection[str]) -> None:
        self.mistakes = Mistakes()
        self._folder = folder
        self._scenarios = sorted(scenarios)
        self._claims: dict[str, Claim] = {}
        self._unclaimed = True
        self._taken: dict[str, str] = {}

    def claims(self) -> Sequence[Silence]:
        """Read what the scenarios show; the scenarios that support nothing, and why."""
        file = self._file(self._folder / controls.CLAIMS)
        for table in file.tables("claims"):
            name = self._once(table, "id")
            self._claims[name] = Claim(
                scenarios=self._known(table),
                shows=_both(table, "shows"),
                does_not_prove=_both(table, "does_not_prove"),
                date=table.day("date"),
            )
            table.close()
        silences = [self._silence(table) for table in file.tables("unmapped")]
        self._unclaimed = not file.readable
        file.close()
        return silences

    def catalogue(self, path: Path) -> Catalogue | None:
        """Read a catalogue; None for the file of the claims, and for one that is no catalogue at all."""
        if path.name == controls.CLAIMS:
            return None
        file = self._file(path)
        head = file.table("catalogue")
        found = self._catalogue(file, head) if head else None
        file.close()
        return found

    def _catalogue(self, file: File, head: Table) -> Catalogue:
        wording, source = head.choice("wording", WORDINGS), head.string("source")
        listed = [self._control(table, wording, source) for table in file.tables("controls")]
        made = entries.Catalogue(
            name=self._once(head, "name"),
            title=head.string("title"),
            version=head.string("version"),
            publisher=head.string("publisher"),
            source=source,
            date=_published(head),
            read_on=head.day("read_on"),
            licence=_both(head, "licence"),
            note=_both(head, "note", ""),
            unsupported=tuple(one.label for one in listed if not one.claims),
            parameters=tuple(_parameter(table, listed) for table in file.tables("parameters")),
        )
        head.close()
        return Catalogue(made, listed, [self._silence(table) for table in file.tables("unmapped")])

    def _control(self, table: Table, wording: str, source: str) -> Control:
        token = self._once(table, "id")
        if token and not TOKEN.fullmatch(token):
            table.wrong("id", f"{token!r} is no OSCAL token (a letter or _ first, then letters, digits, . - _)")
        if wording == "none" and table.has("asks"):
            table.wrong("asks", "this catalogue's licence allows no wording (remove asks, and its translation)")
        named = table.strings("claims", ())
        claims = [self._claims[one] for one in named if self._is_claim(table, one)]
        shown = [scenario for claim in claims for scenario in claim.scenarios]
        for scenario in sorted({one for one in shown if shown.count(one) > 1}):
            table.wrong("claims", f"{scenario} is in two of these claims (keep the one that says it best)")
        control = Control(
            token=token,
            label=table.string("label"),
            asks=_both(table, "asks", "" if wording == "none" else None),
            source=table.string("source", source),
            confidence=table.choice("confidence", CONFIDENCES, CONFIDENCES[0]),
            claims=claims,
            limit=_both(table, "limit", ""),
        )
        table.close()
        return control

    def _is_claim(self, table: Table, name: str) -> bool:
        # Of a file that could not be read, everything would be unknown.
        return not self._unclaimed and table.known("claims", name, self._claims, "claim")

    def _silence(self, table: Table) -> Silence:
        named = self._known(table) if table.has("scenarios") else ()
        silence = Silence(named, table.strings("areas", ()), _both(table, "why"))
        areas = sorted({name.rpartition("-")[0] for name in self._scenarios})
        for one in silence.areas:
            table.known("areas", one, areas, "scenario whose id begins with")
        if not named and not silence.areas:
            table.wrong("scenarios", "missing (add scenarios, or areas such as SNS-HA)")
        table.close()
        return silence

    def _file(self, path: Path) -> File:
        return File(path, self.mistakes, shown=f"{self._folder.parent.name}/{self._folder.name}/{path.name}")

    def _known(self, table: Table) -> Sequence[str]:
        named = table.strings("scenarios")
        for one in named:
            table.known("scenarios", one, self._scenarios, "scenario")
        return named

    def _once(self, table: Table, name: str) -> str:
        """A text that no other table of any file may have there."""
        value, here = table.string(name), f"{table.file}:{table.line}"
        before = self._taken.setdefault(value, here)
        if value and before != here:
            table.wrong(name, f"{value!r} is already taken at {before}")
        return value


def _published(head: Table) -> str:
    """When a catalogue was published, as exactly as is known."""
    value = head.string("date")
    if value and not PUBLISHED.fullmatch(value):
        head.wrong("date", f"{value!r} is no date such as 2024-06-11, 2024-06 or 2024")
    return value


def _parameter(table: Table, listed: Sequence[Control]) -> dict[str, str]:
    labels: Mapping[str, str] = {one.token: one.label for one in listed}
    control = table.string("control")
    if control:
        table.known("control", control, labels, "control")
    parameter = {
        "control": labels.get(control, ""),
        "name": _both(table, "name"),
        "value": table.string("value"),
        "source": table.string("source"),
        "date": table.day("date"),
    }
    table.close()
    return parameter


def _both(table: Table, name: str, default: str | None = None) -> str:
    """A text that is there in every language; the English one."""
    english = table.string(name, default)
    for code in controls.LANGUAGES:
        if english or table.has(f"{name}_{code}"):
            table.string(f"{name}_{code}")
    return english
