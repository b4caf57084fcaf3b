"""The work goes from one member to the other, once or many times, and what that costs each flow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from pytest_bdd import parsers, then, when

from lab.cluster import Cluster
from lab.device import Appliance
from lab.errors import CommandFailed
from lab.faults import catalogue
from lab.phases import events, moment_of_handover
from reports.entries import Failover
from reports.ledger import Lane, distribution
from steps.cluster import Loss, await_alone, lost_at, other_than, wait_for_pair
from steps.eventually import eventually, watch
from steps.flows import UP_WITHIN, Running
from steps.ledger import GOING_ON, Watched, entry, lost_to
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.plugins.under_way import UnderWay
from steps.scene import Scene
from steps.verdict import Inconclusive

AT_LEAST = 300_000_000  # ns after the event that flows are watched: a silence may begin late
GIVEN_UP_AFTER = 2_000_000_000  # ns beyond its budget in which a flow that is late may come back, to be told how late

EVENTS = {"a lost member": "member_killed", "a lost link": "link_lost", "a switch": "switch"}


Act = Callable[[Appliance], tuple[float, Callable[[], object]]]
"""Does something to the active member: when that was (monotonic s), and how it is undone."""


@dataclass(slots=True)
class Campaign:
    """The failovers of a scenario. ``wanted`` is how many; ``event`` is what budgets call that which happens.

    They are undone with what ``changes`` stands for.
    """

    scene: Scene
    running: Running
    changes: Changes | UnderWay
    record: ScenarioRecorder
    wanted: int
    event: str = ""
    former: Appliance | None = None
    failovers: list[Failover] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def run(self, kind: str, event: str, act: Act) -> Campaign:
        """Do it as often as wanted; the last one is not undone yet."""
        self.event = event
        for number in range(1, self.wanted + 1):
            self.former = self.scene.cluster.active()
            with self.running.instrument.fast():
                undo = self._one(kind, number, self.former, act)
            if number < self.wanted:
                undo()
                for member in self.scene.cluster.members:
                    wait_for_pair(member)
        return self

    def _one(self, kind: str, number: int, active: Appliance, act: Act) -> Callable[[], object]:
        instrument = self.running.instrument
        if number > 1:  # the first comes right after the control that the flows began with
            self._wait_for_flows()
            if lost := self.running.settled():
                raise Inconclusive(f"before failover {number} messages were lost while nothing happened, by flow: {lost}")
        begin = time.monotonic_ns()
        at, undo = act(active)
        self.changes.undo(undo)
        moment = int(at * 1e9)
        await_alone(self.scene, other_than(self.scene, active), "the takeover")
        self._flows_back(moment)
        end = time.monotonic_ns()
        quiet = self.running.noise, self.running.noisiest
        watched = Watched(kind, number, moment, begin, end, *quiet, instrument.watch(begin, end))
        budgets = self.scene.deployment.budgets.gaps[self.event]

        def written(instance: str, step: int) -> Failover:
            self.failovers.append(entry(watched, instrument, self.scene.cluster, budgets, instance, step))
            return self.failovers[-1]

        self.record.write(written)
        return undo

    @property
    def _patience(self) -> float:
        """Seconds after which what has not come is not waited for any more: the longest budget."""
        return max(self.scene.deployment.budgets.gaps[self.event].values()) / 1000

    def _flows_back(self, moment: int) -> None:
        """Until each flow goes on, or is late beyond its budget for so long that it is not expected any more."""
        instrument, gaps = self.running.instrument, self.scene.deployment.budgets.gaps[self.event]
        budgets = {str(lane): gaps[lane.flow.flow_class] * 1_000_000 for lane in instrument.lanes}

        def late() -> list[str]:
            now = time.monotonic_ns()
            silent = instrument.silent(since=now - GOING_ON)
            awaited = [lane for lane in silent if now - moment < budgets[lane] + GIVEN_UP_AFTER]
            return ["too early"] if now < moment + AT_LEAST else awaited

        watch(late, until=lambda lanes: not lanes, within=self._patience)

    def _wait_for_flows(self) -> None:
        """The return of a member may have had a tunnel negotiated, or a user connect, once more."""
        instrument = self.running.instrument
        eventually(lambda: instrument.silent(since=time.monotonic_ns() - GOING_ON), until=lambda lanes: not lanes,
                   within=UP_WITHIN, phase="the flows before the next failover",
                   expected="messages of each flow, each way")  # fmt: skip


@pytest.fixture
def campaign(request: pytest.FixtureRequest, scene: Scene, running: Running, changes: Changes,
             record: ScenarioRecorder) -> Campaign:  # fmt: skip
    """The failovers of the scenario, as many as ``--failovers`` says."""
    return Campaign(scene, running, changes, record, request.config.getoption("--failovers"))


@pytest.fixture
def former(campaign: Campaign) -> Appliance | None:
    """The member that was active before the last failover."""
    return campaign.former


def _fault(campaign: Campaign, name: str, *parameters: str) -> Act:
    fault, faults = catalogue.read(name, parameters), campaign.scene.environment.faults

    def act(active: Appliance) -> tuple[float, Callable[[], object]]:
        begun, loss = time.monotonic(), Loss(faults.injection(fault, active.name))
        campaign.losses.append(loss)
        loss.injection.begin()
        cables = active.host.fabric.touched  # exact, where the fault has to do with them
        return max(begun, cables), loss.end

    return act


@when("the active member loses power")
def _lose_power(campaign: Campaign, under_way: UnderWay) -> None:
    """It stays without as long as the next scenario begins with that."""
    campaign.changes = under_way
    campaign.run("member killed", "member_killed", _fault(campaign, "member-killed"))
    under_way.becomes(lost_at(campaign.scene), campaign.losses[-1])


@when("the active member loses power, and then the other one as soon as the first is back")
def _lose_power_twice(campaign: Campaign, under_way: UnderWay) -> None:
    campaign.wanted = max(campaign.wanted, 2)
    _lose_power(campaign, under_way)


@when("the active member loses its external link")
def _lose_link(campaign: Campaign) -> None:
    campaign.run("link lost", "link_lost", _fault(campaign, "link-down", "link=external"))


@when("the administrator hands the work to the passive member")
def _switch(campaign: Campaign) -> None:
    def act(active: Appliance) -> tuple[float, Callable[[], object]]:
        begun = time.monotonic()
        hand_over(campaign.scene.cluster, active)
        # The command takes its own time to start; what counts begins when the member obeys.
        return moment_of_handover(events(campaign.scene.cluster, begun)) or begun, lambda: None

    campaign.run("switch", "switch", act)


def hand_over(pair: Cluster, active: Appliance) -> None:
    """The administrator's word to the active member. Raises Inconclusive when it gave the work away before it was told to."""
    try:
        active.apply("hainfo", "switch")
    except CommandFailed:
        if (now := pair.active().name) != active.name:
            raise Inconclusive(f"{active.name} gave the work to {now} by itself, before it was told to") from None
        raise


@then(parsers.parse("every flow goes on within its budget for {event}"))
def _within_budget(campaign: Campaign, event: str, record: ScenarioRecorder) -> None:
    assert EVENTS[event] == campaign.event, f"the scenario is about {campaign.event}"
    if why := untold(campaign.failovers):
        raise Inconclusive(f"the budgets cannot be held to what was measured: {why}")
    for name, direction in dict.fromkeys((lane.name, lane.direction) for one in campaign.failovers for lane in one.lanes):
        lanes = [(one, lane) for one in campaign.failovers for lane in one.lanes
                 if (lane.name, lane.direction) == (name, direction)]  # fmt: skip
        worst, lane = max(lanes, key=lambda pair: (pair[1].back_after is None, pair[1].gap))
        record.observe(f"the longest silence of {name} ({direction})", expected=f"at most {lane.budget:g} ms",
                       observed=_told(worst, lane, [one.gap for _, one in lanes]),
                       holds=_kept(lane))  # fmt: skip


def _kept(lane: Lane) -> bool:
    return lane.within_budget and lane.back_after is not None


def untold(failovers: Iterable[Failover]) -> str:
    """Why what the flows lost may be the machine's doing and not the pair's; "" when it is not.

    A flow of class ``local`` does not pass the firewall: what it loses, the machine lost.
    """
    for one in failovers:
        for lane in one.lanes:
            if lane.flow_class == "local" and not _kept(lane):
                end = ", and did not come back" if lane.back_after is None else ""
                return (f"in failover {one.number} {lane.name} ({lane.direction}), which bypasses the firewall, was silent for "
                        f"{lane.gap:g} ms{end}")  # fmt: skip
            if lane.budget and one.noise >= lane.budget:
                return (f"before failover {one.number} {one.noisiest} was silent for {one.noise:g} ms while nothing happened, "
                        f"and {lane.name} has {lane.budget:g} ms")  # fmt: skip
    return ""


def _told(failover: Failover, lane: Lane, gaps: list[float]) -> str:
    spread = distribution(gaps)
    many = f" in failover {failover.number} (median of {spread.count}: {spread.median:g} ms)" if spread.count > 1 else ""
    end = ", and it did not come back" if lane.back_after is None else ""
    parts = lost_to(failover, lane)
    return f"{lane.gap:g} ms{many}{end}" + (f": {parts}" if parts and not lane.within_budget else "")
