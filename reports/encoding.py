"""Entries as JSON objects and back. What is read is held to the types that the entries declare."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from reports.entries import ENTRIES, Entry, Json, RecordError


def plain(value: object) -> Json:
    """The value as JSON can hold it: what JSON does not know becomes its text."""
    kind: Any = type(value)
    if kind in _KNOWN_TO_JSON:
        return value
    if (names := _names(kind)) is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(one) for one in value]
    return str(value)


_KNOWN_TO_JSON = frozenset({NoneType, bool, int, str})


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of an entry or a part of one, which is nothing but its fields; None for any other type."""
    ours = dataclasses.is_dataclass(kind) and not issubclass(kind, str | int | float | Mapping | Set | Sequence)
    return tuple(one.name for one in dataclasses.fields(kind)) if ours else None


def encode(entry: Entry) -> dict[str, Json]:
    """The entry as a JSON object, its kind first."""
    return {"entry": entry.entry, **plain(entry)}


def decode(values: Mapping[str, Json]) -> Entry:
    """The entry of a JSON object. Raises RecordError saying which field is wrong."""
    kind = ENTRIES.get(str(values.get("entry")))
    if kind is None:
        raise RecordError(f"entry: unknown kind {values.get('entry')!r}")
    entry: Entry = _made(kind, kind.entry, {name: value for name, value in values.items() if name != "entry"})
    return entry


@cache
def fields(kind: Any) -> Mapping[str, Any]:
    """The fields of an entry, or of a part of one, with their types."""
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def _made(kind: Any, called: str, given: Mapping[str, Json]) -> Any:
    known = fields(kind)
    if unknown := sorted(given.keys() - known.keys()):
        raise RecordError(f"{called}: unknown field {unknown[0]!r}")
    shaped = {name: _shaped(known[name], f"{called}.{name}", value) for name, value in given.items()}
    try:
        return kind(**shaped)
    except TypeError as missing:
        raise RecordError(f"{called}: {str(missing).partition('() ')[2]}") from None


@cache
def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """What a type is of, and its parts: of a few dozen types, which a record asks for a hundred thousand times."""
    return get_origin(hint), get_args(hint)


@cache
def _is_dataclass(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint)


def _shaped(hint: Any, called: str, value: Json) -> Json:
    """The value in the form that its field has. Raises RecordError when it is none."""
    origin, parts = _taken_apart(hint)
    if origin is Literal:
        if value not in parts:
            raise RecordError(f"{called}: {value!r} is none of {', '.join(map(str, parts))}")
        return value
    if origin is UnionType:
        (hint,) = (one for one in parts if one is not NoneType)
        return None if value is None else _shaped(hint, called, value)
    if hint is not Any and not _fits(origin or hint, value):
        raise RecordError(f"{called} is {type(value).__name__}, not {getattr(hint, '__name__', hint)}")
    if origin is tuple:
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        if len(kinds) != len(value):
            raise RecordError(f"{called} has {len(value)} values, not {len(kinds)}")
        return tuple(_shaped(one, f"{called}[{place}]", value[place]) for place, one in enumerate(kinds))
    if origin is dict:
        return {name: _shaped(parts[1], f"{called}.{name}", one) for name, one in value.items()}
    return _made(hint, called, value) if _is_dataclass(hint) else value


_SHAPES: Mapping[Any, Any] = {float: (int, float), tuple: list}


def _fits(kind: Any, value: Json) -> bool:
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, dict if _is_dataclass(kind) else _SHAPES.get(kind, kind))
