"""What a campaign draws from: the faults of the catalogue, what an administrator does, and the flows of a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.faults import catalogue
from lab.faults.fault import Choice, Kind, Number, Parameter
from lab.torture.sequence import ACTIVE, PASSIVE, Ground, Option
from provisioning.deployment import Deployment, DeploymentError, located
from provisioning.torture.planted import flows

SWITCH, HASYNC, CHANGE, REFUSE, APPLY, REKEY = (
    "switch", "hasync", "change-configuration", "refuse-session", "apply-policy", "renew-tunnels",
)  # fmt: skip

ACTIONS = (
    Option(SWITCH, lasts=False, parts=(ACTIVE,), weight=4),
    Option(HASYNC, lasts=False, parts=(ACTIVE,)),
    Option(CHANGE, lasts=False, parts=(ACTIVE,), once="configuration"),
    Option(REFUSE, parts=(ACTIVE,), weight=3, once="configuration"),
    Option(APPLY, lasts=False, weight=1),
    Option(REKEY, lasts=False, parts=(ACTIVE,)),
)
"""What an administrator does to a pair, beside the faults."""

ONE_WAY = frozenset({"member-deaf", "member-unheard"})
"""One member hears the other, not the other way round. Two of them at once part the members: nobody promises anything then."""
APART = frozenset({"ha-link-cut", "ha-link-degraded"})
UNPLUGGED = frozenset({"link-down", "link-flapping"})
KILLS = frozenset({"member-killed", "member-rebooted", "killed-during-rekey", "killed-during-change", "killed-during-hasync"})
"""A member loses what it knew of sessions; the other one has them."""
ENDS_SESSIONS = frozenset({"pair-rebooted", "failover-twice", "failback", "daemon-dead daemon=conntrackd"})
"""Sessions may end: both members lose them one after the other, or they are not replicated for a while."""

_NOT_DRAWN = {("disk-full", "place"): ("logs",)}
"""The members' log is one of the two things that the watch compares: without it nothing can be said."""
_GROUPS = {
    **dict.fromkeys(ONE_WAY, "one way"),
    **dict.fromkeys(("pair-rebooted", "failover-twice", "failback"), "long"),  # several boots each
    "killed-during-hasync": "configuration",
}
_PARTS = {"failover-twice": (ACTIVE,)}
_WEIGHTS: Mapping[str, int] = {"member-killed": 3, "member-frozen": 3, "link-down": 3, "ha-link-cut": 3}


def ground(deployment: Deployment) -> Ground:
    """What there is to draw from. Raises DeploymentError when no site has a pair."""
    sites = tuple(site.name for site in deployment.sites.values() if site.firewall.is_cluster)
    if not sites:
        message = "no site has a pair"
        remedy = "a campaign needs two members that take turns: give a site's firewall a second one"
        raise DeploymentError(located(str(deployment.plan), [(1, "sites", message, remedy)]))
    return Ground(sites, tuple(_options()), flows(deployment))


def _options() -> Iterator[Option]:
    yield from ACTIONS
    for kind in catalogue.KINDS.values():
        yield Option(
            kind.name,
            {parameter.name: _values(kind, parameter) for parameter in kind.parameters},
            lasts=kind.lasts,
            parts=_PARTS.get(kind.name, (ACTIVE, PASSIVE)),
            weight=_WEIGHTS.get(kind.name, 2),
            once=_GROUPS.get(kind.name, ""),
        )


def _values(kind: Kind, parameter: Parameter) -> tuple[str, ...]:
    """The words of a choice; of a number what it is by default, half of it and twice as much, within its limits."""
    match parameter:
        case Choice():
            left_out = _NOT_DRAWN.get((kind.name, parameter.name), ())
            return tuple(word for word in parameter.choices if word not in left_out)
        case Number():
            wanted = (parameter.default / 2, parameter.default, parameter.default * 2)
            return tuple(dict.fromkeys(f"{min(max(one, parameter.least), parameter.most):g}" for one in wanted))
