"""Entries as the JSON objects that a record's lines are, and back, with every field checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeVar

from reports.entries import ENTRIES, VERDICTS, Entry, Json, RecordError
from reports.ledger import Lane, Phase, Scheduling

T = TypeVar("T")

_PARTS: dict[str, type] = {one.__name__: one for one in (Phase, Lane, Scheduling)}
"""What an entry may hold beside plain values; each is an object in JSON."""

_NOTHING = type(None)
_SHAPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "float | None": (int, float, _NOTHING),
    "bool": bool,
    "bool | None": (bool, _NOTHING),
    "Verdict": str,
    "tuple[str, ...]": list,
    "tuple[float, ...]": list,
    "tuple[float, float]": list,
    "tuple[tuple[float, float], ...]": list,
    "tuple[Phase, ...]": list,
    "tuple[Lane, ...]": list,
    "Scheduling": dict,
    "tuple[dict[str, Json], ...]": list,
    "dict[str, str]": dict,
    "dict[str, int]": dict,
    "dict[str, Json]": dict,
}


def plain(value: object) -> Json:
    """The value as JSON can hold it: what JSON does not know becomes its text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(one) for one in value]
    if type(value) in _PARTS.values():
        return _fields(value)
    return str(value)


def encode(entry: Entry) -> dict[str, Json]:
    """The entry as a JSON object, its kind first."""
    return {"entry": entry.entry} | _fields(entry)


def _fields(thing: Any) -> dict[str, Json]:
    return {one.name: plain(getattr(thing, one.name)) for one in dataclasses.fields(thing)}


def decode(values: Mapping[str, Json]) -> Entry:
    """The entry of a JSON object. Raises RecordError saying which field is wrong."""
    kind = ENTRIES.get(str(values.get("entry")))
    if kind is None:
        raise RecordError(f"entry: unknown kind {values.get('entry')!r}")
    return _made(kind, kind.entry, {name: value for name, value in values.items() if name != "entry"})


def _made(kind: type[T], called: str, given: Mapping[str, Json]) -> T:
    known = {one.name: str(one.type) for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(given.keys() - known.keys()):
        raise RecordError(f"{called}: unknown field {unknown[0]!r}")
    for name, value in given.items():
        _check(called, name, known[name], value)
    try:
        return kind(**{name: _shaped(known[name], f"{called}: {name}", value) for name, value in given.items()})
    except TypeError as missing:
        raise RecordError(f"{called}: {str(missing).partition('() ')[2]}") from None


def _shaped(annotation: str, called: str, value: Json) -> Json:
    part = _PARTS.get(annotation.removeprefix("tuple[").removesuffix(", ...]"))
    if part is not None and isinstance(value, dict):
        return _made(part, called, value)
    if not annotation.startswith("tuple"):
        return value
    if part is None:
        return tuple(tuple(one) if annotation.startswith("tuple[tuple") else one for one in value)
    if wrong := [one for one in value if not isinstance(one, dict)]:
        raise RecordError(f"{called}: {type(wrong[0]).__name__}, not {part.__name__}")
    return tuple(_made(part, called, one) for one in value)


def _check(kind: str, name: str, annotation: str, value: Json) -> None:
    shape = _SHAPES.get(annotation)
    if shape is not None and not isinstance(value, shape):
        raise RecordError(f"{kind}: field {name!r} is {type(value).__name__}, not {annotation}")
    if annotation == "Verdict" and value not in VERDICTS:
        raise RecordError(f"{kind}: field {name!r}: unknown verdict {value!r}")
