"""Control catalogues as dated data files, which scenario supports which control, and known deviations.

``claims.toml`` beside this module says what the scenarios show. Every other ``*.toml`` is a catalogue, whose controls refer
to these claims.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

CLAIMS = "claims.toml"

LANGUAGES = ("fr",)
"""A field ``shows_fr`` says in French what ``shows`` says in English."""


def translations(code: str) -> dict[str, str]:
    """The texts of all catalogues in a language of ``LANGUAGES``, by their English."""
    said: dict[str, str] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            for group in tomllib.loads(file.read_text(encoding="utf-8")).values():
                for table in group if isinstance(group, list) else [group]:
                    pairs = ((name.removesuffix(f"_{code}"), name) for name in table if name.endswith(f"_{code}"))
                    said |= {table[english]: table[other] for english, other in pairs if english in table}
    return said
