"""A TOML table read key by key: every wrong, missing or unknown key becomes a finding, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from provisioning.toml_lines import Place, TomlLines, field_name

LONGEST_DELAY = 10_000  # milliseconds; no place on Earth is further, anything longer is a mistyped unit

NO_ADDRESS = IPv4Address(0)
"""Stands for an address that could not be read: its finding is made, later checks pass over it."""

NO_NETWORK = IPv4Network((0, 32))
"""Stands for a network that could not be read."""

NO_DAY = date.min
"""Stands for a day that could not be read."""

_Value = TypeVar("_Value")


class Unreadable(Exception):
    """A value that is not what its key wants; the message says what would be."""


class Findings:
    """What is wrong with one TOML file, each with the place of its value."""

    def __init__(self, file: str, lines: TomlLines) -> None:
        self.file = file
        self._lines = lines
        self._found: dict[tuple[int, str, str, str], None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, message: str, remedy: str = "") -> None:
        """Note what is wrong at a place, and what to do; the same thing said twice is kept once."""
        self._found[self._lines.line(place), field_name(place), message, remedy] = None

    def line(self, place: Place) -> int:
        """The line of a place, counted from 1."""
        return self._lines.line(place)

    def where(self, place: Place) -> str:
        """A place as another finding may refer to it: ``line 12 (sites.sbg7.gateway)``."""
        return f"line {self._lines.line(place)} ({field_name(place)})"

    def lines(self) -> list[tuple[int, str, str, str]]:
        """Line, field, message and remedy of each, in file order."""
        return sorted(self._found, key=lambda found: found[0])


class Table:
    """One table of the file. Ask for every key it may have, then :meth:`close` it: what nobody asked for is unknown."""

    def __init__(self, values: Mapping[str, Any], place: Place, findings: Findings) -> None:
        self.place = place
        self.findings = findings
        self._values = values
        self._asked: set[str] = set()

    def at(self, key: str, *rest: str | int) -> Place:
        """The place of a key of this table."""
        return (*self.place, key, *rest)

    def has(self, key: str) -> bool:
        """Whether the key is written; asking makes it a known key."""
        self._asked.add(key)
        return key in self._values

    def keys(self) -> tuple[str, ...]:
        """The keys as written."""
        return tuple(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        """A string, not empty."""
        return self._read(key, _as_text, "", default)

    def integer(self, key: str, first: int, last: int, default: int | None = None) -> int:
        """A whole number from ``first`` to ``last``."""
        value = self._read(key, _as_integer, first, default)
        if not first <= value <= last:
            self.findings.add(self.at(key), f"{value} is out of range", f"write a number from {first} to {last}")
            return first
        return value

    def milliseconds(self, key: str) -> float:
        """A duration in milliseconds, fractions allowed, from 0 to LONGEST_DELAY."""
        value = self._read(key, _as_number, 0.0, None)
        if not 0 <= value <= LONGEST_DELAY:  # nor is nan
            wrong = "is negative" if value < 0 else "is out of range"
            self.findings.add(self.at(key), f"{value:g} {wrong}", f"write a delay in milliseconds, 0 to {LONGEST_DELAY}")
            return 0.0
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        return self._read(key, _as_flag, default, default)

    def day(self, key: str) -> date:
        """A day, without quotes (``2027-01-31``)."""
        return self._read(key, _as_day, NO_DAY, None)

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        """One of the allowed words; the nearest is proposed for a wrong one."""
        value, words = self.text(key), tuple(allowed)
        if value and value not in words:
            self.findings.add(self.at(key), f"unknown {key} {value!r}", _proposal(value, words))
            return words[0]
        return value or words[0]

    def address(self, key: str) -> IPv4Address:
        """An IPv4 address."""
        return self._read(key, _as_address, NO_ADDRESS, None)

    def optional_address(self, key: str) -> IPv4Address | None:
        """An IPv4 address, or None when the key is not written."""
        return self.address(key) if self.has(key) else None

    def network(self, key: str) -> IPv4Network:
        """An IPv4 network, its address without host bits."""
        return self._read(key, _as_network, NO_NETWORK, None)

    def named_addresses(self, key: str) -> dict[str, IPv4Address]:
        """Addresses by name, as in ``{ ext = "192.0.2.1" }``; absent is empty."""
        group = self.optional_table(key)
        return {name: group.address(name) for name in group.keys()} if group else {}  # noqa: SIM118 (not a mapping)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; absent is empty."""
        return self._elements(key, _as_text)

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers; absent is empty."""
        return self._elements(key, _as_integer)

    def addresses(self, key: str) -> tuple[IPv4Address, ...]:
        """A list of IPv4 addresses; absent is empty."""
        return self._elements(key, _as_address)

    def networks(self, key: str) -> tuple[IPv4Network, ...]:
        """A list of IPv4 networks; absent is empty."""
        return self._elements(key, _as_network)

    def table(self, key: str) -> Table:
        """A table that must be there; an empty one stands for a missing one, whose keys then are not asked for."""
        value = self._read(key, _as_table, None, None)
        return Table(value, self.at(key), self.findings) if value is not None else Absent(self.at(key), self.findings)

    def optional_table(self, key: str) -> Table | None:
        """A table, or None when it is not written."""
        return self.table(key) if self.has(key) else None

    def named_tables(self, key: str) -> dict[str, Table]:
        """Tables by name, as in ``[sites.sbg7]``; absent is empty."""
        group = self.optional_table(key)
        return {name: group.table(name) for name in group.keys()} if group else {}  # noqa: SIM118 (not a mapping)

    def tables(self, key: str) -> list[Table]:
        """An array of tables, as in ``[[tunnels]]``; absent is empty."""
        elements = self._elements(key, _as_table)
        return [Table(value, self.at(key, number), self.findings) for number, value in enumerate(elements)]

    def close(self) -> None:
        """Refuse the keys that nobody asked for, each with the known key that is nearest."""
        for key in self._values:
            if key not in self._asked:
                known = sorted(self._asked - set(self._values)) or sorted(self._asked)
                self.findings.add(self.at(key), "unknown key", _proposal(key, known))

    def _read(self, key: str, convert: Callable[[Any], _Value], missing: _Value, default: _Value | None) -> _Value:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                self.findings.add((*self.place, key), "missing", f"add {key}")
                return missing
            return default
        try:
            return convert(self._values[key])
        except Unreadable as error:
            self.findings.add(self.at(key), str(error))
            return missing

    def _elements(self, key: str, convert: Callable[[Any], _Value]) -> tuple[_Value, ...]:
        self._asked.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list):
            self.findings.add(self.at(key), "must be a list", "write it between [ and ]")
            return ()
        converted = []
        for number, value in enumerate(values):
            try:
                converted.append(convert(value))
            except Unreadable as error:
                self.findings.add(self.at(key, number), str(error))
        return tuple(converted)


class Absent(Table):
    """A table that is not there, or is none: said once, so nothing more is said about its keys."""

    def __init__(self, place: Place, findings: Findings) -> None:
        super().__init__({}, place, findings)

    def _read(self, key: str, convert: Callable[[Any], _Value], missing: _Value, default: _Value | None) -> _Value:
        del key, convert
        return missing if default is None else default

    def table(self, key: str) -> Table:
        """Nothing inside nothing."""
        return Absent(self.at(key), self.findings)


def _proposal(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like a wrong one, or all of them."""
    from difflib import get_close_matches

    words = tuple(known)
    near = get_close_matches(word, words, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(words)}"


def _as_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unreadable("must be a text, between quotes")
    return value


def _as_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("must be true or false, without quotes")
    return value


def _as_integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable("must be a whole number, without quotes")
    return value


def _as_number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unreadable("must be a number, without quotes")
    return float(value)


def _as_day(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Unreadable("must be a day, without quotes, such as 2027-01-31")
    return value


def _as_address(value: Any) -> IPv4Address:
    try:
        return IPv4Address(_as_text(value))
    except ValueError:
        raise Unreadable(f"{value!r} is not an IPv4 address") from None


def _as_network(value: Any) -> IPv4Network:
    try:
        return IPv4Network(_as_text(value))
    except ValueError as error:
        if "host bits" in str(error):
            proper = IPv4Network(value, strict=False)
            raise Unreadable(f"{value!r} has host bits set (the network is {proper})") from None
        raise Unreadable(f"{value!r} is not an IPv4 network such as 10.200.0.0/16") from None


def _as_table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("must be a table")
    return value
