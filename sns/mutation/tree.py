"""One site's files as operators see them: the lines as written, and beside them what the reader made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from sns.addresses import AddressSet
from sns.errors import ResolutionError
from sns.model import Configuration
from sns.mutation.mutant import Edit
from sns.resolution import Resolver

_SECTION = re.compile(r"\s*\[([^\]]*)\]")
_COMMENT = re.compile(r"\s+#.*$")


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of a section: ``token`` and ``value`` for ``Token=Value``, else the whole text as token and no value."""

    file: str
    line: int
    text: str
    section: str
    token: str
    value: str

    def becomes(self, *lines: str) -> tuple[Edit, ...]:
        """The edit that puts other lines here; without any it deletes this one."""
        return (Edit(self.file, self.line, self.text, lines),)

    def set(self, value: str) -> tuple[Edit, ...]:
        """The edit that gives the token another value; comment and spelling stay."""
        head, equals, rest = self.text.partition("=")
        return self.becomes(head + equals + rest.replace(self.value, value, 1) if self.value else f"{head}={value}{rest}")


class Tree:
    """The files of one site, named as in findings, and the configuration that they make."""

    def __init__(self, site: str, files: Mapping[str, str], configuration: Configuration) -> None:
        self.site = site
        self.files = files
        self.configuration = configuration
        self.resolver = Resolver(configuration)

    @cached_property
    def named(self) -> Mapping[str, AddressSet]:
        """Every object that could be chosen by mistake, with its addresses; in the order of the object base."""
        objects, found = self.configuration.objects, {}
        names = [one.name for kind in (objects.hosts, objects.networks, objects.groups) for one in kind.values()]
        names += [f"Firewall_{one.name}" for one in self.configuration.interfaces if one.enabled]
        for name in names:
            with suppress(ResolutionError):
                found[name] = self.resolver.addresses(name)
        return found

    def settings(self, file: str) -> Iterator[Setting]:
        """The lines of a file that say something, in order; none for a file that is not there."""
        section = ""
        for number, text in enumerate(self.files.get(file, "").split("\n"), start=1):
            if found := _SECTION.match(text):
                section = found[1]
            elif (said := _COMMENT.sub("", text).strip()) and not said.startswith("#"):
                token, equals, value = said.partition("=")
                yield Setting(file, number, text, section, token.strip() if equals else said, value.strip())

    def tokens(self, file: str, *names: str, section: str = "") -> Iterator[Setting]:
        """The settings of these tokens (any case), maybe of one section only."""
        wanted = {name.lower() for name in names}
        for one in self.settings(file):
            if one.token.lower() in wanted and section.lower() in ("", one.section.lower()):
                yield one

    def at(self, file: str, line: int) -> Setting:
        """The setting at a line of a file. Raises StopIteration for a line that says nothing."""
        return next(one for one in self.settings(file) if one.line == line)


def texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """The texts among some files; what is no text is no operator's business."""
    found = {}
    for file, content in files.items():
        try:
            found[file] = content.decode()
        except UnicodeDecodeError:
            continue
    return found
