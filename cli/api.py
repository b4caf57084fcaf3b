"""``rempart lab api``: the vendor's own ``snscli`` in the network of the lab's administrator, against one of its firewalls."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

_TRAPS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that would have snscli forget the authority that it is given (sns.md 4)."""
_PATIENCE = "90"  # s for an answer: DHCP and a busy machine


def register(verbs: _SubParsersAction[ArgumentParser]) -> ArgumentParser:
    """Add the verb and its arguments."""
    parser = verbs.add_parser("api", help="the management API of a firewall, by the vendor's snscli")
    parser.add_argument("who", metavar="WHO", help="a member (fw1-sbg7), or a site's firewall at the address it shows (sbg7)")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="commands; without any they are read from the terminal")
    parser.add_argument("--script", type=Path, metavar="FILE", help="commands from a file, ${secret:NAME} filled in")
    return parser


def run(given: argparse.Namespace) -> int:
    """Run snscli; its exit code, 1 when it failed or a command was refused. Raises LabError."""
    from lab.namespace import enter
    from provisioning.appliance.in_lab import access
    from provisioning.environment import lab_attach

    environment = lab_attach(given.run)
    with tempfile.TemporaryDirectory(prefix="rempart-api-") as folder:
        to = access(environment, given.who, Path(folder))
        command = [
            str(Path(sys.executable).with_name("snscli")), "-h", to.name, "-i", str(to.address), "-u", to.user,
            "-p", to.password, "-C", str(to.authority), "--timeout", _PATIENCE, "-q",
        ]  # fmt: skip
        text = given.script.read_text() if given.script else "\n".join(given.commands)
        if text:
            script = Path(folder) / "script"
            script.touch(mode=0o600)
            script.write_text(environment.secrets.fill(text) + "\n")
            command += ["-s", str(script)]
        inside = enter(environment.administrator.pid, everything=False)
        variables = {name: value for name, value in os.environ.items() if name not in _TRAPS}
        return subprocess.call([*inside, *command], env=variables)
