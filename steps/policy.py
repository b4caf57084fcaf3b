"""The whole policy at once: packets of all classes that a configuration tells apart, measured against what it says."""

from __future__ import annotations

from pytest_bdd import then, when

from provisioning.matrix.comparison import Compared
from provisioning.matrix.measured import Matrix
from provisioning.matrix.results import Results, whole
from sns.packet_classes import SOURCE_PORTS
from sns.prediction import Flow
from sns.resolution import Resolver
from steps.passage import accounted_for
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

ONE_IN = 31  # classes: some 2,000 of the guide's 65,000; `rempart matrix` measures all of them
WELL_KNOWN = range(1, 1024)  # UDP ports, IANA's system ports
_TOLD = 5  # disagreements that a verdict names


@when("packets of all kinds that its configuration tells apart arrive at the firewall", target_fixture="matrix")
def _all_kinds(scene: Scene, stand: Matrix) -> Results:
    return whole(stand, [scene.site.name], one_in=ONE_IN, enough=_TOLD)


@when(
    "datagrams of a stranger to all well-known UDP ports of the public address arrive at the firewall",
    target_fixture="datagrams",
)
def _datagrams(scene: Scene, stand: Matrix) -> list[Compared]:
    site, ends = scene.site.name, (scene.deployment.internet.stranger, scene.public_address)
    interfaces = scene.environment.configuration(site).interfaces
    arrival = next(one.name for one in interfaces if one.address and one.address.ip == scene.public_address)
    ports = sorted({*WELL_KNOWN, *_open(scene)})
    measured = list(stand.measure((site, Flow(arrival, *ends, "udp", SOURCE_PORTS[port], port)) for port in ports))
    accounted_for([one.trace for one in measured])
    return measured


def _open(scene: Scene) -> set[int]:
    """The UDP ports of the public address that are meant for strangers."""
    configuration = scene.environment.configuration(scene.site.name)
    found = {entry.port for entry in scene.site.published if entry.protocol == "udp"}
    if configuration.ssl_vpn.enabled:
        found |= {port.first for port in Resolver(configuration).services(configuration.ssl_vpn.udp_port, "udp")}
    return found


@then("exactly what is published over UDP and the SSL VPN is let through")
def _only_open(scene: Scene, datagrams: list[Compared], record: ScenarioRecorder) -> None:
    through = [one.flow.destination_port for one in datagrams if one.trace.last is not None]
    record.observe("the UDP ports that are let through", expected=sorted(_open(scene)), observed=through)
    led = {one.flow.destination_port: one.trace.last.seen for one in datagrams if one.trace.last}
    for one in scene.site.published:
        if one.protocol == "udp" and (seen := led.get(one.port)):
            planned = f"{scene.site.hosts[one.host].address}:{one.port}"
            found = f"{seen.destination}:{seen.destination_port}"
            record.observe(f"where the published {one.name} leads", expected=planned, observed=found)


@then("every other datagram ends at the firewall unanswered")
def _others_end(datagrams: list[Compared], record: ScenarioRecorder) -> None:
    tried = {one.flow.destination_port for one in datagrams}
    record.observe("the well-known UDP ports tried", expected=len(WELL_KNOWN), observed=len(tried & {*WELL_KNOWN}))
    answered = [one.flow.destination_port for one in datagrams if one.trace.answers and one.trace.last is None]
    record.observe("the UDP ports that answer all the same", expected=[], observed=answered)


@then("none of them is unaccounted for")
def _accounted(matrix: Results, record: ScenarioRecorder) -> None:
    record.observe("packets measured", expected="some", observed=matrix.measured, holds=matrix.measured > 0)
    record.observe("packets of which nothing is known", expected={}, observed=dict(matrix.lost))


@then("what becomes of each, and of a reply to it, is what the configuration says")
def _as_configured(matrix: Results, record: ScenarioRecorder) -> None:
    record.observe("replies that were sent", expected="some", observed=matrix.replies, holds=matrix.replies > 0)
    told = [
        f"{one.flow} ({one.prediction.where or one.prediction.reason}): {'; '.join(one.disagreements)}"
        for one in matrix.disagreeing[:_TOLD]
    ]
    record.observe("packets of which something else becomes", expected=[], observed=told)
