"""The commands are the vendor's own: no word is made up, and each says what it takes."""

from __future__ import annotations

import pytest
from stormshield.sns.sslclient import SSLClient

from lab.appliance.serverd.service import Serverd

LATER = frozenset({
    "CONFIG SSH UPDATE", "CONFIG SSH ACTIVATE",  # 4.x; older firmware has CONFIG CONSOLE SSH
    "CONFIG IPSEC PROFILE PHASE1 PROPOSALS ADD",  # since 4.1.0; older firmware has ADDPROP
})  # fmt: skip
"""Documented by the vendor for firmware that is newer than the word list of its client (sns.md 5)."""


@pytest.fixture(scope="module")
def vendors() -> frozenset[str]:
    """The word list that comes with the vendor's client."""
    with open(SSLClient.get_completer(), encoding="utf-8") as words:  # noqa: PTH123 - the client gives a name
        return frozenset(line.strip().replace(".", " ").upper() for line in words)


def test_every_command_is_the_vendors(vendors: frozenset[str]) -> None:
    ours = set(_serverd().commands)
    assert len(ours) > 100
    assert sorted(ours - LATER - vendors) == []
    assert sorted(LATER - ours) == []


def test_what_changes_something_needs_a_privilege_of_its_own() -> None:
    without = [path for path, command in _serverd().commands.items() if command.edits and command.level == "base"]
    assert without == []


def _serverd() -> Serverd:
    """Its commands alone: no appliance is here."""
    return Serverd.__new__(Serverd)
