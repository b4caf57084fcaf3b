"""An HA agent that lacks one of its guards: a member's own program with a line changed, run instead of the right one."""

from __future__ import annotations

from lab.cluster import Cluster, missing
from lab.device import Appliance
from lab.faults import catalogue
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Fault

PROGRAM, ALTERED = "/opt/rempart", "/run/altered"
WHOLE_WITHIN = 5.0  # s for an agent that starts to hear the other

Alteration = tuple[str, str, str]
"""A module of the appliance, what stands there, and what is to stand there instead."""


def passive_lacks(site: str, *alterations: Alteration) -> Fault:
    """The passive member's agent is another one."""

    def act(ground: Ground) -> None:
        pair = ground.environment.cluster(site)
        active = pair.active().name
        _replace_agent(ground, pair, next(member for member in pair.members if member.name != active), alterations)

    return act


def active_lacks(site: str, *alterations: Alteration) -> Fault:
    """The active member's agent is another one: the passive one's is replaced, and it is given the work."""

    def act(ground: Ground) -> None:
        passive_lacks(site, *alterations)(ground)
        pair = ground.environment.cluster(site)
        pair.active().apply("hainfo", "switch")
        _await_whole(pair)

    return act


def _replace_agent(ground: Ground, pair: Cluster, member: Appliance, alterations: tuple[Alteration, ...]) -> None:
    member.host.must("sh", "-c", f"rm -rf {ALTERED}; mkdir {ALTERED}; cp -r {PROGRAM}/lab {PROGRAM}/sns {ALTERED}")
    for module, old, new in alterations:
        path = member.path(f"{ALTERED}/lab/appliance/{module}.py")
        if old not in (text := path.read_text()):
            raise ValueError(f"lab/appliance/{module}.py does not say {old!r} any more: nothing would be altered")
        path.write_text(text.replace(old, new))
    ground.undo(lambda: _restart(ground, pair, member, PROGRAM))
    _restart(ground, pair, member, ALTERED)


def _restart(ground: Ground, pair: Cluster, member: Appliance, program: str) -> None:
    with ground.environment.faults.injection(catalogue.read("daemon-dead", ["daemon=ha_agent"]), member.name):
        start = f"import sys; sys.path.insert(0, {program!r}); from lab.appliance import ha_service; ha_service.start()"
        member.host.must("python3", "-B", "-c", start)
    _await_whole(pair)


def _await_whole(pair: Cluster) -> None:
    from steps.eventually import eventually

    eventually(lambda: [lacks for member in pair.members if (lacks := missing(member))], until=lambda found: not found,
               within=WHOLE_WITHIN, phase="the pair with its other agent")  # fmt: skip
