"""What goes through a site's firewall while its members change, and what the change costs each flow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import IPv4Address

from pytest_bdd import given, parsers, then

from lab import probe
from lab.flows import Flow, Flows, Pings, Requests
from steps.eventually import eventually, watch
from steps.measuring import record_answers
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene

SETTLED = 20  # answers in a row after the event: 0.2 s of a flow that goes on
PART = 5_000  # bytes of the file that each request of the download asks for: 500 kB/s at one request every 10 ms
PARTS = 1_000  # of the file are asked for, then from its beginning again
UP_WITHIN = 10.0  # s for the flows to stand before anything happens: a tunnel may have to be negotiated first


@dataclass(frozen=True, slots=True)
class Running:
    """The flows of a scenario; those through tunnels are named, since a tunnel has a budget of its own."""

    flows: Flows
    through_tunnels: frozenset[str]


@given("a download through the firewall, a session with the published site and pings through every tunnel",
       target_fixture="running")  # fmt: skip
def _start_flows(scene: Scene, changes: Changes) -> Running:
    tunnels = _through_tunnels(scene)
    for pings in tunnels:
        eventually(lambda address=pings.address: probe.ping(scene.server, address, count=1, within=0.2).answered,  # type: ignore[misc]
                   within=UP_WITHIN, phase=pings.name)  # fmt: skip
    running = Running(Flows([*_through_firewall(scene), *tunnels]), frozenset(pings.name for pings in tunnels))
    running.flows.__enter__()
    changes.undo(lambda: running.flows.__exit__(None, None, None))
    eventually(
        lambda: [flow.name for flow in running.flows.flows if not flow.arrivals],
        until=lambda silent: not silent,
        within=UP_WITHIN,
        phase="the flows before the event",
        expected="an answer on each",
    )
    return running


def _through_firewall(scene: Scene) -> list[Flow]:
    internet = scene.deployment.internet
    flows: list[Flow] = [
        Pings("pings to the Internet", scene.server, internet.mirror),
        Requests("the download through the firewall", scene.server, internet.mirror, 80,
                 lambda number: _request("/large", internet.mirror_name, number)),
    ]  # fmt: skip
    published = (entry for entry in scene.site.published if entry.protocol == "tcp")
    return [*flows, *(_session(scene, entry.name, scene.public_address, entry.port) for entry in published)]


def _session(scene: Scene, name: str, address: IPv4Address, port: int) -> Flow:
    return Requests(f"the session with the published {name}", scene.environment.stranger, address, port,
                    lambda _: f"HEAD / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())  # fmt: skip


def _request(path: str, host: str, number: int) -> bytes:
    first = number % PARTS * PART
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nRange: bytes={first}-{first + PART - 1}\r\n\r\n".encode()


def _through_tunnels(scene: Scene) -> list[Pings]:
    deployment = scene.deployment
    others = [deployment.site(tunnel.other(scene.site.name)) for tunnel in deployment.tunnels_of(scene.site.name)]
    return [
        Pings(f"pings through the tunnel to {other.name}", scene.server, host.address)
        for other in others
        for host in other.hosts_of("web")[:1]
    ]


@then(parsers.parse("every flow goes on within the budget for {event}"))
def _within_budget(scene: Scene, running: Running, event: str, record: ScenarioRecorder) -> None:
    budgets = scene.deployment.budgets
    budget = {"a lost member": budgets.active_killed, "a lost link": budgets.link_lost, "a switch": budgets.switch}[event]
    taken, flows = time.monotonic(), running.flows.flows
    longest = max(budget, budgets.tunnel_restored) / 1000
    watch(lambda: [flow for flow in flows if not flow.broken and flow.answers_since(taken) < SETTLED],
          until=lambda late: not late, within=longest)  # fmt: skip
    running.flows.stop()
    for flow in flows:
        allowed = max(budget, budgets.tunnel_restored) if flow.name in running.through_tunnels else budget
        silence = round(flow.longest_silence * 1000)
        record_answers(record, flow, limit=allowed)
        record.observe(f"the longest silence of {flow.name}", expected=f"at most {allowed} ms",
                       observed=f"{silence} ms", holds=silence <= allowed)  # fmt: skip


@then("the TCP sessions are the same ones")
def _same_sessions(running: Running, record: ScenarioRecorder) -> None:
    running.flows.stop()
    for flow in running.flows.flows:
        if isinstance(flow, Requests):
            goes_on = flow.ended - flow.arrivals[-1] < 1.0
            record.observe(flow.name, expected="the session of the beginning goes on",
                           observed=flow.broken or f"{len(flow.arrivals)} of {flow.sent} requests answered on it",
                           holds=not flow.broken and goes_on)  # fmt: skip
