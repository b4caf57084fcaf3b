"""A ConfigFiles tree with what is read of it: most by the model, a few files that the model leaves out by their own tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sns.ini import Document, parse
from sns.model import Configuration
from sns.reader import read


@dataclass(frozen=True)
class Tree:
    """A tree and its configuration."""

    root: Path
    configuration: Configuration

    @classmethod
    def of(cls, root: Path, label: str = "") -> Tree:
        """The tree at a place. Raises ConfigurationNotFound."""
        return cls(root, read(root, label=label))

    @cached_property
    def name_servers(self) -> tuple[str, ...]:
        """The host objects of ``dns [Servers]``."""
        return tuple(line.text for line in self._document("dns").lines("servers"))

    @cached_property
    def ssl_vpn(self) -> Mapping[str, str]:
        """The tokens of ``Openvpn/openvpn``, as written, without the certificates: those are each appliance's own."""
        pairs = (line.assignment() for line in self._document("Openvpn/openvpn").lines("config"))
        return {pair[0]: pair[1] for pair in pairs if pair and "certificate" not in pair[0].lower()}

    def _document(self, name: str) -> Document:
        path = self.root / name
        return parse(name, path.read_text() if path.is_file() else "", lambda *_: None)
