"""Ways to fail that are worse than losing power or a cable: bad wires, a full disk, a program that dies, a bad moment."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from pytest_bdd import then, when

from lab.device import Appliance, Snapshot
from lab.faults import power
from lab.invariants.configurations import differences
from lab.namespace import Completed
from lab.phases import Event, events
from steps.cluster import Loss, Meant, active_alone, lose, wait_for_pair
from steps.eventually import watch
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene
from steps.services import sent_by_each, timers
from steps.verdict import Inconclusive

TOO_LATE = 1.5  # times the silence that counts as death
LONGEST = 2000  # ms: what the fault takes
LOST = 20  # % of the frames on a bad HA link
SEEN_WITHIN = 1.5  # s at least: a loose cable comes and goes three times, and a bad link loses now this and now that
CUT_SEEN_WITHIN = 1.0  # s at least: a cut is there once, and a member that lost a wire moves the work within 1 s
IMPORTED = 300  # objects: some blocks more than the file that they come into has, and than a full disk


@dataclass(slots=True)
class Meanwhile:
    """Since when (monotonic s) takeovers count, and for how long (s) they are looked for at least."""

    since: float
    within: float = SEEN_WITHIN


@pytest.fixture
def meanwhile() -> Meanwhile:
    """From the scenario's beginning, until a step says otherwise."""
    return Meanwhile(time.monotonic())


def _passive(scene: Scene) -> Appliance:
    pair = scene.cluster
    active = pair.active().name
    return next(member for member in pair.members if member.name != active)


@when("the active member hangs", target_fixture="loss")
def _hangs(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-frozen")


@when("the active member is no longer heard, though it hears", target_fixture="loss")
def _unheard(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-unheard")


@when("the active member hears nothing any more, though it is heard", target_fixture="loss")
def _deaf(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "member-deaf")


@when("the HA agent of the active member dies", target_fixture="loss")
def _agent_dies(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "daemon-dead", "daemon=ha_agent")


@then("the other member takes over, alone")
def _other_takes_over(scene: Scene, loss: Loss, record: ScenarioRecorder) -> None:
    active_alone(scene, loss.injection.target.peer.name, "the takeover", record)


@when("the member goes on")
def _goes_on(scene: Scene, loss: Loss, record: ScenarioRecorder) -> None:
    """Until it is one of the pair again it may take itself for active, as it did when it stopped: its gate is to hold."""
    name = loss.member.name
    before = sent_by_each(scene)[name]
    loss.end()
    record.observe(f"frames that {name} sent on the data networks before it was one of the pair again", expected=0,
                   observed=sent_by_each(scene)[name] - before)  # fmt: skip


# Wires ----------------------------------------------------------------------------------------------------------------


@when("the HA link is cut")
def _cut_ha_link(scene: Scene, changes: Changes, meanwhile: Meanwhile) -> None:
    meanwhile.since, meanwhile.within = time.monotonic(), CUT_SEEN_WITHIN
    lose(scene, changes, "ha-link-cut")


@when("the HA link loses frames, and carries the others too late")
def _bad_link(scene: Scene, changes: Changes, meanwhile: Meanwhile) -> None:
    meanwhile.since = time.monotonic()
    delay = min(TOO_LATE * timers(scene).dead * 1000, LONGEST)
    lose(scene, changes, "ha-link-degraded", f"delay={delay:g}", "jitter=0", f"loss={LOST}")


@when("the external link of the active member comes and goes, again and again", target_fixture="loss")
def _loose_cable(scene: Scene, changes: Changes, meanwhile: Meanwhile) -> Loss:
    meanwhile.since = time.monotonic()
    return lose(scene, changes, "link-flapping", "link=external")


@then("nobody takes over meanwhile")
def _nobody_takes_over(scene: Scene, meanwhile: Meanwhile, record: ScenarioRecorder) -> None:
    looked = time.monotonic() - meanwhile.since  # what the members did since then stands in their logs
    left = _seen_within(scene, meanwhile) - looked
    record.observe("takeovers", expected=[], observed=_watched_takeovers(scene, meanwhile, 0, left))


@then("nobody takes over after it")
def _one_takeover(scene: Scene, loss: Loss, meanwhile: Meanwhile, record: ScenarioRecorder) -> None:
    """Of all since the fault began: one of them may have come and gone before this is looked at."""
    seen = _watched_takeovers(scene, meanwhile, 1, _seen_within(scene, meanwhile))
    taker = loss.injection.target.peer.name
    record.observe("takeovers", expected=f"one, by {taker}", observed=seen, holds=len(seen) == 1 and seen[0].startswith(taker))


def _seen_within(scene: Scene, meanwhile: Meanwhile) -> float:
    return max(meanwhile.within, 3 * timers(scene).dead)


def _watched_takeovers(scene: Scene, meanwhile: Meanwhile, at_most: int, within: float) -> list[str]:
    def look() -> list[Event]:
        return events(scene.cluster, meanwhile.since)

    told = watch(look, until=lambda told: len(takeovers(told)) > at_most, within=within).seen
    names = {member.serial: member.id for member in scene.site.firewall.members}
    return [f"{names[one['member']]}: {one['why']}" for one in takeovers(told)]


def takeovers(told: list[Event]) -> list[Event]:
    """When members became active, of all that they logged.

    Raises Inconclusive when one did after a member had stood still: that is a reason to, and the machine's doing, for nothing
    but the machine keeps its agent from running.
    """
    found = [
        one for one in told if one["event"] == "mode" and one["after"] == "active" and one["before"] in ("passive", "starting")
    ]
    still = [one for one in told if one["event"] == "stalled"]
    if found and still and still[0]["monotonic"] < found[-1]["monotonic"]:
        raise Inconclusive(f"the machine stood still for {still[0]['seconds'] * 1000:.0f} ms, longer than a member may "
                           f"forward without its agent, and then one took over: {found[-1]['why']}")  # fmt: skip
    return found


# While a configuration is written, sent or applied --------------------------------------------------------------------


@when("the passive member loses power while it takes a changed configuration", target_fixture="loss")
def _lost_while_taking(scene: Scene, changes: Changes) -> Loss:
    return lose(scene, changes, "killed-during-hasync", member=_passive(scene))


@when("the active member loses power while it applies a change", target_fixture="loss")
def _lost_while_applying(scene: Scene, changes: Changes) -> Loss:
    _change(changes.of(scene.cluster).active(), 1)
    return lose(scene, changes, "killed-during-change")


@when("it boots again")
def _boots(loss: Loss) -> None:
    power.restore(loss.injection.target)
    wait_for_pair(loss.member)


@dataclass(frozen=True, slots=True)
class Sent:
    """A synchronisation to a member that may have no room: how it ended, and what the member had before."""

    receiver: Appliance
    before: Snapshot
    room: Loss
    done: Completed


@when("the passive member's disk is full, and a large change is synchronised to it", target_fixture="sent")
def _sent_to_a_full_disk(scene: Scene, changes: Changes) -> Sent:
    pair, receiver = changes.of(scene.cluster), _passive(scene)
    room = lose(scene, changes, "disk-full", "place=configuration", member=receiver)
    _change(pair.active(), IMPORTED)
    return Sent(receiver, receiver.snapshot(), room, pair.active().run("hasync"))


@then("the synchronisation fails, and the passive member has every file as before")
def _as_before(sent: Sent, record: ScenarioRecorder) -> None:
    changed = differences(sent.receiver.snapshot().files, sent.before.files)
    record.observe(f"files of {sent.receiver.name} that changed", expected=[], observed=changed)
    record.observe("the exit status of hasync", expected="not 0", observed=sent.done.status, holds=not sent.done.ok)


@when("its disk has room again, and the change is synchronised once more")
def _with_room(scene: Scene, sent: Sent, meant: Meant) -> None:
    sent.room.end()
    active = scene.cluster.active()
    meant.files = active.snapshot().files
    active.apply("hasync")


def _change(member: Appliance, objects: int) -> None:
    hosts = "".join(f"a_new_host_{number}=192.0.2.1,resolve=static\n" for number in range(objects))
    member.edit("object", lambda text: text.replace("[Network]", f"{hosts}[Network]", 1))
