"""SSH and directory settings as their servers read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance import directory, sshd
from sns.model import Severity
from tests.sns.trees import guide


@pytest.mark.parametrize(
    ("password", "lines"),
    [
        (True, {"PasswordAuthentication yes", "PermitRootLogin yes"}),
        (False, {"PasswordAuthentication no", "PermitRootLogin prohibit-password"}),
    ],
)
def test_passwords_are_taken_only_when_the_configuration_says_so(password: bool, lines: set[str]) -> None:
    assert lines <= set(sshd.settings(22, password=password).splitlines())


def test_only_admin_comes_in_with_the_agent_and_the_products_commands() -> None:
    lines = sshd.settings(2222, password=False).splitlines()
    assert {"Port 2222", "AllowUsers admin", "AllowAgentForwarding yes"} <= set(lines)
    assert any(line.startswith("SetEnv PATH=/usr/Firewall/sbin:") for line in lines)


def test_the_directory_serves_the_configured_suffix_and_shows_nothing(tmp_path: Path) -> None:
    lines = directory.settings(guide(tmp_path)).splitlines()
    assert 'suffix "o=stormshield,dc=ovh"' in lines
    assert [line for line in lines if line.startswith("access")] == [
        "access to attrs=userPassword by anonymous auth by * none",
        "access to * by * none",
    ]


def test_an_entry_that_slapd_refuses_is_named_by_its_line() -> None:
    said = "slapadd: could not parse entry (line=21)\n<= str2entry: str2ad(nonsense): attribute type undefined\n"
    finding = directory._finding(said)
    assert str(finding.location) == "Data/Ldapbase.ldif:21"
    assert finding.severity is Severity.ERROR
