"""What a joined record has from those that it was joined from: their lines, under the name of the shard or run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from reports.entries import (
    Catalogue,
    Deviation,
    End,
    Entry,
    Origin,
    Plan,
    Run,
    Shard,
    Support,
    Unmapped,
)

FOLDER = "origins"
"""Below a joined record's folder: for each origin, by its run's id, its record and its seal."""

OPENING: tuple[type[Entry], ...] = (Catalogue, Support, Unmapped, Deviation)
"""What a run says of all its scenarios before the first; a joined record says it once."""

_OF_THE_RUN = (Run, Plan, Shard, Origin, End, *OPENING)


def told(entries: Iterable[Entry], label: str) -> Iterator[Entry]:
    """What a record tells between its opening and its end, as one that is joined from it has it: with its writers renamed."""
    for entry in entries:
        if not isinstance(entry, _OF_THE_RUN):
            yield dataclasses.replace(entry, before="", worker=f"{label} {entry.worker}".rstrip())


def once(entries: Iterable[Entry]) -> list[Entry]:
    """The openings of several records, without what was said before."""
    said = {repr(entry): entry for entry in (dataclasses.replace(one, before="", at="", worker="") for one in entries)}
    kinds = {kind: place for place, kind in enumerate(OPENING)}
    return sorted(said.values(), key=lambda entry: kinds[type(entry)])
