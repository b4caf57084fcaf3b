"""``reach.toml``: how machines are reached, and what is said of a file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deployment import DeploymentError, load
from provisioning.live.reach_file import FirewallWay, Reach, Way, read
from tests.provisioning.plans import MINIMAL

WHOLE = """\
ssh_options = ["-F", "config"]

[admin]
command = ["nsenter", "--"]

[stranger]
ssh = "root@192.0.2.7"

[firewalls.fw1-sbg7]
authority = "sbg7.pem"
"""


def refused(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(DeploymentError) as failure:
        read(load(MINIMAL), file)
    return [str(finding).removeprefix(f"{file}:") for finding in failure.value.findings]


def test_what_is_written_is_read_and_files_are_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "reach.toml"
    file.write_text(WHOLE)
    assert read(load(MINIMAL), file) == Reach(
        administrator=Way(("nsenter", "--")),
        others={"stranger": Way((), "root@192.0.2.7")},
        ssh_options=("-F", "config"),
        firewalls={"fw1-sbg7": FirewallWay(tmp_path / "sbg7.pem", unsigned_backups=False)},
    )


def test_without_a_file_the_administrator_sits_here(tmp_path: Path) -> None:
    assert read(load(MINIMAL), None) == Reach()
    with pytest.raises(DeploymentError, match=r"named.toml:1: named: no such file \(see docs/going-live.md\)"):
        read(load(MINIMAL), tmp_path / "named.toml")


@pytest.mark.parametrize(
    "text, told",
    [
        ("[admin]\n", "1: admin: says nothing (write command (a list of words), ssh (user@host), or both)"),
        ('[admin]\ncommand = "nsenter"\n', "2: admin.command: must be a list (write it between [ and ])"),
        ('[firewalls.fw9]\nauthority = "x"\n', "1: firewalls.fw9: no such firewall in the plan (there are fw1-sbg7)"),
        ("[firewalls.fw1-sbg7]\n", "1: firewalls.fw1-sbg7.authority: missing (add authority)"),
        ("[strangers]\n", "1: strangers: unknown key (did you mean 'stranger'?)"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    assert told in refused(tmp_path / "reach.toml", text)
