"""One pass over one ConfigFiles tree: its documents, what was found wrong, what to check at the end."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from .ini import Document, parse
from .model import Configuration, Finding, Location, Severity, SilentSetting

if TYPE_CHECKING:
    from .resolution import Resolver


class Wanted(Enum):
    """What a name must stand for, in the words of a finding."""

    ADDRESSES = "address object"
    HOST = "host"
    NETWORK = "network"
    SERVICES = "service"
    PORT = "service of one port"
    INTERFACE = "interface"
    GATEWAY = "host or router"
    IP_PROTOCOL = "IP protocol"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name as used somewhere, to be looked up when all names are known."""

    wanted: Wanted
    location: Location
    field: str
    name: str


Check = Callable[[Configuration, "Resolver"], None]


class Reading:
    """Collects findings, references and deferred checks while the files of one tree are read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.references: list[Reference] = []
        self.checks: list[Check] = []
        self.read: set[str] = set()  # files
        self.silent: list[SilentSetting] = []
        self.broken: set[str] = set()  # lower-cased names whose declaration was refused: using them is no second error

    def error(self, location: Location, field: str, message: str, remedy: str = "") -> None:
        """Note something that the appliance must refuse."""
        self.findings.append(Finding(Severity.ERROR, location, field, message, remedy))

    def warning(self, location: Location, field: str, message: str, remedy: str = "") -> None:
        """Note something that works, but hardly as meant."""
        self.findings.append(Finding(Severity.WARNING, location, field, message, remedy))

    def unsupported(self, location: Location, field: str, message: str, remedy: str = "") -> None:
        """Note something that the product may understand and this model does not."""
        self.findings.append(Finding(Severity.UNSUPPORTED, location, field, message, remedy))

    def refer(self, wanted: Wanted, location: Location, field: str, name: str) -> None:
        """Have ``name`` looked up once everything is read."""
        self.references.append(Reference(wanted, location, field, name))

    def later(self, check: Check) -> None:
        """Run ``check`` once everything is read."""
        self.checks.append(check)

    def text(self, file: str, path: Path | None = None) -> str | None:
        """The content of a file of the tree, None when it does not exist; unreadable or undecodable is a finding."""
        path = path or self.root / file
        self.read.add(file)
        try:
            if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
                self.error(Location(file, 1), "file", "is no regular file")  # a pipe would be waited for
                return None
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.error(Location(file, 1), "file", f"cannot be read: {error.strerror}")
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.error(Location(file, line), "encoding", "is not UTF-8", "save the file as UTF-8")
            return data.decode("utf-8", errors="replace")

    def document(self, file: str, sections: Collection[str] | None = None) -> Document | None:
        """The parsed file, None when it does not exist. ``sections`` (lower case) are those known; others are told."""
        text = self.text(file)
        if text is None:
            return None
        document = parse(file, text, self.error)
        if sections is not None:
            self._tell_unknown_sections(document, sections)
        return document

    def _tell_unknown_sections(self, document: Document, known: Collection[str]) -> None:
        seen: set[str] = set()
        for section in document.sections:
            name = section.name.lower()
            if name not in known:
                self.unsupported(section.location, "section", f"[{section.name}] is not a known section of this file")
            elif name in seen:
                self.warning(section.location, "section", f"[{section.name}] stands here a second time", "join the two")
            seen.add(name)
