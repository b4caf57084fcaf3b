"""The languages that reports speak: English as everything is written, and catalogues that say it in another language.

A catalogue is a TOML file beside this module. Its keys are the English texts; ``{…}`` in a key stands for any text, and
the same name in the translation is where that text goes. What a catalogue does not have stays English and is marked so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files

from reports import controls

ENGLISH = "en"
CODES = (ENGLISH, "fr")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_VOWEL = re.compile(r"[aàâeéèêiîoôuh]", re.IGNORECASE)
_NO_BREAK = "\N{NO-BREAK SPACE}"
_NARROW_NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Said:
    """A text and the language that it is in, which is English where the catalogue had nothing."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class _Catalogue:
    exact: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[tuple[re.Pattern[str], str]] = ()

    def find(self, text: str) -> str | None:
        if text in self.exact:
            return self.exact[text]
        for pattern, translation in self.patterns:
            if found := pattern.fullmatch(text):
                return _PLACEHOLDER.sub(lambda name, found=found: self.find(found[name[1]]) or found[name[1]], translation)  # type: ignore[misc]
        return None


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its catalogues, by what they are about: ``interface``, ``sentences``, ``values``, ``controls``, …"""

    code: str
    catalogues: Mapping[str, _Catalogue] = field(default_factory=dict, repr=False)

    def text(self, english: str, **values: object) -> str:
        """A text of the interface, its ``{names}`` replaced by the values."""
        return (self._find("interface", english) or english).format(**values)

    def sentence(self, english: str) -> Said:
        """The name of a feature, rule or scenario, or the sentence of a step without its keyword."""
        return self._said("sentences", english)

    def observation(self, english: str) -> Said:
        """What an observation looked at."""
        return self._said("observations", english)

    def value(self, english: str) -> Said:
        """What was expected or observed. Addresses, numbers and product output are the same in every language."""
        return Said(self._find("values", english) or english, self.code)

    def control(self, english: str) -> Said:
        """What a catalogue of controls or its mapping says."""
        return self._said("controls", english)

    def message(self, english: str) -> Said:
        """A reason or an event of the run."""
        return self._said("messages", english)

    def keyword(self, word: str, sentence: str = "", *, after: str = "") -> str:
        """A Gherkin keyword before a sentence. ``after`` is the last keyword that was not And or But.

        French elides: ``Étant donné que`` before a consonant, ``Étant donné qu'`` before a vowel.
        """
        if self.code == ENGLISH:
            return word
        key = f"{word} after Given" if word in ("And", "But") and after == "Given" else word
        found = self._find("keywords", key) or word
        if found.endswith(" que") and _VOWEL.match(sentence):
            return f"{found[:-1]}\N{RIGHT SINGLE QUOTATION MARK}"
        return found

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits after the decimal sign, thousands apart."""
        text = f"{value:,.{digits}f}"
        if self.code == ENGLISH:
            return text
        return text.replace(",", _NARROW_NO_BREAK).replace(".", ",")

    def tick(self, value: float) -> str:
        """A duration at a scale's line, where it is a round one: no more digits than it needs."""
        if value < 1 or value >= 60:
            return self.seconds(value)
        return f"{self.number(value, 0 if value == int(value) else 1)}{_NO_BREAK}s"

    def seconds(self, value: float) -> str:
        """A duration, in the unit that suits it: milliseconds below one second."""
        if value < 1:
            return f"{self.number(value * 1000)}{_NO_BREAK}ms"
        if value < 60:
            return f"{self.number(value, 2 if value < 10 else 1)}{_NO_BREAK}s"
        minutes, rest = divmod(round(value), 60)
        return f"{minutes}{_NO_BREAK}min{_NO_BREAK}{rest:02}{_NO_BREAK}s"

    def size(self, value: int) -> str:
        """A file's size: bytes, kB (1000) or MB."""
        unit = {ENGLISH: "B"}.get(self.code, "o")
        if value < 1000:
            return f"{value}{_NO_BREAK}{unit}"
        scaled, prefix = (value / 1000, "k") if value < 1_000_000 else (value / 1_000_000, "M")
        return f"{self.number(scaled, 1)}{_NO_BREAK}{prefix}{unit}"

    def _find(self, catalogue: str, text: str) -> str | None:
        found = self.catalogues.get(catalogue)
        return found.find(text) if found else None

    def _said(self, catalogue: str, text: str) -> Said:
        found = self._find(catalogue, text)
        return Said(text, ENGLISH) if found is None else Said(found, self.code)


@cache
def language(code: str) -> Language:
    """The language of a code of ``CODES``. Raises KeyError for another."""
    if code not in CODES:
        raise KeyError(code)
    if code == ENGLISH:
        return Language(ENGLISH)
    tables = tomllib.loads((files(__name__) / f"{code}.toml").read_text(encoding="utf-8"))
    tables["controls"] = controls.translations(code)
    return Language(code, {name: _catalogue(table) for name, table in tables.items()})


def _catalogue(table: Mapping[str, str]) -> _Catalogue:
    said = {english: _typeset(french) for english, french in table.items()}
    patterns = ((_pattern(english), french) for english, french in said.items() if _PLACEHOLDER.search(english))
    return _Catalogue(exact=said, patterns=tuple(patterns))


def _typeset(text: str) -> str:
    """French signs as they are printed: a curved apostrophe, and no line broken before a double sign or inside quotes."""
    text = text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    text = re.sub(r" ([:;?!])", rf"{_NO_BREAK}\1", text)
    return text.replace("« ", f"«{_NO_BREAK}").replace(" »", f"{_NO_BREAK}»")


def _pattern(english: str) -> re.Pattern[str]:
    parts, at = [], 0
    for one in _PLACEHOLDER.finditer(english):
        parts += [re.escape(english[at : one.start()]), f"(?P<{one[1]}>.+?)"]
        at = one.end()
    return re.compile("".join([*parts, re.escape(english[at:])]), re.DOTALL)


def utc(stamp: str) -> str:
    """A record's time as people read it: ``2026-11-24 03:49:07 UTC``; the stamp itself when it is no time."""
    try:
        return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return stamp
