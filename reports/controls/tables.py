"""TOML files of flat tables, read field by field: each mistake is kept with its file and line, and reading goes on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

_HEADER = re.compile(r"\s*(\[\[?)\s*(\w+)\s*\]")
_KEY = re.compile(r"\s*(\w+)\s*=")
_Value = TypeVar("_Value")


class Unusable(Exception):
    """Files are wrong; the text has every mistake, one a line: file, line, field, and what to do."""


@dataclass(slots=True)
class Mistakes:
    """What is wrong with the files that were read so far."""

    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, file: str, line: int, message: str) -> None:
        """Keep one."""
        self.found.append((file, line, message))

    def refuse(self) -> None:
        """Raise Unusable when there is any mistake, all of them in the order of files and lines."""
        if self.found:
            raise Unusable("\n".join(f"{file}:{line}: {message}" for file, line, message in sorted(set(self.found))))


class Table:
    """A table of a file. Ask for every field that it may have, then ``close`` it: what nobody asked for is unknown."""

    def __init__(self, name: str, values: Mapping[str, Any], lines: Mapping[str, int], file: str, mistakes: Mistakes) -> None:
        self.file = file
        self._name = name
        self._values = values
        self._lines = lines
        self._mistakes = mistakes
        self._asked: set[str] = set()

    @property
    def line(self) -> int:
        """Where it begins."""
        return self._lines.get("", 1)

    def wrong(self, name: str, message: str) -> None:
        """Something is wrong with a field."""
        place = self._lines.get(name, self.line)
        self._mistakes.add(self.file, place, f"{self._name}.{name}: {message}" if name else f"{self._name}: {message}")

    def has(self, name: str) -> bool:
        """Whether the field is written."""
        self._asked.add(name)
        return name in self._values

    def string(self, name: str, default: str | None = None) -> str:
        """A text, not empty."""
        return self._read(name, _text, "a text between quotes", "", default)

    def day(self, name: str) -> str:
        """A day, written without quotes, as ISO 8601 text."""
        return self._read(name, _day, "a day that exists, written as 2027-01-31 without quotes", "", None)

    def strings(self, name: str, default: Sequence[str] | None = None) -> Sequence[str]:
        """A list of texts that has at least one, each once."""
        found = self._read(name, _texts, "a list of texts, at least one", (), default)
        if repeated := sorted({one for one in found if found.count(one) > 1}):
            self.wrong(name, f"{repeated[0]} is there twice (remove one)")
        return found

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of the allowed words."""
        value = self.string(name, default)
        if value and value not in allowed:
            self.wrong(name, f"unknown {name} {value!r} ({near(value, allowed)})")
        return value

    def known(self, name: str, value: str, known: Iterable[str], what: str) -> bool:
        """Whether a value that the field has names something; else it is a mistake, with the nearest that is known."""
        words = tuple(known)
        if value in words:
            return True
        self.wrong(name, f"there is no {what} {value!r} ({near(value, words)})")
        return False

    def close(self) -> None:
        """Refuse the fields that nobody asked for."""
        for name in self._values:
            if name not in self._asked:
                self.wrong(name, f"unknown field ({near(name, sorted(self._asked))})")

    def _read(
        self, name: str, convert: Callable[[Any], _Value | None], form: str, nothing: _Value, default: _Value | None
    ) -> _Value:
        self._asked.add(name)
        if name not in self._values:
            if default is None:
                self.wrong(name, f"missing (add {name}: {form})")
            return nothing if default is None else default
        value = convert(self._values[name])
        if value is None:
            self.wrong(name, f"must be {form}")
            return nothing
        return value


class File:
    """A file as tables. One that cannot be read or is no TOML is a mistake, and has none. ``shown`` is its name in messages."""

    def __init__(self, path: Path, mistakes: Mistakes, *, shown: str) -> None:
        self.shown = shown
        self._mistakes = mistakes
        self._values: Mapping[str, Any] = {}
        self._lines: dict[tuple[str, int], dict[str, int]] = {}
        self._asked: set[str] = set()
        self.readable = False
        try:
            text = path.read_text(encoding="utf-8")
            self._values = tomllib.loads(text)
        except OSError as why:
            mistakes.add(self.shown, 1, f"cannot be read: {why.strerror}")
        except UnicodeDecodeError:
            mistakes.add(self.shown, 1, "is not UTF-8 text (save it as UTF-8)")
        except tomllib.TOMLDecodeError as why:
            mistakes.add(self.shown, _line_of(why), f"is not TOML: {why}")
        else:
            self.readable = True
            self._lines = _lines(text)

    def table(self, name: str) -> Table | None:
        """The table of this name; None, and a mistake, when it is missing."""
        self._asked.add(name)
        value = self._values.get(name)
        if isinstance(value, dict):
            return self._table(name, 0, value)
        if self.readable:
            self._mistakes.add(self.shown, 1, f"{name}: missing (add a table [{name}])")
        return None

    def tables(self, name: str) -> list[Table]:
        """The tables ``[[name]]``, none when there are none."""
        self._asked.add(name)
        found = self._values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            line = self._lines.get((name, 0), {}).get("", 1)
            self._mistakes.add(self.shown, line, f"{name}: must be tables, each under [[{name}]]")
            return []
        return [self._table(name, place, value) for place, value in enumerate(found)]

    def close(self) -> None:
        """Refuse the tables that nobody asked for."""
        for name in self._values:
            if name not in self._asked:
                line = self._lines.get((name, 0), {}).get("", 1)
                self._mistakes.add(self.shown, line, f"{name}: unknown table ({near(name, sorted(self._asked))})")

    def _table(self, name: str, place: int, values: Mapping[str, Any]) -> Table:
        return Table(name, values, self._lines.get((name, place), {}), self.shown, self._mistakes)


def near(word: str, known: Sequence[str]) -> str:
    """The known word that looks most like a wrong one; else all of them, or some when they are many."""
    if found := get_close_matches(word, known, n=1, cutoff=0.5):
        return f"did you mean {found[0]!r}?"
    return f"known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else "none is known"


def _lines(text: str) -> dict[tuple[str, int], dict[str, int]]:
    """Of each table, by name and place among those of the same name, the line of its head ("") and of its fields."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    counts: dict[str, int] = {}
    current = found.setdefault(("", 0), {})
    for number, line in enumerate(text.splitlines(), start=1):
        if head := _HEADER.match(line):
            place = counts.get(head[2], 0) if head[1] == "[[" else 0
            counts[head[2]] = place + 1
            current = found.setdefault((head[2], place), {"": number})
        elif key := _KEY.match(line):
            current.setdefault(key[1], number)
    return found


def _line_of(why: tomllib.TOMLDecodeError) -> int:
    found = re.search(r"at line (\d+)", str(why))
    return int(found[1]) if found else 1


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _day(value: Any) -> str | None:
    return value.isoformat() if type(value) is date else None


def _texts(value: Any) -> Sequence[str] | None:
    right = isinstance(value, list) and bool(value) and all(_text(one) for one in value)
    return tuple(value) if right else None
