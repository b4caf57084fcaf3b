"""Where the keys of a TOML text stand: tomllib gives values without lines, and an error message needs the line."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cached_property

Place = tuple[str | int, ...]
"""The way to a value: ``("sites", "sbg7", "people", 0, "login")``."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)$""")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OPENING = ("[", "{", '"""', "'''")


def field_name(place: Place) -> str:
    """A place as messages print it: ``sites.sbg7.people[1].login`` (list elements count from 1)."""
    name = ""
    for part in place:
        if isinstance(part, int):
            name += f"[{part + 1}]"
        else:
            key = part if _BARE.fullmatch(part) else json.dumps(part)
            name += f".{key}" if name else key
    return name


class TomlLines:
    """The line of each table and key of a TOML text, indexed when first asked: a right file never pays for it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def line(self, place: Place) -> int:
        """The line (from 1) of a value, or of the nearest table that holds it; 1 when the text has none of it."""
        while place:
            if place in self._index:
                return self._index[place]
            place = place[:-1]
        return 1

    @cached_property
    def _index(self) -> dict[Place, int]:
        index: dict[Place, int] = {}
        counts: dict[Place, int] = {}
        table: Place = ()
        lines = self._text.splitlines()
        number = 0
        while number < len(lines):
            line = lines[number]
            number += 1
            if header := _HEADER.match(line):
                table = self._enter(_parts(header[2]), counts, is_array=header[1] == "[[")
                index.setdefault(table, number)
            elif key := _KEY.match(line):
                place = (*table, *_parts(key[1]))
                index.setdefault(place, number)
                number = _index_elements(lines, number, key[2], place, index)
        return index

    @staticmethod
    def _enter(parts: tuple[str, ...], counts: dict[Place, int], *, is_array: bool) -> Place:
        """The place that a header opens; a part that names an array of tables stands for its latest element."""
        place: Place = ()
        for position, part in enumerate(parts):
            place = (*place, part)
            if is_array and position == len(parts) - 1:
                counts[place] = counts.get(place, -1) + 1
            if place in counts:
                place = (*place, counts[place])
        return place


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _KEY_PART.findall(dotted))


def _index_elements(lines: list[str], number: int, value: str, place: Place, index: dict[Place, int]) -> int:
    """The line after a value that may span several; elements of such a list get their own lines."""
    if not value.startswith(_OPENING):
        return number
    known = 0
    first = number
    while number <= len(lines):
        count = _count_elements(value)
        for element in range(known, count):
            index.setdefault((*place, element), number)
        known = max(known, count)
        if _is_complete(value):
            return number
        if number == len(lines):
            break
        value += "\n" + lines[number]
        number += 1
    return first


def _is_complete(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def _count_elements(value: str) -> int:
    """How many elements an unfinished list has so far, found by closing it."""
    for closing in ("", "\n]"):
        try:
            parsed = tomllib.loads(f"value = {value}{closing}")["value"]
        except tomllib.TOMLDecodeError:
            continue
        return len(parsed) if isinstance(parsed, list) else 0
    return 0
