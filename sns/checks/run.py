"""All checks of one configuration, and their list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sns.first_match import FirstMatch
from sns.model import Configuration, Finding, Location, Severity

from . import cluster, management, objects, policy, reachability, vpn
from .result import Check, Level, Result

REFUSED = Check(
    "refused",
    Level.ERROR,
    "What the appliance must refuse",
    "A name that nobody declares, a value out of range, a line that makes no rule.",
)
DOUBTFUL = Check("doubtful", Level.WARNING, "What works, but hardly as meant", "The reader had to choose a meaning.")
NOT_MODELLED = Check(
    "not-modelled",
    Level.NOTE,
    "What the product may understand and is not modelled here",
    "Nothing is said of it: no check looks at it, and no prediction counts on it.",
)

_READ = {Severity.ERROR: REFUSED, Severity.WARNING: DOUBTFUL, Severity.UNSUPPORTED: NOT_MODELLED}

CHECKS: tuple[Check, ...] = (
    REFUSED, DOUBTFUL, NOT_MODELLED,
    reachability.SHADOWED, reachability.REDUNDANT, reachability.UNREACHABLE, reachability.UNDECIDED,
    policy.ANY_TO_ANY, policy.NO_FINAL_BLOCK, policy.IMPLICIT,
    management.OPEN, management.ACL_OPEN, management.SSH_PASSWORD,
    objects.UNUSED, objects.DUPLICATE,
    vpn.WEAK, vpn.NOT_RECOMMENDED, vpn.PRESHARED, vpn.NO_BLACK_HOLE, vpn.NOT_VIA, vpn.PASSIVE_DPD,
    cluster.HA_BY_DHCP, cluster.MEMBERS_DIFFER,
)  # fmt: skip
"""Every check, in the order in which they are documented."""


def check(configuration: Configuration) -> list[Result]:
    """Every result for a configuration, by place, the gravest first where two meet."""
    return sorted(_all(configuration), key=lambda result: (result.location, -result.check.level, result.check.id))


def as_results(findings: Iterable[Finding]) -> Iterator[Result]:
    """What a reader found, as results."""
    for finding in findings:
        yield Result(_READ[finding.severity], finding.location, finding.field, finding.message, finding.remedy)


def _unmodelled(configuration: Configuration) -> Iterator[Result]:
    for one in configuration.unmodelled:
        counted = f"{one.files} files here are" if one.files > 1 else "is"
        yield Result(NOT_MODELLED, Location(one.name, 1), "file", f"{counted} not modelled: {one.consequence}", "")


def _all(configuration: Configuration) -> Iterator[Result]:
    yield from as_results(configuration.findings)
    yield from _unmodelled(configuration)
    yield from objects.check(configuration)
    yield from cluster.check(configuration)
    if configuration.active_policy in configuration.policies:
        first_match = FirstMatch(configuration)
        yield from policy.check(configuration, first_match)
        yield from reachability.check(configuration, first_match)
        yield from management.check(configuration, first_match)
        yield from vpn.check(configuration)
