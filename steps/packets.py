"""Packets made by hand and packets seen on the wires: what no program of a host would send, and who received it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then, when

from lab import probe
from lab.capture import Frame, Tap
from lab.device import differences
from lab.probe import Outcome, Target, connect, reached
from lab.rule_counters import Counter
from provisioning.deployment_model import PublishedService
from sns.model import Rule
from sns.prediction import Flow, predict
from sns.resolution import Resolver
from steps.neighbours import Question, hardware_address, who_has
from steps.passage import ECHO, HTTP, HTTPS, interface
from steps.patience import attempts, patience
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene
from steps.verdict import Inconclusive

if TYPE_CHECKING:
    from scapy.packet import Packet

PORTS = {"ssh": 22, "smtp": 25, "telnet": 23}
IPV4, ICMP, TCP, UDP = b"\x08\x00", 1, 6, 17
COUNTED_WITHIN = 1.0  # s: a rule counts a packet as it decides about it
SOURCE_PORTS = range(4000, 4020)  # of packets made by hand: no program of a host uses them
MARK = b"made by hand"
SPOOFED, OF_A_TUNNEL = "antispoof", "spd"  # what the firewall refuses before any rule, as its counters call it


def from_address(frames: Iterable[Frame], source: IPv4Address, destination: IPv4Address) -> list[Frame]:
    """IPv4 frames from one address to another."""
    pair = source.packed + destination.packed
    return [frame for frame in frames if frame.data[12:14] == IPV4 and frame.data[26:34] == pair]


@then(parsers.parse('on the Internet every packet of it has the firewall\'s public address and a port of "{service}"'))
def _translated(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    seen, internet = scene.environment.tap("internet").since(0), scene.deployment.internet
    allowed = Resolver(scene.environment.configuration(scene.site.name)).services(service, "tcp")[0]
    # The request may go by the firewall's proxy, the question for the name before it does not: that one is translated.
    for what, there in (("the site", internet.public), ("the resolver", internet.resolver)):
        out = from_address(seen, scene.public_address, there)
        record.observe(f"packets to {what} with the public address", expected="some", observed=len(out), holds=bool(out))
        ports = sorted({int.from_bytes(frame.data[34:36], "big") for frame in out if frame.data[23] in (TCP, UDP)})
        outside = [port for port in ports if not allowed.first <= port <= allowed.last]
        record.observe(f"source ports to {what} outside {service}", expected=[], observed=outside)
    private = scene.server_address.packed
    leaked = [frame for frame in seen if frame.data[26:30] == private]
    record.observe("packets with the private address", expected=0, observed=len(leaked))


@given(parsers.parse("the stranger reaches the public site over {service}"))
def _stranger_reaches_service(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    target = Target(scene.deployment.internet.public, PORTS.get(service, HTTPS))
    outcome = connect(scene.environment.stranger, [target])[target]
    record.observe(f"the stranger's {service} to the public site", expected="answered", observed=outcome.value)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A connection that was tried, what became of it, and what the firewall had counted before."""

    target: Target
    outcome: Outcome
    before: Mapping[str, Counter]


@when(parsers.parse("the private server tries the public site over {service}"), target_fixture="attempt")
def _server_tries(scene: Scene, service: str) -> Attempt:
    scene.environment.begin_capture()
    before = scene.environment.firewall(scene.site.name).counters()
    target, allowed = (Target(scene.deployment.internet.public, port) for port in (PORTS[service], HTTPS))
    within = patience(lambda: reached(scene.server, allowed), "the private server's https")
    return Attempt(target, attempts(scene.server, [target], within)[target], before)


def _towards(tap: Tap, target: Target) -> list[Frame]:
    """TCP in IPv4 without options for a target, from whatever address."""
    address, port = target.address.packed, target.port.to_bytes(2, "big")
    return [
        one for one in tap.since(0)
        if one.data[12:14] == IPV4 and one.data[23] == TCP and one.data[30:34] == address and one.data[36:38] == port
    ]  # fmt: skip


def _inside(scene: Scene, attempt: Attempt) -> list[Frame]:
    return _towards(scene.environment.tap(f"{scene.server.name}:eth0"), attempt.target)


@then("the attempt is seen inside and never on the Internet")
def _inside_never_outside(scene: Scene, attempt: Attempt, record: ScenarioRecorder) -> None:
    record.observe("the attempt's outcome", expected="not answered", observed=attempt.outcome.value,
                   holds=attempt.outcome is not Outcome.ANSWERED)  # fmt: skip
    inside = len(_inside(scene, attempt))
    record.observe("the attempt inside", expected="seen", observed=inside, holds=inside > 0)
    for where, tap in (
        ("between the firewall and its provider", scene.environment.transit(scene.site.name)),
        ("on the Internet", scene.environment.tap("internet")),
    ):
        record.observe(f"the attempt {where}, from any address", expected=0, observed=len(_towards(tap, attempt.target)))


@then("the firewall counts it under a blocking rule")
def _counted(scene: Scene, attempt: Attempt, record: ScenarioRecorder) -> None:
    firewall, seen = scene.environment.firewall(scene.site.name), _inside(scene, attempt)
    sent_from = int.from_bytes(seen[0].data[34:36], "big")
    arrival, (address, port) = interface(scene, scene.site, "private"), (attempt.target.address, attempt.target.port)
    said = predict(firewall.configuration(), Flow(arrival, scene.server_address, address, "tcp", sent_from, port))
    rule = said.rule if isinstance(said.rule, Rule) and said.rule.action == "block" else None
    record.observe("the rule that decides about it", expected="one that blocks", observed=said.where or said.reason,
                   holds=rule is not None, prediction=said)  # fmt: skip
    place = str(rule.location) if rule else ""
    record.eventually("the count of it under this rule", lambda: differences(attempt.before, firewall.counters()).get(place, 0),
                      within=COUNTED_WITHIN, until=lambda count: count >= len(seen), expected=f"{len(seen)} or more",
                      prediction=said)  # fmt: skip


@given("the provider's gateway resolves the firewall's public address")
def _gateway_resolves(scene: Scene, record: ScenarioRecorder) -> None:
    question = _of_gateway(scene, scene.public_address)
    record.observe("answers for the firewall's address", expected=1, observed=len(who_has(scene, [question])[question]))


@when("the provider's gateway asks who has each released address of the block", target_fixture="answers")
def _ask_released(scene: Scene) -> dict[str, int]:
    released = [_of_gateway(scene, address) for address in scene.site.released]
    control = _of_gateway(scene, scene.public_address)
    answers = who_has(scene, [control, *released], sure=[control])
    return {str(one.address): len(answers[one]) for one in released}


@then("nobody answers")
def _nobody(answers: dict[str, int], record: ScenarioRecorder) -> None:
    for address, count in answers.items():
        record.observe(f"answers for {address}", expected=0, observed=count)


def _of_gateway(scene: Scene, address: IPv4Address) -> Question:
    """The provider's gateway asks, on the block's side."""
    return Question(scene.environment.gateway(scene.site.name).name, "eth0", address)


@given("the private server answers its own network over TCP, and to pings", target_fixture="served")
def _answers_inside(scene: Scene, record: ScenarioRecorder) -> list[int]:
    answered = _answered_inside(scene, _listening(scene))
    record.observe("TCP ports that answer inside", expected="some", observed=answered, holds=bool(answered))
    _answers_pings(scene, scene.server_address, record)
    return answered


def _listening(scene: Scene) -> set[int]:
    """The TCP ports that the private server listens on."""
    listening = scene.server.facts.socket.get_listening_sockets()
    return {int(one.rpartition(":")[2]) for one in listening if one.startswith("tcp://")}


def _answered_inside(scene: Scene, ports: Iterable[int]) -> list[int]:
    """Those of its TCP ports that the private server opens to the firewall."""
    firewall = scene.environment.firewall(scene.site.name).host
    outcomes = connect(firewall, [Target(scene.server_address, port) for port in ports])
    return sorted(target.port for target, outcome in outcomes.items() if outcome is Outcome.ANSWERED)


def _answers_pings(scene: Scene, address: IPv4Address, record: ScenarioRecorder) -> None:
    answered = probe.ping(scene.environment.firewall(scene.site.name).host, address, count=2).answered
    record.observe(f"the firewall's pings that {address} answers", expected=2, observed=answered)


@dataclass(frozen=True, slots=True)
class Injected:
    """How many packets were put on the wire at a site, and what its firewall had counted before."""

    scene: Scene
    count: int
    before: Mapping[str, Counter]


@when("the provider's gateway routes connections, datagrams and pings for the private server to the firewall",
      target_fixture="injected")  # fmt: skip
def _route_in(scene: Scene, served: list[int]) -> list[Injected]:
    scene.environment.begin_capture()
    return [_inject(scene, _of_every_kind(scene.deployment.internet.stranger, [scene.server_address], served))]


@when("the provider's gateway sends the same request with a source in the private network", target_fixture="injected")
def _spoof(scene: Scene) -> list[Injected]:
    scene.environment.begin_capture()
    return [_inject(scene, _requests(scene.server_network.subnet[77], scene.public_address, scene.service.port))]


@when("the provider's gateway of each site sends clear packets with a source in the other site's network",
      target_fixture="injected")  # fmt: skip
def _spoof_remote(scene: Scene) -> list[Injected]:
    scene.environment.begin_capture()
    return [_inject(end, _requests(end.remote_address, end.server_address, HTTP)) for end in scene.both_ends]


def _requests(source: IPv4Address, destination: IPv4Address, port: int) -> list[Packet]:
    """TCP SYNs for a port, each of a connection of its own."""
    from scapy.layers.inet import IP, TCP

    return [IP(src=str(source), dst=str(destination)) / TCP(sport=own, dport=port, flags="S") for own in SOURCE_PORTS]


def _of_every_kind(source: IPv4Address, destinations: Iterable[IPv4Address], ports: Iterable[int]) -> list[Packet]:
    """A TCP SYN and a datagram for each of these ports, and a ping."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP

    own = SOURCE_PORTS[0]
    kinds: list[Packet] = [ICMP() / MARK]
    for port in ports:
        kinds += [TCP(sport=own, dport=port, flags="S"), UDP(sport=own, dport=port) / MARK]
    return [IP(src=str(source), dst=str(one)) / kind for one in destinations for kind in kinds]


def _inject(scene: Scene, packets: Iterable[Packet]) -> Injected:
    """Put packets onto the public segment, addressed to the firewall's MAC; when this returns, it is done with them."""
    from scapy.layers.l2 import Ether

    gateway = scene.environment.gateway(scene.site.name)
    mac = hardware_address(scene, _of_gateway(scene, scene.public_address))
    frames = [bytes(Ether(src=gateway.nic("eth0").mac, dst=mac) / packet) for packet in packets]
    before = scene.environment.firewall(scene.site.name).counters()
    probe.inject(gateway, "eth0", frames)
    # Each wire keeps its order, and so does a kernel: what the firewall answers now it answers after all of these.
    hardware_address(scene, _of_gateway(scene, scene.public_address))
    return Injected(scene, len(frames), before)


@then("none of them reaches a private server")
@then("none of them reaches the private server")
def _none_reaches(injected: list[Injected], record: ScenarioRecorder) -> None:
    for one in injected:
        environment, site, server = one.scene.environment, one.scene.site.name, one.scene.server
        sent = _count(environment.transit(site))
        record.observe(f"packets on the public segment of {site}", expected=one.count, observed=sent)
        # The firewall is done with them; a ping of its own comes after whatever it has passed on.
        if not probe.ping(environment.firewall(site).host, one.scene.server_address, count=1).answered:
            raise Inconclusive(f"{server.name} does not answer the firewall's ping, the control: silence would prove nothing")
        arrived = _count(environment.tap(f"{server.name}:eth0"))
        record.observe(f"packets at the private server of {site}", expected=0, observed=arrived)


def _count(tap: Tap) -> int:
    """How many of the packets made by hand were seen."""
    return sum(1 for frame in tap.since(0) if _is_by_hand(frame.data))


def _is_by_hand(data: bytes) -> bool:
    if data[12:14] == IPV4 and data[23] in (TCP, UDP):
        return int.from_bytes(data[34:36], "big") in SOURCE_PORTS
    return data[12:14] == IPV4 and data[23] == ICMP and data[34] == ECHO and MARK in data


@given("the other hosts of the private network answer the firewall", target_fixture="others")
def _others_answer(scene: Scene, record: ScenarioRecorder) -> list[IPv4Address]:
    others = list(scene.site.neighbours)
    for address in others:
        _answers_pings(scene, address, record)
    return others


@dataclass(frozen=True, slots=True)
class Routed:
    """Packets put on the wire, and how many of them were seen at the firewall's external and internal ports."""

    sent: int
    outside: int
    inside: int


@when("the provider's gateway routes connections, datagrams and pings for each of them to the firewall",
      target_fixture="routed")  # fmt: skip
def _route_to_others(scene: Scene, others: list[IPv4Address]) -> Routed:
    outside, inside = scene.firewall_port("external"), scene.firewall_port("private")
    scene.environment.begin_capture()
    with scene.environment.listen((outside, inside)) as taps:
        sent = _inject(scene, _of_every_kind(scene.deployment.internet.stranger, others, (*PORTS.values(), HTTP, HTTPS))).count
        return Routed(sent, _count(taps[outside]), _count(taps[inside]))


@then("the firewall passes none of them on")
def _none_passed_on(routed: Routed, record: ScenarioRecorder) -> None:
    record.observe("packets at the firewall's external port", expected=routed.sent, observed=routed.outside)
    record.observe("packets at its internal port", expected=0, observed=routed.inside)


@then("the firewall counts them as spoofed")
def _counted_as_spoofed(injected: list[Injected], record: ScenarioRecorder) -> None:
    for one in injected:
        _refused_by(one, {SPOOFED}, record)


@then("each firewall counts them as refused")
def _counted_as_refused(injected: list[Injected], record: ScenarioRecorder) -> None:
    for one in injected:
        policy = one.scene.environment.firewall(one.scene.site.name).configuration().policy  # whose lines name the counters
        refusing = {str(rule.location) for rule in policy.filter if rule.action == "block"} | {SPOOFED, OF_A_TUNNEL}
        _refused_by(one, refusing, record)


def _refused_by(injected: Injected, refusing: set[str], record: ScenarioRecorder) -> None:
    firewall = injected.scene.environment.firewall(injected.scene.site.name)

    def counted() -> int:
        grown = differences(injected.before, firewall.counters())
        return sum(packets for place, packets in grown.items() if place in refusing)

    record.eventually(f"the count of these packets as refused at {injected.scene.site.name}", counted, within=COUNTED_WITHIN,
                      until=lambda count: count >= injected.count, expected=f"{injected.count} or more")  # fmt: skip


@given("the web server answers its own network on ports that are not published", target_fixture="unpublished")
def _unpublished(scene: Scene, record: ScenarioRecorder) -> list[int]:
    answered = _answered_inside(scene, _listening(scene) - {entry.port for entry in scene.site.published})
    record.observe("unpublished ports that answer inside", expected="some", observed=answered, holds=bool(answered))
    return answered


@when("the stranger tries these ports on the public address", target_fixture="tried_ports")
def _tries_ports(scene: Scene, unpublished: list[int]) -> dict[Target, Outcome]:
    assert isinstance(scene.instance, PublishedService), "the scenario needs @each_published_service"
    stranger, published = scene.environment.stranger, Target(scene.public_address, scene.instance.port)
    within = patience(lambda: reached(stranger, published), "the published site")
    return attempts(stranger, [Target(scene.public_address, port) for port in unpublished], within)


@then("every one of them stays silent")
def _all_silent(tried_ports: dict[Target, Outcome], record: ScenarioRecorder) -> None:
    record.observe("ports tried", expected="some", observed=len(tried_ports), holds=bool(tried_ports))
    spoke = {str(target): outcome.value for target, outcome in tried_ports.items() if outcome is not Outcome.SILENT}
    record.observe("ports that answer or refuse", expected={}, observed=spoke)
