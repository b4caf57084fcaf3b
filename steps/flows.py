"""Flows of every class that go on through a site's firewall, and whether they are disturbed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from pytest_bdd import given, then

from lab.flows.instrument import Instrument, InstrumentFailed
from lab.flows.plan import Flow
from provisioning.flows import flows_of
from steps.eventually import eventually, watch
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.plugins.under_way import FLOWS, UnderWay
from steps.remote_access import connected, dial
from steps.scene import Scene

UP_WITHIN = 10.0  # s for all flows to stand before anything happens: a tunnel may have to be negotiated, a session opened
GO_ON_WITHIN = 1.0  # s for flows that idled along to be seen, all of them; those that are not are started anew
CONTROL = 300_000_000  # ns of flows that nothing disturbs: 150 messages of most lanes
CONTROLS = 3  # of these at the most: when both ends of a tunnel began at once, one of their two SAs still goes


@dataclass(slots=True)
class Running:
    """The flows of a scenario. ``noise`` is the longest gap (ms) that the instrument saw while nothing happened, and
    ``noisiest`` the lane where it was. From ``begun`` (monotonic ns) on connections should be the same ones.
    """

    instrument: Instrument
    begun: int = 0
    noise: float = 0.0
    noisiest: str = ""
    controlled: int = 0

    def settled(self) -> dict[str, int]:
        """Controls, until one loses nothing or there were :data:`CONTROLS`: how many messages each lane lost in the last."""
        for _ in range(CONTROLS):
            if not (lost := self.control()):
                break
        return lost

    def control(self) -> dict[str, int]:
        """Watch flows while nothing happens: how many messages each lane loses. What it takes for a gap is the noise.

        A shell is not looked at: its messages wait for programs that have no priority, which says nothing of the network.
        """
        begin = self.controlled = time.monotonic_ns()
        watched = self.instrument.watch(begin, begin + CONTROL)
        seen = {lane: one for lane, one in watched.items() if lane.flow.kind != "shell"}
        longest = {str(lane): (one.longest[1] - one.longest[0]) / 1e6 for lane, one in seen.items() if one.longest}
        self.noisiest = max(longest, key=longest.__getitem__, default="")
        self.noise = round(longest.get(self.noisiest, 0.0), 1)
        return {str(lane): one.lost for lane, one in seen.items() if one.lost}

    def broken(self, flow: Flow) -> list[str]:
        """Why a flow's connection broke, each time since the beginning."""
        return self.instrument.broken(flow, self.begun, time.monotonic_ns())


@given(FLOWS, target_fixture="running")
def _run(scene: Scene, changes: Changes, record: ScenarioRecorder, under_way: UnderWay, pytestconfig: pytest.Config) -> Running:
    changes.undo(scene.environment.resume_captures)
    scene.environment.pause_captures()
    rate = pytestconfig.getoption("--flow-rate")
    instrument = under_way.have((scene.environment, scene.site.name), _go_on, lambda: _start(scene, under_way, rate))
    running = Running(instrument)
    with instrument.fast():
        lost = running.settled()
    running.begun = running.controlled
    record.observe("messages lost while nothing happens, by flow", expected={}, observed=lost)
    record.observe("the longest gap while nothing happens", observed=f"{running.noise} ms", holds=True,
                   expected=f"the instrument's resolution is {instrument.resolution_ms:g} ms")  # fmt: skip
    return running


def _start(scene: Scene, under_way: UnderWay, rate: int) -> Instrument:
    devices = {pool.protocol: f"tun{number}" for number, pool in enumerate(scene.site.pools)}
    instrument = Instrument(flows_of(scene.environment, scene.site, devices), rate)
    under_way.undo(instrument.stop)
    instrument.__enter__()
    with instrument.fast():
        # Meanwhile the other flows begin: to log in takes a shell longer than it takes users to connect.
        users = [dial(scene, under_way, transport=transport, device=device) for transport, device in devices.items()]
        under_way.undo(instrument.stop)  # before the users hang up
        for user in users:
            connected(user)
        eventually(instrument.silent, until=lambda lanes: not lanes, within=UP_WITHIN, phase="the flows before the event",
                   expected="messages of each flow, each way")  # fmt: skip
    return instrument


def _go_on(instrument: Instrument) -> bool:
    """Whether flows of an earlier scenario still go on, all of them, each way."""
    since = time.monotonic_ns()
    try:
        with instrument.fast():
            return watch(lambda: instrument.silent(since), until=lambda lanes: not lanes, within=GO_ON_WITHIN).satisfied
    except InstrumentFailed:
        return False


@then("the TCP sessions through the firewall are the same ones")
def _same_sessions(running: Running, record: ScenarioRecorder) -> None:
    instrument = running.instrument
    for flow in instrument.flows:
        if flow.kind == "stream":
            silent = [lane for lane in instrument.silent(since=time.monotonic_ns() - 1_000_000_000) if flow.name in lane]
            record.observe(flow.name, expected="the session of the beginning goes on",
                           observed="; ".join(running.broken(flow)) or ("nothing comes any more" if silent else "goes on"),
                           holds=not running.broken(flow) and not silent)  # fmt: skip
