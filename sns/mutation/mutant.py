"""A mutant: one plausible mistake in one site's files, as edits of lines that can be made, and undone, anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


class DoesNotFit(Exception):
    """A file does not have the line that an edit is about."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A line of a file, named as in findings (``Filter/05``, ``Data/Ldapbase.ldif``), and what stands there instead.

    ``new`` has no line for one that is deleted, and several for one that gets company.
    """

    file: str
    line: int
    old: str
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake: which operator made it, where, and what it is in words.

    ``synchronised`` is False for what the administrator changed on the active member alone. ``number`` tells mutants of one
    operator at one line apart, from 1.
    """

    site: str
    operator: str
    what: str
    edits: tuple[Edit, ...]
    synchronised: bool = True
    number: int = 1

    @property
    def place(self) -> str:
        """The file and line of its first edit (``Filter/05:14``)."""
        return f"{self.edits[0].file}:{self.edits[0].line}"

    @property
    def name(self) -> str:
        """The same in every run on the same configuration: ``sbg7/Filter/05:14/rule deleted``."""
        tail = f"/{self.number}" if self.number > 1 else ""
        return f"{self.site}/{self.place}/{self.operator}{tail}"

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it changes."""
        return tuple(dict.fromkeys(edit.file for edit in self.edits))

    @property
    def of_the_pair(self) -> bool:
        """Whether it is about how the members are a pair."""
        return any(file.startswith("HA/") for file in self.files)

    def applied(self, file: str, text: str) -> str:
        """The text of one of its files with its edits. Raises DoesNotFit.

        A line of the deployment that holds a secret's reference is taken for the line that holds its value.
        """
        lines = text.split("\n")
        edits = sorted((edit for edit in self.edits if edit.file == file), key=lambda edit: edit.line, reverse=True)
        for edit in edits:
            here = lines[edit.line - 1] if edit.line <= len(lines) else None
            if here is None or (here != edit.old and "${secret:" not in edit.old):
                raise DoesNotFit(f"{file}:{edit.line}: expected {edit.old!r}, found {here!r}")
            lines[edit.line - 1 : edit.line] = edit.new
        return "\n".join(lines)


def applied(mutant: Mutant, files: Mapping[str, str]) -> dict[str, str]:
    """The texts of the files that a mutant changes, out of all files of its site. Raises DoesNotFit."""
    return {file: mutant.applied(file, files[file]) for file in mutant.files}


def numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """The mutants with numbers that tell apart those of one operator at one line."""
    seen: dict[str, int] = {}
    found = []
    for mutant in mutants:
        seen[mutant.name] = seen.get(mutant.name, 0) + 1
        found.append(replace(mutant, number=seen[mutant.name]))
    return found
