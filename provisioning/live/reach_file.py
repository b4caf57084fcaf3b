"""How the machines are reached that a test needs beside the deployment's own: ``reach.toml``.

Nothing in it has to be said for an administrator who sits at this machine. ``rempart lab up --cloud`` writes one for its lab.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioning import toml_file
from provisioning.deployment import Deployment, DeploymentError, located
from provisioning.toml_table import Findings, Table

REACH_FILE = "reach.toml"
ADMINISTRATOR, STRANGER, VPN_CLIENT = "admin", "stranger", "vpn-client"


@dataclass(frozen=True, slots=True)
class Way:
    """How commands are run on a machine: ``prefix`` stands before each of them, here.

    ``destination`` is where ``ssh`` takes them from there (``user@host``); empty for a machine that is this one. With ``sudo``
    they are root's.
    """

    prefix: tuple[str, ...] = ()
    destination: str = ""
    sudo: bool = False


@dataclass(frozen=True, slots=True)
class FirewallWay:
    """What the management API of a firewall needs: the file of the authority that signed its certificate.

    ``unsigned_backups`` accepts backups that no appliance of the vendor signed, as simulated ones are.
    """

    authority: Path
    unsigned_backups: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """All of it. ``lab`` names the lab that all of this is in: a run there is no evidence of a real deployment.

    ``others`` are machines of the Internet by their name; ``ssh_options`` are for every ``ssh`` that is run here.
    """

    lab: str = ""
    administrator: Way = Way()
    others: Mapping[str, Way] = field(default_factory=dict)
    ssh_options: tuple[str, ...] = ()
    firewalls: Mapping[str, FirewallWay] = field(default_factory=dict)


def read(deployment: Deployment, named: Path | None) -> Reach:
    """The file that was named, or that of the deployment's folder; nothing said where there is none.

    Raises DeploymentError with everything that is wrong: file, line, field.
    """
    file = named or deployment.folder / REACH_FILE
    if named is None and not os.path.lexists(file):
        return Reach()
    values, lines = toml_file.read(file, remedy="see docs/going-live.md")
    findings = Findings(str(file), lines)
    table = Table(values, (), findings)
    administrator = table.optional_table(ADMINISTRATOR)
    others = {name: entry for name in (STRANGER, VPN_CLIENT) if (entry := table.optional_table(name))}
    reach = Reach(
        lab=table.text("lab", ""),
        administrator=_way(administrator) if administrator else Way(),
        others={name: _way(entry) for name, entry in others.items()},
        ssh_options=table.texts("ssh_options"),
        firewalls={name: _firewall(each, file.parent) for name, each in _firewalls(table, deployment).items()},
    )
    table.close()
    if findings:
        raise DeploymentError(located(str(file), findings.lines()))
    return reach


def _way(table: Table) -> Way:
    found = Way(table.texts("command"), table.text("ssh", ""), table.flag("sudo", default=False))
    if not (found.prefix or found.destination):
        table.findings.add(table.place, "says nothing", "write command (a list of words), ssh (user@host), or both")
    table.close()
    return found


def _firewalls(table: Table, deployment: Deployment) -> Mapping[str, Table]:
    tables = table.named_tables("firewalls")
    known = {member.id for member in deployment.members()}
    for name in tables.keys() - known:
        table.findings.add(table.at("firewalls", name), "no such firewall in the plan", f"there are {', '.join(sorted(known))}")
    return {name: each for name, each in tables.items() if name in known}


def _firewall(table: Table, folder: Path) -> FirewallWay:
    found = FirewallWay(folder / table.text("authority"), table.flag("unsigned_backups", default=False))
    table.close()
    return found
