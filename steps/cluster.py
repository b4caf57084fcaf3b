"""The pair: who is active, what it shares, and what a change of members costs those who use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pytest_bdd import given, parsers, then, when

from lab import probe
from lab.cluster import Cluster
from lab.device import Appliance
from lab.namespace import Completed
from lab.probe import Echoes
from steps.eventually import eventually
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene

SHARED_WITHIN = 3.0  # s: a change is looked for every 0.1 s and told with each heartbeat
STREAM = 400  # pings, one every 10 ms: a second before the event, and longer than any budget after it
INTERVAL = 0.010
DOWNLOAD = "0-1999999"  # bytes of the mirror's file: 4 s at its 500 kB/s


@dataclass(slots=True)
class Flows:
    """What goes through the firewall while its members change: pings and one TCP download."""

    pings: Future[Echoes]
    download: Future[Completed]
    pool: ThreadPoolExecutor


def cluster(scene: Scene) -> Cluster:
    """The pair of the scenario's site."""
    return scene.environment.cluster(scene.site.name)


def state(member: Appliance) -> dict[str, Any]:
    """What a member says of the cluster."""
    done = member.run("hainfo", "--json", timeout=5)
    found: dict[str, Any] = json.loads(done.stdout) if done.ok else {"local": {"mode": "silent"}, "peer": None}
    return found


@when("both members are asked for the state of the cluster", target_fixture="states")
def _ask_both(scene: Scene) -> dict[str, dict[str, Any]]:
    return {member.name: state(member) for member in cluster(scene).members}


@then("exactly one of them is active")
def _one_active(states: dict[str, dict[str, Any]], record: ScenarioRecorder) -> None:
    modes = sorted(one["local"]["mode"] for one in states.values())
    record.observe("the members' modes", expected=["active", "passive"], observed=modes)


@then("they agree on who it is")
def _agree(states: dict[str, dict[str, Any]], record: ScenarioRecorder) -> None:
    told = {
        name: sorted((one[side]["serial"], one[side]["mode"]) for side in ("local", "peer") if one[side])
        for name, one in states.items()
    }
    first, second = told.values()
    record.observe("what both say", expected=first, observed=second)


@given("the members have the same configuration")
def _same(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "yes", record)


@when("the administrator changes the configuration of the active member")
def _change(scene: Scene, changes: Changes) -> None:
    pair = cluster(scene)
    active = pair.active()
    for member in pair.members:
        changes.of(member)
    active.edit("object", lambda text: text.replace("[Network]", "a_new_host=192.0.2.1,resolve=static\n[Network]", 1))


@when(parsers.parse('the administrator runs "{command}" on the active member'))
def _run_on_active(scene: Scene, command: str, record: ScenarioRecorder) -> None:
    done = cluster(scene).active().run(*command.split())
    record.observe(f"the exit status of {command}", expected=0, observed=done.status if done.ok else done.stderr)


@then("both members report that they are not synchronised")
def _not_synchronised(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "no", record)


@then("both members report that they are synchronised")
def _are_synchronised(scene: Scene, record: ScenarioRecorder) -> None:
    _synchronised(scene, "yes", record)


def _synchronised(scene: Scene, expected: str, record: ScenarioRecorder) -> None:
    words = {True: "yes", False: "no", None: "unknown"}

    def look() -> list[str]:
        return [words[state(member).get("synchronised")] for member in cluster(scene).members]

    seen = eventually(
        look,
        until=lambda said: said == [expected] * len(said),
        within=SHARED_WITHIN,
        phase="the members' word on their synchronisation",
        expected=f"synchronised: {expected}, by both",
    )
    record.observe("synchronised, by each member", expected=[expected] * len(seen), observed=seen)


@then("the configuration files of both members are identical")
def _identical(scene: Scene, record: ScenarioRecorder) -> None:
    first, second = (member.snapshot().files for member in cluster(scene).members)
    differing = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
    record.observe("files that differ", expected=[], observed=differing)


@given("a download through the firewall, a session with the published site and pings through every tunnel",
       target_fixture="flows")  # fmt: skip
def _start_flows(scene: Scene, changes: Changes) -> Flows:
    internet = scene.deployment.internet
    pool = ThreadPoolExecutor(max_workers=2)
    changes.undo(pool.shutdown)
    url = f"http://{internet.mirror_name}/large"
    download = pool.submit(
        scene.server.run,
        "curl",
        "-s",
        "--max-time",
        "12",
        "-r",
        DOWNLOAD,
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        url,
    )
    pings = pool.submit(probe.ping, scene.server, internet.mirror, count=STREAM, interval=INTERVAL)
    flows = Flows(pings, download, pool)
    # The event must not come before the flows are there.
    eventually(lambda: _established(scene, str(internet.mirror)), within=2.0, phase="the download through the firewall")
    return flows


def _established(scene: Scene, mirror: str) -> bool:
    listed = scene.server.run("ss", "-Htn", "state", "established", "dst", mirror)
    return bool(listed.stdout.strip())


@when("the administrator makes the passive member active")
def _switch(scene: Scene) -> None:
    cluster(scene).active().apply("hainfo", "switch")


@when("the active member loses its external link", target_fixture="lost")
def _lose_link(scene: Scene, changes: Changes) -> Appliance:
    active = cluster(scene).active()
    return _undone(changes, active, lambda up: active.host.fabric.set_link(active.name, "eth0", up=up))


@when("the active member loses power", target_fixture="lost")
def _lose_power(scene: Scene, changes: Changes) -> Appliance:
    active = cluster(scene).active()
    nics = [nic.name for nic in active.host.spec.nics]

    def power(up: bool) -> None:
        for nic in nics:
            active.host.fabric.set_link(active.name, nic, up=up)
        if up:
            active.host.must(active.host.spec.boot)
        else:
            active.host.kill_everything()

    return _undone(changes, active, power)


def _undone(changes: Changes, member: Appliance, act: Callable[[bool], None]) -> Appliance:
    changes.undo(lambda: _wait_for_pair(member))
    changes.undo(lambda: act(True))
    act(False)
    return member


def _wait_for_pair(member: Appliance) -> None:
    eventually(lambda: state(member)["local"]["mode"], until=lambda mode: mode in ("active", "passive"), within=10.0,
               phase="the return of the lost member")  # fmt: skip


@then("the former passive member is active, alone")
def _alone(scene: Scene, record: ScenarioRecorder) -> None:
    pair = cluster(scene)
    seen = eventually(
        lambda: sorted(pair.states().values()),
        until=lambda modes: modes.count("active") == 1,
        within=3.0,
        phase="the takeover",
        expected="one active member",
    )
    record.observe("active members", expected=1, observed=seen.count("active"))


@then(parsers.parse("every flow goes on within the budget for {event}"))
def _within_budget(scene: Scene, flows: Flows, event: str, record: ScenarioRecorder) -> None:
    budgets = scene.deployment.budgets
    budget = {"a lost member": budgets.active_killed, "a lost link": budgets.link_lost, "a switch": budgets.switch}[event]
    echoes = flows.pings.result()
    silence = round(echoes.longest_silence * 1000)
    record.observe(f"the longest silence, of {echoes.sent} pings", expected=f"at most {budget} ms",
                   observed=f"{silence} ms", holds=silence <= budget)  # fmt: skip


@then("the TCP sessions are the same ones")
def _same_sessions(flows: Flows, record: ScenarioRecorder) -> None:
    done = flows.download.result()
    record.observe("bytes of the one download", expected="2000000", observed=done.stdout or f"curl status {done.status}")
