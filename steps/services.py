"""What a pair does for others: it answers for its addresses and lets through who may pass, by one member, the other silent."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pytest_bdd import given, then, when

from lab.appliance.ha_timers import Timers
from steps.eventually import watch
from steps.neighbours import Answers, Question, who_has
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene
from steps.web import observe_server, observe_stranger, seen_by_server, seen_by_stranger

SPLIT_SEEN_WITHIN = 0.3  # s after both missed the link, and at least twice what a member waits before it calls its peer dead
SERVICE = "https"  # which the private server uses


@dataclass(frozen=True, slots=True)
class Used:
    """The answers for a pair's addresses, what the stranger and the private server were told, and the frames of each member."""

    answers: Answers
    stranger: str
    server: str
    sent: Mapping[str, int]


def questions(scene: Scene) -> list[Question]:
    """Who asks for the pair's shared addresses: the provider's gateway, and the private server."""
    return [
        Question(f"gw-{scene.site.name}", "eth0", scene.public_address),
        Question(scene.server.name, "eth0", scene.deployment.private_address(scene.site.name)),
    ]


def used(scene: Scene) -> Used:
    """Ask for a pair's addresses and use what it lets through, side by side; and what each member sends meanwhile."""
    before = sent_by_each(scene)
    with ThreadPoolExecutor() as pool:
        answers = pool.submit(who_has, scene, questions(scene))
        stranger, server = pool.submit(seen_by_stranger, scene), pool.submit(seen_by_server, scene, SERVICE)
    sent = {name: count - before[name] for name, count in sent_by_each(scene).items()}
    return Used(answers.result(), stranger.result(), server.result(), sent)


def observe_used(seen: Used, record: ScenarioRecorder) -> None:
    """Observe that one member answers for each address, and that the pair lets through who may pass."""
    _observe_answers(seen.answers, record)
    observe_stranger(seen.stranger, record)
    observe_server(seen.server, SERVICE, record)


def sent_by_each(scene: Scene) -> dict[str, int]:
    """Frames that each member has sent on the data networks so far."""
    fabric = scene.environment.lab.fabric
    return {member.name: fabric.sent(member.name, _data_nics(scene)) for member in scene.cluster.members}


def timers(scene: Scene) -> Timers:
    """How long the pair's members wait for what."""
    return Timers.of(scene.cluster.members[0].configuration().ha)


def _data_nics(scene: Scene) -> list[str]:
    return [scene.firewall_nic(role) for role in ("external", "private")]


@given("the active member answers for the cluster's addresses")
def _answered_once(scene: Scene, record: ScenarioRecorder) -> None:
    _observe_answers(who_has(scene, questions(scene)), record)


def _observe_answers(answered: Answers, record: ScenarioRecorder) -> None:
    for question, answers in answered.items():
        record.observe(f"answers for {question.address}", expected=1, observed=len(answers))


@when("the neighbours of the cluster ask for its addresses and use its services", target_fixture="said")
def _ask_and_use(scene: Scene, record: ScenarioRecorder) -> Mapping[str, int]:
    with scene.environment.listen(f"{member.name}:{nic}" for member in scene.cluster.members for nic in _data_nics(scene)):
        seen = used(scene)
    observe_used(seen, record)
    return seen.sent


@then("the passive member sends nothing on the data networks")
def _passive_is_silent(scene: Scene, said: Mapping[str, int], record: ScenarioRecorder) -> None:
    _only_the_active_sends(scene, said, record)


@then("exactly one member forwards and answers for the cluster's addresses")
def _one_forwards(scene: Scene, record: ScenarioRecorder) -> None:
    with ThreadPoolExecutor() as pool:
        most = pool.submit(_most_active, scene)
        # Counted, not heard: a capture needs a wire that works, and the scenario's fault may have to do with it.
        seen = used(scene)
    record.observe("members active at once, at the most", expected=1, observed=most.result())
    record.observe("active members now", expected=1, observed=list(scene.cluster.states().values()).count("active"))
    observe_used(seen, record)
    _only_the_active_sends(scene, seen.sent, record)


def _most_active(scene: Scene) -> int:
    """How many members were active at once, at the most, for as long as it takes a second one to become it."""
    pair, most = scene.cluster, 0

    def look() -> int:
        nonlocal most
        most = max(most, list(pair.states().values()).count("active"))
        return most

    return watch(look, until=lambda count: count > 1, within=max(SPLIT_SEEN_WITHIN, 2 * timers(scene).dead)).seen


def _only_the_active_sends(scene: Scene, said: Mapping[str, int], record: ScenarioRecorder) -> None:
    """Whatever another member calls itself, one whose agent is dead too, it is to keep silent."""
    for name, mode in scene.cluster.states().items():
        works = mode == "active"
        record.observe(f"frames that {name}, {mode}, sent on the data networks", expected="some" if works else 0,
                       observed=said[name], holds=(said[name] > 0) == works)  # fmt: skip
