"""What can be done to a host by running programs there, whichever way they get there."""

from __future__ import annotations

import io
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from ipaddress import IPv4Address

from lab.errors import CommandFailed
from lab.namespace import Completed

UNPACK = ("tar", "-x", "-p", "--no-same-owner", "-C", "/", "-f", "-")
"""The command that unpacks what :func:`packed` has packed."""


def packed(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """An archive of files (path -> content and mode)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Commanded(ABC):
    """A host on which programs can be run."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called."""

    @abstractmethod
    def run(self, *command: str, timeout: float = 30.0, stdin: bytes | None = None) -> Completed:
        """Run a program; its status is for the caller to judge. Raises CommandFailed only for a time-out (seconds)."""

    def must(self, *command: str, timeout: float = 30.0, stdin: bytes | None = None) -> str:
        """Run a program that has to work; its standard output. Raises CommandFailed."""
        done = self.run(*command, timeout=timeout, stdin=stdin)
        if not done.ok:
            raise CommandFailed(self.name, done.command, done.status, done.stderr or done.stdout)
        return done.stdout

    def read(self, path: str) -> str:
        """A text file's content. Raises CommandFailed when it cannot be read."""
        return self.must("cat", path)

    def write(self, files: Mapping[str, tuple[bytes, int]]) -> None:
        """Write files (path -> content and mode), folders included, in one go. Raises CommandFailed."""
        if files:
            self.must(*UNPACK, stdin=packed(files))

    def addresses(self, nic: str | None = None) -> list[IPv4Address]:
        """Its IPv4 addresses, of one interface or of all but loopback. Raises CommandFailed."""
        words = self.must("ip", "-4", "-o", "address", "show", *(("dev", nic) if nic else ("scope", "global")))
        return [IPv4Address(line.split()[3].partition("/")[0]) for line in words.splitlines()]
