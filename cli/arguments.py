"""Arguments that are not known: told by the command that was given them, with the nearest word that it knows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

_OPTION = re.compile(r"--?[a-z][a-z-]*")


class Parser(argparse.ArgumentParser):
    """argparse's parser, whose commands refuse what they do not know themselves: it leaves that to the whole program's."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """As argparse does it, but nothing stays unknown."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            self._refuse(rest)
        return known, rest

    def _refuse(self, rest: Sequence[str]) -> NoReturn:
        # What follows an unknown option may be its value, and is not to blame.
        if options := [word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"]:
            known = _OPTION.findall(self.format_usage())
            self.error("; ".join(f"unknown option {word}{_meant(word, known)}" for word in options))
        self.error(f"one argument too many: {rest[0]}" if len(rest) == 1 else f"arguments too many: {' '.join(rest)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of an argument's words."""
        if action.choices is not None and value not in action.choices:
            words = [str(word) for word in action.choices]
            told = _meant(str(value), words) or f" (choose from {', '.join(words)})"
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{told}")


def _meant(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
