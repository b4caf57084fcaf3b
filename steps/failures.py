"""Ways to fail that are worse than losing power or a cable: hanging, not being heard, a program that dies, a bad moment."""

from __future__ import annotations

from pytest_bdd import then, when

from lab.faults import power
from steps.cluster import Loss, active_alone, cluster, lose, wait_for_pair
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene


@when("the active member hangs", target_fixture="loss")
def _hangs(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-frozen")


@when("the active member is no longer heard, though it hears", target_fixture="loss")
def _unheard(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-unheard")


@when("the HA agent of the active member dies", target_fixture="loss")
def _agent_dies(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "daemon-dead", "daemon=ha_agent")


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
