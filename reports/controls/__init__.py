"""Control catalogues as dated data files, which scenario supports which control, and known deviations.

Each ``*.toml`` beside this module is a catalogue, except ``unmapped.toml``: the scenarios that support no control, and why.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

UNMAPPED = "unmapped.toml"

LANGUAGES = ("fr",)
"""A field ``why_fr`` says in French what ``why`` says in English."""


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
