"""CONFIG FILTER SHOW and MANAGE on files of both firmwares: shown is what holds, switched is the line that stands there."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest
from stormshield.sns.sslclient import Response

from lab.appliance.serverd.clone import Clone
from lab.appliance.serverd.service import Serverd
from tests.lab_appliance.serverd.test_protocol import read
from tests.sns.trees import GUIDE, write

CLIENT = IPv4Address("198.51.100.101")
FILES = {
    "3.9": "[Config]\nImplicit=1\nDns=1\t# resolver\nSshd=0\n",
    "4.8": "[Config]\nImplicit=1\n\n[Services]\nDns=1\t# resolver\nSshd=0\n\n[Global]\nStrictUsers=0\n",
    "nothing said": "[Config]\nOptimize=1\n",
}


class Asked:
    """A session with an appliance whose ``Filter/filter`` says this."""

    def __init__(self, folder: Path, text: str) -> None:
        self.serverd = Serverd()
        self.serverd.clone = Clone(folder)
        write(folder, {**GUIDE, "Filter/filter": text})
        opened = self.serverd.sessions.open(self.serverd.sessions.logged_in(CLIENT, "admin"), CLIENT)
        assert opened is not None
        self._session = opened

    def ask(self, command: str) -> Response:
        """The command must be carried out; what the vendor's client makes of the answer."""
        reply = self.serverd.command(self._session, command)
        assert reply.ret == 100, reply.msg
        return read(reply)


@pytest.mark.parametrize("firmware", FILES)
def test_what_is_shown_is_what_holds(tmp_path: Path, firmware: str) -> None:
    asked = Asked(tmp_path, FILES[firmware])
    shown = asked.ask("CONFIG FILTER SHOW").data
    holds = asked.serverd.clone.configuration().implicit.services
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
def test_a_rule_is_switched_where_it_stands(tmp_path: Path, firmware: str, command: str, line: tuple[str, str]) -> None:
    asked = Asked(tmp_path, FILES[firmware])
    asked.ask(f"CONFIG FILTER MANAGE {command}")
    fresh = FILES[firmware].replace(*line)
    if "implicit" in command:
        fresh = fresh.replace("Implicit=1", "Implicit=0")
    assert asked.serverd.clone.read("Filter/filter") == fresh
