"""A command of serverd: its words, who may give it, the tokens it takes, and what carries it out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lab.appliance.serverd.clone import Clone
from lab.appliance.serverd.replies import Refusal, Reply
from lab.appliance.serverd.sessions import Session, Sessions
from sns.model import Configuration


class Appliance(Protocol):
    """What commands act on."""

    @property
    def clone(self) -> Clone:
        """The edited configuration."""

    @property
    def sessions(self) -> Sessions:
        """Who is connected."""

    @property
    def changing(self) -> threading.RLock:
        """Held by the command that edits or activates."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """All commands by the words that call them."""

    def running(self) -> Configuration:
        """The configuration in ConfigFiles, without the edits."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it was given."""

    command: Command
    session: Session
    appliance: Appliance
    words: tuple[str, ...] = ()  # after the command's own
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def clone(self) -> Clone:
        """The edited configuration."""
        return self.appliance.clone

    def get(self, token: str, default: str = "") -> str:
        """The value of a token, the default when it is not given."""
        return self.tokens.get(token.lower(), default)

    def need(self, token: str) -> str:
        """The value of a token that must be given. Raises Refusal."""
        value = self.get(token)
        if not value:
            raise Refusal.format(f"{token} is missing")
        return value

    def word(self, place: int, name: str) -> str:
        """A bare word that must be given. Raises Refusal."""
        if place >= len(self.words):
            raise Refusal.format(f"{name} is missing")
        return self.words[place]

    def choice(self, token: str, default: str, allowed: tuple[str, ...]) -> str:
        """A token's value, one of several words without regard to case. Raises Refusal."""
        value = self.get(token, default).lower()
        if value not in allowed:
            raise Refusal.format(f'{token}: "{value}" is not one of {", ".join(allowed)}')
        return value

    def number(self, token: str, low: int, high: int) -> int:
        """A token's value as a whole number. Raises Refusal."""
        value = self.need(token)
        if not value.isascii() or not value.isdecimal() or not low <= int(value) <= high:
            raise Refusal.format(f'{token}: "{value}" is not a number from {low} to {high}')
        return int(value)


Handler = Callable[[Call], Reply | None]


@dataclass(frozen=True, slots=True)
class Command:
    """``path`` are the words that call it, in capitals. Without an answer of its own, it answers Ok.

    ``level`` is the privilege that it needs; one that ``edits`` needs ``modify`` too, and its edits are checked. ``words`` is
    how many bare words it takes at most.
    """

    path: str
    handler: Handler
    tokens: tuple[str, ...] = ()
    level: str = "base"
    edits: bool = False
    modifies: bool = False
    words: int = 0
    help: str = ""

    def call(self, call: Call) -> Reply:
        """Carry it out. Raises Refusal."""
        call.session.need(self.level)
        if self.edits or self.modifies:
            call.session.need("modify")
        known = {token.lower() for token in self.tokens}
        if unknown := [token for token in call.tokens if token not in known]:
            takes = f"it takes {', '.join(self.tokens)}" if self.tokens else "it takes none"
            raise Refusal.format(f"{self.path}: unknown token {', '.join(unknown)}; {takes}")
        if len(call.words) > self.words:
            raise Refusal.format(f'{self.path}: "{call.words[self.words]}" is not understood')
        if not (self.edits or self.modifies):
            return self.handler(call) or Reply()
        with call.appliance.changing:
            if not self.edits:
                return self.handler(call) or Reply()
            answers: list[Reply | None] = []
            call.clone.checked(lambda: answers.append(self.handler(call)))
            return answers[0] or Reply()
