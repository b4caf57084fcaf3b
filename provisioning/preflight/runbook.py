"""A runbook: the commands of a shell file, or of the fenced blocks of a Markdown page, each with its line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^[\s>]*(`{3,}|~{3,})\s*(\w*)")
_QUOTE = re.compile(r"^\s*(?:>\s?)+")
_SHELLS = ("bash", "sh", "shell", "console", "")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_COMMAND = re.compile(r"[a-z][a-z0-9_.-]*")
_RUNNERS = ("sudo", "exec", "time", "env", "if", "then", "else", "while", "until", "do", "!")
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9_ -]*>")


class UnreadableRunbook(Exception):
    """The runbook cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line. ``block`` counts the blocks of lines that a reader would paste together."""

    line: int
    block: int
    text: str
    words: tuple[str, ...]
    guarded: bool  # its failure, or the lack of what it makes, is looked at

    @property
    def program(self) -> str:
        """The program's name; empty for what is no command (an answer that is shown, a file's content)."""
        return self.words[0] if self.words and _COMMAND.fullmatch(self.words[0]) else ""

    def is_openstack(self, *verb: str) -> bool:
        """Whether it is ``openstack`` and these words."""
        return self.program == "openstack" and self.words[1 : 1 + len(verb)] == verb

    def options(self, name: str) -> list[str]:
        """The values of an option, in order: ``--name VALUE`` and ``--name=VALUE``."""
        after = [value for word, value in zip(self.words, self.words[1:], strict=False) if word == name]
        return after + [word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")]

    def option(self, name: str) -> str:
        """The last value of an option; empty without one."""
        values = self.options(name)
        return values[-1] if values else ""

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(word == name or word.startswith(f"{name}=") for word in self.words for name in names)

    @property
    def target(self) -> str:
        """What ``openstack … create`` makes: the last word."""
        return self.words[-1] if len(self.words) > 3 else ""

    @property
    def placeholders(self) -> list[str]:
        """What is still to be filled in."""
        return _PLACEHOLDER.findall(self.text)


@dataclass(frozen=True, slots=True)
class Runbook:
    """The commands of a file, in order."""

    file: str
    commands: tuple[Command, ...]
    defined: frozenset[str]  # functions and variables that the file itself defines

    def openstack(self, *verb: str) -> list[Command]:
        """Its ``openstack`` commands of one kind."""
        return [command for command in self.commands if command.is_openstack(*verb)]

    def programs(self, *names: str) -> list[Command]:
        """Its commands of these programs."""
        return [command for command in self.commands if command.program in names]


def read(path: Path) -> Runbook:
    """Read a shell file, or a Markdown page (``.md``). Raises UnreadableRunbook."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "is not UTF-8"
        raise UnreadableRunbook(f"{path}: {reason}") from None
    lines = list(_fenced(text) if path.suffix.lower() in (".md", ".markdown") else _plain(text))
    return Runbook(str(path), tuple(_commands(lines)), frozenset(_defined(lines)))


def _fenced(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, block and text of what stands in the fenced shell blocks."""
    block, fence, is_shell = 0, "", False
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        if mark and not fence:
            block, fence, is_shell = block + 1, mark[1], mark[2].lower() in _SHELLS
        elif mark and mark[1].startswith(fence[0]) and not mark[2]:
            fence = ""
        elif fence and is_shell:
            yield number, block, _QUOTE.sub("", line)


def _plain(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, block and text of a shell file: an empty line ends a block."""
    block = 1
    for number, line in enumerate(text.splitlines(), start=1):
        block += not line.strip()
        yield number, block, line


def _commands(lines: list[tuple[int, int, str]]) -> Iterator[Command]:
    joined, begun = "", 0
    for number, block, line in lines:
        begun = begun or number
        joined += line.rstrip().removesuffix("\\") if line.rstrip().endswith("\\") else line
        if line.rstrip().endswith("\\"):
            continue
        text, joined, at, begun = joined.strip().removeprefix("$ "), "", begun, 0
        if text and not text.startswith("#"):
            yield Command(at, block, text, _words(text), "||" in text or "&&" in text or text.startswith("if "))


def _words(text: str) -> tuple[str, ...]:
    """A line's words; what is no shell at all is split at blanks. Assignments and programs that run others are left out."""
    try:
        # A placeholder is one word, whatever the shell would make of its brackets.
        words = shlex.split(_PLACEHOLDER.sub(lambda found: found[0].replace(" ", "_"), text), comments=True)
    except ValueError:
        words = text.split()
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in _RUNNERS):
        words = words[1:]
    return tuple(words)


def _defined(lines: list[tuple[int, int, str]]) -> Iterator[str]:
    for _, _, line in lines:
        if found := re.match(r"\s*(?:function\s+)?([A-Za-z_][A-Za-z0-9_-]*)\s*\(\)", line):
            yield found[1]
        yield from re.findall(r"(?:^|\s)(?:export\s+)?([A-Z][A-Z0-9_]*)=", line)
