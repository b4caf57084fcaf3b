"""Preflight as a whole: the plan as far as it can be read, every rule, and one finding for each that has a doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.deployment import Deployment, examine
from provisioning.preflight import commands, firewalls, networks, regions, servers, sites
from provisioning.preflight.cloud_facts import CloudFacts
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import CONTRADICTION, Doubt, Finding, Severity, merged
from provisioning.preflight.runbook import read
from provisioning.toml_table import NO_ADDRESS, NO_NETWORK
from sns.model import Location

if TYPE_CHECKING:
    from sns.model import Finding as Contradiction

RUNBOOKS = ("runbook.sh", "runbook.md")
"""A runbook that lies beside the plan is looked at without being named."""

SAYS_BETTER = ("S12", "V2", "V3", "V5")
"""Rules about what reading finds too: a serial number or a key that is missing, networks and blocks that overlap."""

_REFUSED = re.compile(rf"(?<![\d.])(?:{NO_NETWORK}|{NO_ADDRESS})(?![\d./])")
"""What stands for an address or a network that could not be read: a rule that names it speaks of nothing in the plan."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found, the gravest first within the order of the rules; and what was looked at."""

    deployment: Deployment
    findings: tuple[Finding, ...]
    runbook: str = ""
    cloud: str = ""

    def count(self, severity: Severity) -> int:
        """How many findings are so grave."""
        return sum(finding.severity is severity for finding in self.findings)


def look(folder: Path, *, runbook: Path | None = None, cloud: CloudFacts | None = None, cloud_name: str = "") -> Preflight:
    """Look at a deployment folder; nothing is created, started or changed.

    ``runbook`` defaults to the one beside the plan. Raises DeploymentError without a plan to speak of, UnreadableRunbook.
    """
    deployment, contradictions = examine(folder)
    file = runbook or next((folder / name for name in RUNBOOKS if (folder / name).is_file()), None)
    ground = Ground(deployment, read(file) if file else None, cloud)
    doubts = list(_doubts(ground))
    findings = [*_untold(contradictions, doubts), *_without_cloud(ground), *merged(doubts)]
    return Preflight(deployment, tuple(findings), str(file or ""), cloud_name)


def _doubts(ground: Ground) -> Iterator[Doubt]:
    """What the rules say. ``commands`` are not read from the plan; of all else nothing is said of a value that was refused."""
    for part in (networks, servers, sites, firewalls, regions):
        yield from (doubt for doubt in part.check(ground) if not _REFUSED.search(doubt.message))
    yield from commands.check(ground)


def _without_cloud(ground: Ground) -> Iterator[Finding]:
    """A plan for the lab alone: told once, so that silence is not taken for consent."""
    if ground.deployment.cloud is None:
        place = Location(str(ground.deployment.plan), 1)
        message = "nothing says what OpenStack is asked for: the rules about it were not looked at"
        yield Finding(CONTRADICTION, Severity.INFORMATION, place, "cloud", message, "add [cloud]: docs/your-deployment.md")


def _untold(contradictions: tuple[Contradiction, ...], doubts: list[Doubt]) -> Iterator[Finding]:
    """What reading the plan found and no rule says better, at the same value."""
    told: dict[Location, set[str]] = {}
    for doubt in doubts:
        if doubt.rule in SAYS_BETTER and doubt.severity is None:
            told.setdefault(doubt.location, set()).add(doubt.field)
    for one in contradictions:
        # A rule may speak of a whole list, reading of one of its elements.
        if not any(one.field == field or one.field.startswith(f"{field}[") for field in told.get(one.location, ())):
            yield Finding(CONTRADICTION, Severity.ERROR, one.location, one.field, one.message, one.remedy)
