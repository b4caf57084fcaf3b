"""Results of checks as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a merge request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sns.checks.result import Check, Level, Result

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(results: Sequence[Result], checks: Sequence[Check], version: str, tool: str = "rempart check") -> str:
    """The document, as that of ``tool``. The files of the results are relative to the root of the repository, or absolute."""
    places = {check.id: place for place, check in enumerate(checks)}
    driver = {"name": tool, "version": version, "rules": [_rule(check) for check in checks]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, places[result.check.id]) for result in results],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.reason},
        "defaultConfiguration": {"level": _LEVELS[check.level]},
        "properties": {"tags": list(check.controls)},
    }


def _result(result: Result, place: int) -> dict[str, Any]:
    text = f"{result.field}: {result.message}" + (f" ({result.remedy})" if result.remedy else "")
    region = {"startLine": max(result.location.line, 1)}
    return {
        "ruleId": result.check.id,
        "ruleIndex": place,
        "level": _LEVELS[result.check.level],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(result.location.file)}, "region": region}}],
        "partialFingerprints": {"finding/v1": _fingerprint(result)},
    }


def _fingerprint(result: Result) -> str:
    """The same for the same finding on another line: a code host then knows that it is not a new one."""
    return hashlib.sha256("\0".join((result.check.id, result.location.file, result.field, result.message)).encode()).hexdigest()
