"""The exported directory base, in LDIF (RFC 2849): entries of attributes, with the line that each entry begins on."""

from __future__ import annotations

from dataclasses import dataclass

from .ini import Complaint
from .model import Location


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory entry. Attribute names are lower-cased; values stay in file order."""

    dn: str
    location: Location
    attributes: dict[str, list[str]]

    def first(self, attribute: str) -> str:
        """The first value of an attribute, or ""."""
        return next(iter(self.attributes.get(attribute, ())), "")

    def values(self, *attributes: str) -> list[str]:
        """All values of the attributes."""
        return [value for attribute in attributes for value in self.attributes.get(attribute, ())]


def entries(file: str, text: str, complain: Complaint) -> list[Entry]:
    """The entries of an LDIF content file; malformed lines and entries without ``dn`` go to ``complain``."""
    found: list[Entry] = []
    current: Entry | None = None
    for number, line in _logical_lines(text):
        location = Location(file, number)
        if not line:
            current = None
            continue
        attribute, colon, _ = line.partition(":")
        value = _value(line[len(attribute) :])
        key = attribute.strip().lower()
        if not colon or not key or value is None:
            complain(location, "line", "is not attribute: value", "see RFC 2849")
        elif key == "dn":
            current = Entry(value, location, {})
            found.append(current)
        elif current is not None:
            current.attributes.setdefault(key, []).append(value)
        elif key != "version":
            complain(location, attribute, "stands before any dn", "an entry begins with dn: …")
    return found


def _value(rest: str) -> str | None:
    """What stands after the attribute's name: ``: text`` or ``:: base64``; None when it cannot be had."""
    if rest.startswith(":<"):
        return None  # a file elsewhere
    if not rest.startswith("::"):
        return rest[1:].strip()
    import base64
    import binascii

    try:
        return base64.b64decode(rest[2:].strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with continuations joined (a leading space) and comments left out, each with its first line's number."""
    joined: list[tuple[int, str]] = []
    comment = False
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip("\r")
        if line.startswith(" ") and (joined or comment):
            if not comment:
                joined[-1] = (joined[-1][0], joined[-1][1] + line[1:])
            continue
        comment = line.startswith("#")
        if not comment:
            joined.append((number, line.rstrip()))
    return joined
