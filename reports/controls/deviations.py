"""Reads ``deviations.toml`` of a deployment: failures that somebody accepts for a time, and departures that are known."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from reports.controls.catalogues import Library
from reports.controls.tables import File, Mistakes, Table
from reports.entries import Deviation

DEVIATIONS = "deviations.toml"


def load(folder: Path, scenarios: Collection[str], instances: Collection[str], library: Library) -> list[Deviation]:
    """The deviations of a deployment folder, in its file's order; none when it has no such file.

    ``scenarios`` are the ids of all scenarios, ``instances`` the names of those that could run now: an instance of a scenario
    that is not among them cannot be checked, and is taken as it is. Raises ``tables.Unusable`` with every mistake.
    """
    path = folder / DEVIATIONS
    if not path.exists():
        return []
    mistakes = Mistakes()
    file = File(path, mistakes, shown=f"{folder.name}/{DEVIATIONS}")
    reader = _Reader(scenarios, instances, library)
    found = [reader.waiver(table) for table in file.tables("waivers")]
    found += [reader.finding(table) for table in file.tables("findings")]
    file.close()
    mistakes.refuse()
    return found


class _Reader:
    def __init__(self, scenarios: Collection[str], instances: Collection[str], library: Library) -> None:
        self._scenarios = scenarios
        self._instances = instances
        self._labels = library.labels
        self._waived: dict[str, int] = {}

    def waiver(self, table: Table) -> Deviation:
        """A failure that is accepted: somebody answers for it, until a day."""
        deviation = Deviation(
            subject=self._subject(table),
            kind="waiver",
            justification=table.string("justification"),
            owner=table.string("owner"),
            expires=table.day("expires"),
            compensation=table.string("compensation"),
            file=table.file,
            line=table.line,
            justification_fr=table.string("justification_fr", ""),
            compensation_fr=table.string("compensation_fr", ""),
        )
        before = self._waived.setdefault(deviation.subject, table.line)
        if deviation.subject and before != table.line:
            table.wrong("", f"{deviation.subject} is waived at line {before} already (keep one)")
        table.close()
        return deviation

    def finding(self, table: Table) -> Deviation:
        """A departure that is known, and accepted by nobody."""
        for name in ("owner", "expires"):
            if table.has(name):
                table.wrong(name, "a finding has none (somebody who accepts it until a day makes it a [[waivers]] entry)")
        deviation = Deviation(
            subject=self._subject(table),
            kind="finding",
            justification=table.string("justification"),
            owner="",
            expires="",
            compensation=table.string("compensation", ""),
            file=table.file,
            line=table.line,
            justification_fr=table.string("justification_fr", ""),
            compensation_fr=table.string("compensation_fr", ""),
        )
        table.close()
        return deviation

    def _subject(self, table: Table) -> str:
        if table.has("scenario") == table.has("control"):
            table.wrong("", "names a scenario or a control, and not both (add scenario = … or control = …)")
            return ""
        if table.has("control"):
            control = table.string("control")
            table.known("control", control, self._labels, "control")
            return self._labels.get(control, "")
        return self._scenario(table, table.string("scenario"))

    def _scenario(self, table: Table, name: str) -> str:
        scenario = name.partition("[")[0]
        if name and table.known("scenario", scenario, sorted(self._scenarios), "scenario") and name != scenario:
            same = [one for one in self._instances if one.partition("[")[0] == scenario]
            if same:
                table.known("scenario", name, same, "instance")
        return name
