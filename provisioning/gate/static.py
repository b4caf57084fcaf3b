"""What the model alone says of a change: every site's changes, the plan's, and what of the expected did not come about."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address
from pathlib import Path

from provisioning import agreement
from provisioning.deployment import PLAN, Deployment
from provisioning.gate.changes import Change, Pair, changes
from provisioning.gate.files import Expected, Policy
from sns.errors import ConfigurationNotFound
from sns.model import Configuration, Finding, Location


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: its sites' configurations and trees, and the plan when there is one. A tree alone is site ""."""

    configurations: Mapping[str, Configuration]
    trees: Mapping[str, Path]
    deployment: Deployment | None = None

    @classmethod
    def of(cls, deployment: Deployment) -> Side:
        """A deployment's. A site whose tree is missing is told by the comparison of plan and trees."""
        found = {}
        for site in deployment.sites:
            try:
                found[site] = deployment.configuration(site)
            except ConfigurationNotFound:
                continue
        return cls(found, {site: deployment.configuration_folder(site) for site in found}, deployment)


def static(
    before: Side, after: Side, policy: Policy, expected: Sequence[Expected], day: date
) -> tuple[list[Change], list[str]]:
    """All changes, the gravest first, and notes on expectations.

    Raises DeploymentError for expectations that name what is not there, KeyError when an active slot has no file.
    """
    found: list[Change] = []
    met: set[int] = set()
    for site in before.configurations.keys() & after.configurations.keys():
        pair = Pair(
            site,
            before.configurations[site],
            after.configurations[site],
            (before.trees[site], after.trees[site]),
            {**hosts(after.deployment or before.deployment, site), **_own(after.configurations[site])},
        )
        mine, lines = changes(pair, policy, expected, day)
        found += mine
        met |= lines
    found += _of_plans(before, after, policy)
    order = ("refused", "approval", "nothing")
    return sorted(found, key=lambda change: (order.index(change.need), change.site)), list(_notes(expected, met, day))


def hosts(deployment: Deployment | None, site: str) -> dict[IPv4Address, str]:
    """The addresses that people know by a name, those first that a reader looks for: strangers, then the site's own hosts."""
    if deployment is None:
        return {}
    internet = deployment.internet
    found = {internet.stranger: "stranger"}
    for name in (site, *(other for other in deployment.sites if other != site)):
        found.update({host.address: host.id for host in deployment.sites[name].hosts.values()})
    found.update({internet.public: "public site", internet.vpn_client: "VPN client", internet.admin: "administrator"})
    found.update({internet.resolver: "resolver", internet.mirror: "mirror"})
    found.update({pool.first_user: f"VPN user over {pool.protocol.upper()}" for pool in deployment.sites[site].pools})
    return found


def _own(configuration: Configuration) -> dict[IPv4Address, str]:
    return {one.address.ip: f"Firewall_{one.name}" for one in configuration.interfaces if one.address}


def _of_plans(before: Side, after: Side, policy: Policy) -> Iterator[Change]:
    if before.deployment is None or after.deployment is None:
        return
    was, now = (tomllib.loads((side.deployment.folder / PLAN).read_text()) for side in (before, after) if side.deployment)
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield Change("", "others.plan", policy.need("others.plan"), (f"{PLAN}: {key}",), "another value", "this value",
                         Location(PLAN, after.deployment.lines.line((key,))))  # fmt: skip
    known = {_same(finding) for finding in agreement.check(before.deployment)}
    read = {_same(finding) for one in after.configurations.values() for finding in one.findings}
    for finding in agreement.check(after.deployment):
        if _same(finding) not in known | read:
            yield Change("", "findings.error", policy.need("findings.error"), (f"{finding.field}: {finding.message}",),
                         "not so", "so", finding.location)  # fmt: skip


def _same(finding: Finding) -> tuple[str, str]:
    return finding.field, finding.message


def _notes(expected: Sequence[Expected], met: set[int], day: date) -> Iterator[str]:
    for one in expected:
        if one.line in met and not one.in_force(day):
            yield f"expected-changes.toml:{one.line}: expired on {one.expires}, and counts no more ({one.owner}: {one.reason})"
        elif one.line not in met:
            yield f"expected-changes.toml:{one.line}: did not come about ({one.owner}: {one.reason}); remove it"
