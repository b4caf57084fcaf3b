"""Packets made by hand and packets seen on the wires: what no program of a host would send, and who received it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from pytest_bdd import given, parsers, then, when

from lab import probe
from lab.capture import Frame
from lab.probe import Outcome, Target, connect
from sns.resolution import Resolver
from steps.eventually import eventually, watch
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

PORTS = {"ssh": 22, "smtp": 25, "telnet": 23}
PATIENCE = 0.5  # s for a refusal, 30 times the longest round trip of the lab


def from_address(frames: Iterable[Frame], source: IPv4Address, destination: IPv4Address) -> list[Frame]:
    """IPv4 frames from one address to another."""
    pair = source.packed + destination.packed
    return [frame for frame in frames if frame.data[12:14] == b"\x08\x00" and frame.data[26:34] == pair]


@then(parsers.parse('on the Internet every packet of it has the firewall\'s public address and a port of "{service}"'))
def _translated(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    public, site = scene.public_address, scene.deployment.internet.public
    out = from_address(scene.environment.tap("internet").since(0), public, site)
    allowed = Resolver(scene.environment.configuration(scene.site.name)).services(service, "tcp")[0]
    ports = [int.from_bytes(frame.data[34:36], "big") for frame in out if frame.data[23] == 6]
    outside = [port for port in ports if not allowed.first <= port <= allowed.last]
    record.observe("packets to the site with the public address", expected="some", observed=len(out), holds=bool(out))
    record.observe(f"source ports outside {service}", expected=[], observed=outside)
    private = scene.server_address.packed
    leaked = [frame for frame in scene.environment.tap("internet").since(0) if frame.data[26:30] == private]
    record.observe("packets with the private address", expected=0, observed=len(leaked))


@given(parsers.parse("the stranger reaches the public site over {service}"))
def _stranger_reaches_service(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    target = Target(scene.deployment.internet.public, PORTS.get(service, 443))
    outcome = connect(scene.environment.stranger, [target])[target]
    record.observe(f"the stranger's {service} to the public site", expected="answered", observed=outcome.value)


@when(parsers.parse("the private server tries the public site over {service}"), target_fixture="tried")
def _server_tries(scene: Scene, service: str) -> tuple[Target, Outcome, dict[str, int]]:
    scene.environment.begin_capture()
    before = scene.environment.firewall(scene.site.name).counters()
    target = Target(scene.deployment.internet.public, PORTS[service])
    outcome = connect(scene.server, [target], within=PATIENCE)[target]
    return target, outcome, {place: counter.packets for place, counter in before.items()}


@then("the attempt is seen inside and never on the Internet")
def _inside_never_outside(scene: Scene, tried: tuple[Target, Outcome, dict[str, int]], record: ScenarioRecorder) -> None:
    target, outcome, _ = tried
    port = target.port.to_bytes(2, "big")
    inside = [f for f in scene.environment.tap(f"{scene.server.name}:eth0").since(0) if f.data[36:38] == port]
    outside = from_address(scene.environment.tap("internet").since(0), scene.public_address, target.address)
    record.observe("the attempt's outcome", expected="not answered", observed=outcome.value,
                   holds=outcome is not Outcome.ANSWERED)  # fmt: skip
    record.observe("the attempt inside", expected="seen", observed=len(inside), holds=bool(inside))
    record.observe("the attempt on the Internet", expected=0,
                   observed=len([frame for frame in outside if frame.data[36:38] == port]))  # fmt: skip


@then("the firewall counts it under a blocking rule")
def _counted(scene: Scene, tried: tuple[Target, Outcome, dict[str, int]], record: ScenarioRecorder) -> None:
    firewall = scene.environment.firewall(scene.site.name)
    rules = {str(rule.location): rule for rule in firewall.configuration().policy.filter}
    grown = {
        place
        for place, counter in firewall.counters().items()
        if counter.packets > tried[2].get(place, 0) and place in rules and rules[place].action == "block"
    }
    record.observe("blocking rules that counted it", expected="one", observed=sorted(grown), holds=bool(grown))


@given("the provider's gateway resolves the firewall's public address")
def _gateway_resolves(scene: Scene, record: ScenarioRecorder) -> None:
    answers = ask_who_has(scene, scene.public_address)
    record.observe("answers for the firewall's address", expected="some", observed=answers, holds=answers > 0)


@when("the provider's gateway asks who has each released address of the block", target_fixture="answers")
def _ask_released(scene: Scene) -> dict[str, int]:
    return {str(address): ask_who_has(scene, address) for address in scene.site.released}


@then("nobody answers")
def _nobody(answers: dict[str, int], record: ScenarioRecorder) -> None:
    for address, count in answers.items():
        record.observe(f"answers for {address}", expected=0, observed=count)


def ask_who_has(scene: Scene, address: IPv4Address) -> int:
    """Ask by ARP on the block's side; how many answers came within the patience."""
    gateway, tap = scene.environment.gateway(scene.site.name), scene.environment.transit(scene.site.name)
    mark = tap.mark()
    mac = bytes.fromhex(gateway.nic("eth0").mac.replace(":", ""))
    arp = bytes.fromhex("0001080006040001") + mac + scene.site.gateway.packed + bytes(6) + address.packed
    probe.inject(gateway, "eth0", [b"\xff" * 6 + mac + b"\x08\x06" + arp])

    def answers() -> int:
        return sum(1 for f in tap.since(mark) if f.data[12:14] == b"\x08\x06" and f.data[20:22] == b"\0\2"
                   and f.data[28:32] == address.packed)  # fmt: skip

    return watch(answers, within=PATIENCE).seen


@given("the private server answers its own network on the tried ports")
def _answers_inside(scene: Scene, record: ScenarioRecorder) -> None:
    target = Target(scene.server_address, 80)
    outcome = connect(scene.environment.firewall(scene.site.name).host, [target])[target]
    record.observe("the private server from its own network", expected="answered", observed=outcome.value)


@when("the provider's gateway routes packets for the private server to the firewall", target_fixture="injected")
def _route_in(scene: Scene) -> int:
    return _inject_syns(scene, scene.deployment.internet.stranger, scene.server_address)


@when("the provider's gateway sends the same request with a source in the private network", target_fixture="injected")
def _spoof(scene: Scene) -> int:
    inside = scene.site.networks[_network(scene)].subnet[77]
    return _inject_syns(scene, inside, scene.public_address)


@when("the provider's gateway sends clear packets with a source in the remote network", target_fixture="injected")
def _spoof_remote(scene: Scene) -> int:
    return _inject_syns(scene, scene.remote_address, scene.server_address)


def _network(scene: Scene) -> str:
    return scene.site.hosts_of("web")[0].network


def _inject_syns(scene: Scene, source: IPv4Address, destination: IPv4Address) -> int:
    """Put TCP SYNs for port 80 onto the public segment, addressed to the firewall's MAC; how many."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    gateway = scene.environment.gateway(scene.site.name)
    gateway.run("ping", "-c1", "-W1", str(scene.public_address))  # resolves, whether answered or not
    neighbour = gateway.must("ip", "neighbour", "show", str(scene.public_address), "dev", "eth0").split()
    mac = neighbour[neighbour.index("lladdr") + 1]
    scene.environment.begin_capture()
    frames = [
        bytes(Ether(src=gateway.nic("eth0").mac, dst=mac) / IP(src=str(source), dst=str(destination))
              / TCP(sport=4000 + number, dport=80, flags="S"))
        for number in range(20)
    ]  # fmt: skip
    probe.inject(gateway, "eth0", frames)
    return len(frames)


@then("none of them reaches the private server")
def _none_reaches(scene: Scene, injected: int, record: ScenarioRecorder) -> None:
    wanted = {port.to_bytes(2, "big") for port in range(4000, 4020)}

    def arrived(point: str) -> int:
        frames = scene.environment.tap(point).since(0)
        return sum(1 for f in frames if f.data[12:14] == b"\x08\x00" and f.data[23] == 6 and f.data[34:36] in wanted)

    sent = eventually(lambda: arrived(f"gw-{scene.site.name}:eth0"), until=lambda count: count >= injected,
                      within=2.0, phase="the packets on the public segment")  # fmt: skip
    record.observe("packets on the public segment", expected=injected, observed=sent)
    record.observe("packets at the private server", expected=0, observed=arrived(f"{scene.server.name}:eth0"))
