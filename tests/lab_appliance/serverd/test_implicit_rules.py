"""CONFIG FILTER SHOW and MANAGE on files of both firmwares: shown is what holds, switched is the line that stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab_appliance.serverd.conftest import Client
from tests.lab_appliance.serverd.test_protocol import read
from tests.sns.trees import write

FILES = {
    "3.9": "[Config]\nImplicit=1\nDns=1\t# resolver\nSshd=0\n",
    "4.8": "[Config]\nImplicit=1\n\n[Services]\nDns=1\t# resolver\nSshd=0\n\n[Global]\nStrictUsers=0\n",
    "nothing said": "[Config]\nOptimize=1\n",
}


def on(firmware: str, firewall: Path) -> Client:
    """A session with an appliance that has the file of a firmware."""
    write(firewall, {"Filter/filter": FILES[firmware]})
    return Client(firewall)


@pytest.mark.parametrize("firmware", FILES)
def test_what_is_shown_is_what_holds(firewall: Path, firmware: str) -> None:
    client = on(firmware, firewall)
    shown = read(client.ask("CONFIG FILTER SHOW")).data
    holds = client.serverd.clone.configuration().implicit.services
    assert {name: int(shown["Services"][name]) for name in ("Dns", "Sshd", "WebAdmin", "Serverd", "Vpn")} == {
        name: int(holds[name.lower()]) for name in ("Dns", "Sshd", "WebAdmin", "Serverd", "Vpn")
    }
    assert dict(shown["Config"].items()) == {"Plugin": "1", "Implicit": "1", "FwDefault": "1", "Ipstate": "1"}


@pytest.mark.parametrize(
    ("firmware", "command", "line"),
    [
        ("3.9", "Dns=0", ("Dns=1\t# resolver", "Dns=0\t# resolver")),
        ("4.8", "Dns=0", ("Dns=1\t# resolver", "Dns=0\t# resolver")),
        ("4.8", "sshd=1 implicit=0", ("Sshd=0\n", "Sshd=1\n")),
        ("3.9", "WebAdmin=0", ("Sshd=0\n", "Sshd=0\nWebAdmin=0\n")),
        ("4.8", "WebAdmin=0", ("Sshd=0\n", "Sshd=0\nWebAdmin=0\n")),
    ],
)
def test_a_rule_is_switched_where_it_stands(firewall: Path, firmware: str, command: str, line: tuple[str, str]) -> None:
    client = on(firmware, firewall)
    assert client.ask(f"CONFIG FILTER MANAGE {command}").msg == "Ok"
    fresh = FILES[firmware].replace(*line)
    if "implicit" in command:
        fresh = fresh.replace("Implicit=1", "Implicit=0")
    assert client.serverd.clone.read("Filter/filter") == fresh
