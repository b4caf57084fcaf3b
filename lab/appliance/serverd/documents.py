"""Edits of a configuration file's text that keep all else of it: sections, bare lines, ``name=value`` lines with comments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lab.appliance.inifile import edited, section_lines
from sns.ini import Document, parse
from sns.lines import split_comment


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a section: its text and its comment."""

    text: str
    comment: str = ""

    @property
    def name(self) -> str:
        """What stands before ``=``; the whole text of a bare line."""
        return self.text.partition("=")[0].strip()

    @property
    def value(self) -> str:
        """What stands behind ``=``."""
        return self.text.partition("=")[2].strip()

    def __str__(self) -> str:
        return f"{self.text}\t# {self.comment}" if self.comment else self.text


def document(text: str) -> Document:
    """The sections of a text; lines that cannot be understood are left out."""
    return parse("", text, lambda *_: None)


def sections(text: str) -> list[str]:
    """The names of its sections."""
    return [section.name for section in document(text).sections]


def has_section(text: str, name: str) -> bool:
    """Whether there is a section of this name, without regard to case."""
    return section_lines(text, name) is not None


def entries(text: str, section: str) -> list[Entry]:
    """The lines of a section."""
    return [Entry(line.text, line.comment) for line in document(text).lines(section)]


def with_entry(text: str, section: str, entry: Entry, place: int | None = None) -> str:
    """With a line added to a section, which is made when it is missing: at its end, or before its line ``place`` (from 0)."""
    before, header, body, after = _cut(text, section)
    spoken = [number for number, line in enumerate(body) if split_comment(line)[0]]
    if place is None or place >= len(spoken):
        at = spoken[-1] + 1 if spoken else len(body) if not after else 0
    else:
        at = spoken[place]
    return _joined(before, header, [*body[:at], str(entry), *body[at:]], after)


def without(text: str, section: str, named: str) -> str:
    """Without the lines of this name in a section."""
    before, header, body, after = _cut(text, section)
    return _joined(before, header, [line for line in body if not _is_named(line, named)], after)


def replaced(text: str, section: str, named: str, entry: Entry) -> str:
    """With the line of this name in a section replaced."""
    before, header, body, after = _cut(text, section)
    return _joined(before, header, [str(entry) if _is_named(line, named) else line for line in body], after)


def without_lines(text: str, section: str, places: Collection[int] | None = None) -> str:
    """Without the lines of a section that stand at these places (from 0), or without any line."""
    before, header, body, after = _cut(text, section)
    kept, place = [], 0
    for line in body:
        spoken = bool(split_comment(line)[0])
        if not spoken or (places is not None and place not in places):
            kept.append(line)
        place += spoken
    return _joined(before, header, kept, after)


def without_section(text: str, section: str) -> str:
    """Without a section."""
    before, _, _, after = _cut(text, section)
    return "\n".join([*before, *after, ""])


def with_tokens(text: str, section: str, tokens: dict[str, str]) -> str:
    """With these tokens set in a section, all else as it was."""
    for token, value in tokens.items():
        text = edited(text, section, token, value)
    return text


def _is_named(line: str, name: str) -> bool:
    content = split_comment(line)[0]
    return bool(content) and content.partition("=")[0].strip().lower() == name.lower()


def _joined(before: list[str], header: str, body: list[str], after: list[str]) -> str:
    return "\n".join([*before, header, *body, *after, ""])


def _cut(text: str, section: str) -> tuple[list[str], str, list[str], list[str]]:
    """The lines before a section, its header (made when there is none), its lines, and those from the next header on."""
    lines = text.splitlines()
    headers = [place for place, line in enumerate(lines) if split_comment(line)[0].startswith("[")]
    for place in headers:
        if split_comment(lines[place])[0].strip("[] ").lower() == section.lower():
            end = next((other for other in headers if other > place), len(lines))
            return lines[:place], lines[place], lines[place + 1 : end], lines[end:]
    gap = [""] if lines and lines[-1].strip() else []
    return [*lines, *gap], f"[{section}]", [], []
