"""The form of a line of ``record.jsonl`` as JSON Schema, made from the entries themselves.

``python -m reports.schema > reports/record.schema.json`` writes the file that others validate with.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from reports.encoding import fields
from reports.entries import ENTRIES, SCHEMA, Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def schema() -> dict[str, Json]:
    """The JSON Schema of every kind of line, each described in its own words."""
    parts: dict[str, Json] = {}
    kinds = [_object(kind, parts, entry={"const": kind.entry}) for kind in ENTRIES.values()]
    return {
        "$schema": DIALECT,
        "title": f"A line of the record of a Rempart run, schema {SCHEMA}",
        "oneOf": kinds,
        "$defs": dict(sorted(parts.items())),
    }


def _object(kind: Any, parts: dict[str, Json], **more: Json) -> Json:
    """An object with all fields of an entry or of a part of one: a writer leaves none out."""
    properties = more | {name: _of(hint, parts) for name, hint in fields(kind).items()}
    if "schema" in properties:
        properties["schema"] = {"const": SCHEMA}
    return {
        "title": kind.__name__,
        "description": inspect.getdoc(kind),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any, parts: dict[str, Json]) -> Json:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is UnionType:
        return {"anyOf": [_of(one, parts) for one in inner]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(inner[1], parts)}
    if origin is tuple and inner[1:] == (...,):
        return {"type": "array", "items": _of(inner[0], parts)}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_of(one, parts) for one in inner], "minItems": len(inner), "items": False}
    if dataclasses.is_dataclass(hint):
        parts.setdefault(hint.__name__, _object(hint, parts))  # type: ignore[union-attr]
        return {"$ref": f"#/$defs/{hint.__name__}"}  # type: ignore[union-attr]
    return {"type": _PLAIN[hint]}


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
