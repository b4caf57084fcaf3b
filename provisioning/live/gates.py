"""Gates: what only a person can see before the real deployment is tested, and who saw it when (``gates.toml``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from provisioning import toml_file
from provisioning.deployment import Deployment, DeploymentError, located
from provisioning.toml_lines import TomlLines
from provisioning.toml_table import Findings, Table

GATES_FILE = "gates.toml"


@dataclass(frozen=True, slots=True)
class Gate:
    """One that was passed: ``what`` had to be seen, ``who`` saw it on which ``day``, and what that person ``saw``."""

    id: str
    what: str
    who: str
    day: date
    saw: str


def needed(deployment: Deployment) -> Mapping[str, str]:
    """The gates of a deployment by id, with what must be seen. Their rules of preflight: O25-O28, O18, S9-S12."""
    sites = deployment.sites.values()
    blocks = " and ".join(str(site.block) for site in sites)
    serials = ", ".join(member.serial for member in deployment.members())
    gates = {
        "vrack": f"the project and {blocks} are in the same vRack (Control Panel, vRack)",
        "block": f"{blocks}: ordered, and routed into the vRack, not to a host",
        "image": "the appliances' image was downloaded with the licence's account, and its checksum is the vendor's",
        "licences": f"each appliance has its own licence: {serials}",
        "administrator": f"{deployment.internet.admin} is assigned to the administrator, and there is a second way in",
    }
    if deployment.cloud is None or not deployment.cloud.appliances.first_boot:
        gates["console"] = "the first password of each appliance was set at its console, by whom it concerns"
    else:
        gates["console"] = "the password that the first boot set is the one in use; the console asks for it"
    if any(site.firewall.is_cluster for site in sites):
        gates["join"] = "the second members have joined and restarted, and both members say that they are synchronised"
    released = [str(address) for site in sites for address in site.released]
    if released:
        gates["released"] = f"nobody answers for {', '.join(released)} any more"
    return gates


def passed(deployment: Deployment, file: Path, today: date) -> tuple[Gate, ...]:
    """Every gate of the deployment, as passed. Raises DeploymentError with each that is open: file, line, field."""
    values, lines = toml_file.read(file, remedy="see docs/going-live.md") if os.path.lexists(file) else ({}, TomlLines(""))
    findings = Findings(str(file), lines)
    table = Table(values, (), findings)
    gates = [_gate(table, name, what, today) for name, what in needed(deployment).items()]
    table.close()
    if findings:
        raise DeploymentError(located(str(file), findings.lines()))
    return tuple(gate for gate in gates if gate is not None)


def _gate(table: Table, name: str, what: str, today: date) -> Gate | None:
    if not table.has(name):
        table.findings.add((name,), f"open: {what}", f"when it was seen, write [{name}] with who, when and saw")
        return None
    entry = table.table(name)
    day = entry.day("when")
    gate = Gate(name, what, entry.text("who"), day, entry.text("saw"))
    if day > today:
        table.findings.add(entry.at("when"), f"{day} is still to come", "write the day on which it was seen")
    entry.close()
    return gate
