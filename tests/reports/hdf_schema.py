"""What readers of the Heimdall Data Format need: a schema of our own, of the fields that its ``exec-json.json`` requires.

The published schema is part of MITRE's heimdall2 (``libs/inspecjs/schemas``); as there, other fields may stand beside these.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
YES_OR_NO = {"type": "boolean"}


def _object(*, needs: dict[str, Any], may: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(needs), "properties": needs | (may or {})}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


RESULT = _object(
    needs={"code_desc": TEXT, "start_time": TEXT},
    may={
        "status": {"enum": ["passed", "failed", "skipped", "error", "pending", "not_applicable"]},
        "run_time": {"type": "number"},
        **dict.fromkeys(("message", "skip_message", "exception"), TEXT),
    },
)
CONTROL = _object(
    needs={
        "id": TEXT,
        "impact": {"type": "number", "minimum": 0, "maximum": 1},
        "refs": _list({"anyOf": [_object(needs={name: TEXT}) for name in ("ref", "url", "uri")]}),
        "tags": {"type": "object"},
        "source_location": _object(needs={}, may={"ref": TEXT, "line": {"type": "number"}}),
        "results": _list(RESULT),
    },
    may={
        **dict.fromkeys(("title", "desc", "code"), TEXT),
        "descriptions": _list(_object(needs={"label": TEXT, "data": TEXT})),
        "waiver_data": _object(
            needs={},
            may={
                **dict.fromkeys(("expiration_date", "justification", "message"), TEXT),
                "run": YES_OR_NO,
                "skipped_due_to_waiver": YES_OR_NO,
            },
        ),
    },
)
PROFILE = _object(
    needs={
        "name": TEXT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "supports": _list({"type": "object"}),
        "attributes": _list({"type": "object"}),
        "groups": _list(_object(needs={"id": TEXT, "controls": _list(TEXT)}, may={"title": TEXT})),
        "controls": _list(CONTROL),
    },
    may=dict.fromkeys(("title", "version", "summary", "status"), TEXT),
)
HDF = _object(
    needs={
        "platform": _object(needs={"name": TEXT, "release": TEXT}, may={"target_id": TEXT}),
        "profiles": _list(PROFILE),
        "statistics": _object(needs={}, may={"duration": {"type": ["number", "null"]}}),
        "version": TEXT,
    }
)
