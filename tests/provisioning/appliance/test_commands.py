"""From one configuration to another by commands: the guide's own scripts, and what a change of it takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provisioning.appliance.commands import commands, said
from provisioning.appliance.errors import hidden
from provisioning.appliance.scripts import scripts
from provisioning.appliance.tree import Tree
from provisioning.deployment import load
from tests.provisioning.plans import GUIDE
from tests.sns import trees


def test_the_scripts_beside_the_guide_are_the_ones_that_its_configuration_gives() -> None:
    """To write them anew: see docs/appliance-api.md."""
    assert {file.name: file.read_text() for file in (GUIDE / "commands").glob("*.commands")} == dict(scripts(load(GUIDE)))


def test_no_script_holds_a_secret() -> None:
    for text in scripts(load(GUIDE)).values():
        for line in text.splitlines():
            if "password=" in line or "psk=" in line:
                assert "${secret:" in line


_WITH = {"Filter/05": {"FILTER"}}
"""What a change of a file needs beside: a slot is written anew, rule by rule."""


def tree(folder: Path, changes: Mapping[str, str | None]) -> Tree:
    return Tree(trees.write(folder, {}), trees.guide(folder, changes))


def test_between_equal_configurations_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert commands(tree(tmp_path / "a", {}), tree(tmp_path / "b", {})) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "object",
            "10.200.0.10",
            "10.200.0.11",
            ["CONFIG OBJECT HOST NEW name=ubuntu-webserver ip=10.200.0.11 resolve=static update=1", "CONFIG OBJECT ACTIVATE"],
        ),
        ("Filter/05", "[NAT]", "pass from vlan200 to any\n[NAT]", ["CONFIG SLOT ACTIVATE type=filter slot=5"]),
        ("webadmin", "admin_client", "any", ["CONFIG WEBADMIN ACCESS ADD any", "CONFIG WEBADMIN ACCESS REMOVE admin_client"]),
    ],
)
def test_a_change_is_said_and_nothing_else(file: str, old: str, new: str, expected: list[str], tmp_path: Path) -> None:
    text = trees.GUIDE[file]
    assert old in text
    told = commands(tree(tmp_path / "a", {}), tree(tmp_path / "b", {file: text.replace(old, new)}))
    assert [line for line in expected if line not in [one.partition(" comment=")[0] for one in told]] == []
    assert {line.split()[1] for line in told} == {expected[0].split()[1], expected[-1].split()[1]} | _WITH.get(file, set())


def test_values_with_blanks_or_marks_that_clients_take_for_redirections_are_quoted() -> None:
    assert said("X", name="a b", comment="1 > 0", plain="x") == 'X name="a b" comment="1 > 0" plain=x'
    assert said("X", comment='say "no"') == "X comment=\"say 'no'\""


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG IPSEC PEER NEW name=x psk=verysecret",
        'USER PASSWORD dn=x password="very secret"',
        "CONFIG CONSOLE SETPASSPHRASE very",
    ],
)
def test_messages_show_no_secret(command: str) -> None:
    assert "very" not in hidden(command)
    assert hidden(command).startswith(command.split()[0])
