"""Ways to fail that are worse than losing power or a cable: hanging, bad wires, a program that dies, a bad moment."""

from __future__ import annotations

from pytest_bdd import then, when

from lab.faults import power
from steps.cluster import Loss, active_alone, cluster, lose, wait_for_pair
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene

TOO_LATE = 1.5  # times what a member waits before it calls a silent peer dead
LOST = 20  # % of the frames on a bad HA link


@when("the active member hangs", target_fixture="loss")
def _hangs(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-frozen")


@when("the active member is no longer heard, though it hears", target_fixture="loss")
def _unheard(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-unheard")


@when("the HA agent of the active member dies", target_fixture="loss")
def _agent_dies(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "daemon-dead", "daemon=ha_agent")


@when("the HA link loses frames, and carries the others too late")
def _bad_link(scene: Scene, changes: Changes) -> None:
    ha = cluster(scene).active().configuration().ha
    dead = max(ha.token_timeout, ha.ping_interval * ha.ping_count)  # ms, as the agent reckons
    lose(scene, changes, "ha-link-degraded", f"delay={TOO_LATE * dead:g}", "jitter=0", f"loss={LOST}")


@then("the other member takes over, alone")
def _other_takes_over(scene: Scene, loss: Loss, record: ScenarioRecorder) -> None:
    active_alone(cluster(scene), loss.injection.target.peer.name, "the takeover", record)


@when("the member goes on")
def _goes_on(loss: Loss) -> None:
    loss.end()


@when("the passive member loses power while it takes a changed configuration", target_fixture="loss")
def _lost_while_taking(scene: Scene, changes: Changes) -> Loss:
    pair = cluster(scene)
    active = pair.active().name
    passive = next(member for member in pair.members if member.name != active)
    return lose(scene, changes, "killed-during-hasync", member=passive)


@when("it boots again")
def _boots(loss: Loss) -> None:
    power.restore(loss.injection.target)
    wait_for_pair(loss.member)
