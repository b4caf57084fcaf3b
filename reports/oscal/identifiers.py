"""What OSCAL documents of a run are called, and the identifiers and plain forms in them."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from reports.entries import Json
from reports.record import Record

VERSION = "1.2.1"
"""Of OSCAL: the one that the library's models are of."""

RESULTS, PLAN, SYSTEM, PROFILE = (
    "assessment-results.json",
    "assessment-plan.json",
    "system-security-plan.json",
    "profile.json",
)

NAMESPACE = "urn:rempart:oscal"
"""Of the properties that are ours and not OSCAL's."""


class Names:
    """UUIDs of one run's documents: made from the run's identifier and a name, so each rendering has the same."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._space = uuid5(NAMESPACE_URL, f"urn:rempart:run:{record.run.run}")

    def uuid(self, *parts: str) -> str:
        """The UUID (version 5) of something in this run."""
        return str(uuid5(self._space, "\n".join(parts)))

    def metadata(self, title: str, **more: Json) -> dict[str, Json]:
        """The metadata of a document, which says first whether this was a simulation."""
        run = self._record.run
        simulated = " (simulated lab)" if self._record.simulated else ""
        own = {
            "title": line(f"{title}{simulated}"),
            "last-modified": run.at,
            "version": line(run.run),
            "oscal-version": VERSION,
        }
        return own | given(**more)


def token(text: str) -> str:
    """The text as an OSCAL token: a letter or ``_`` first, then letters, digits, ``.``, ``-``, ``_``."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower().replace("+", "plus").replace("*", "star")).strip("-.")
    return plain if re.match(r"[a-z_]", plain) else f"_{plain}"


def line(text: str) -> str:
    """The text in one line, as titles and values must be."""
    return " ".join(text.split()) or "-"


def given(**values: Json) -> dict[str, Json]:
    """An object without what is empty, which OSCAL does not allow; ``_`` in names stands for a hyphen."""
    return {name.rstrip("_").replace("_", "-"): value for name, value in values.items() if value not in (None, "", [], ())}


def prop(name: str, value: str) -> dict[str, Json]:
    """A property of ours."""
    return {"name": name, "ns": NAMESPACE, "value": line(value)}
