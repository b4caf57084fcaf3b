"""The words of a command line: ``CONFIG OBJECT HOST NEW name=srv ip=10.0.0.1 comment="the server"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.appliance.serverd.replies import Refusal

_WORD = re.compile(r'\s*((?:[^\s"]|"[^"]*")+)')
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*=")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line in its parts: bare words as written, then tokens by lower-cased name."""

    words: tuple[str, ...]
    tokens: Mapping[str, str]


def parse(text: str) -> Line:
    """Cut a line into its words. A double-quoted part never splits, and quotes are taken off.

    Raises Refusal for a quote that is not closed, and for a token that is given twice.
    """
    if text.count('"') % 2:
        raise Refusal.format("a quote is not closed")
    words: list[str] = []
    tokens: dict[str, str] = {}
    for word in _WORD.findall(text):
        token = _TOKEN.match(word)
        if token is None:
            words.append(word.replace('"', ""))
            continue
        name = token[0][:-1].lower()
        if name in tokens:
            raise Refusal.format(f"{name} is given twice")
        tokens[name] = word[token.end() :].replace('"', "")
    return Line(tuple(words), tokens)
