"""The INI dialect of ConfigFiles (sns.md 1.2): sections of ``Token=Value`` lines or bare lines, comments after ``#``.

Nothing is interpreted and nothing is dropped: duplicates stay, in order, each line with its number and its comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .lines import split_comment, unquoted
from .model import Location


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something: its text without comment, and the comment, which is an object's description."""

    location: Location
    text: str
    comment: str = ""

    def assignment(self) -> tuple[str, str] | None:
        """``Token=Value`` as (token, value without its quotes), or None for a bare line."""
        token, equals, value = self.text.partition("=")
        if not equals or not token.strip():
            return None
        return token.strip(), unquoted(value.strip())


@dataclass(slots=True)
class Section:
    """A ``[Name]`` and its lines."""

    name: str
    location: Location
    comment: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """A file, as sections in file order; a section name may occur more than once."""

    file: str
    sections: tuple[Section, ...]

    def named(self, name: str) -> tuple[Section, ...]:
        """All sections of that name, without regard to case."""
        wanted = name.lower()
        return tuple(section for section in self.sections if section.name.lower() == wanted)

    def section(self, name: str) -> Section:
        """The lines of all sections of that name, as one section; an empty one at line 1 when there is none."""
        found = self.named(name)
        if len(found) == 1:
            return found[0]
        if not found:
            return Section(name, Location(self.file, 1))
        return Section(name, found[0].location, found[0].comment, [line for part in found for line in part.lines])

    def lines(self, name: str) -> Iterator[Line]:
        """The lines of all sections of that name, in file order."""
        for section in self.named(name):
            yield from section.lines


Complaint = Callable[[Location, str, str, str], None]
"""Receives location, field, message and remedy of a line that cannot be understood."""


def parse(file: str, text: str, complain: Complaint) -> Document:
    """Cut a file into sections and lines. Malformed lines go to ``complain`` and are left out."""
    sections: list[Section] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        content, comment = split_comment(raw)
        if not content:
            continue
        location = Location(file, number)
        if content[0] == "[":
            name = content[1:-1].strip()
            if content[-1] != "]" or not name:
                complain(location, "section", f'"{content}" is not a section header', "write [Name]")
                name = content.strip("[] ")
            sections.append(Section(name, location, comment))
        elif not sections:
            complain(location, "line", f'"{content}" stands before the first section', "put it under a [Section]")
        else:
            sections[-1].lines.append(Line(location, content, comment))
    return Document(file, tuple(sections))
