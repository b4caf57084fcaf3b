"""The platform itself: hosts where the plan puts them, with the addresses that the networks' DHCP service gives."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address

from pytest_bdd import then, when

from lab import probe
from lab.roles.lease import lease_file, question
from steps.neighbours import Question, who_has
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

AT_ONCE = 4  # hosts that are asked side by side


@dataclass(frozen=True, slots=True)
class Place:
    """An address that the plan gives to an interface, and the hardware address that may answer for it."""

    host: str
    nic: str
    segment: str
    address: IPv4Address
    mac: str

    @property
    def interface(self) -> str:
        """``web-sbg7:eth0``."""
        return f"{self.host}:{self.nic}"


def planned(scene: Scene) -> list[Place]:
    """Every address of the site's hosts that the plan names; the members of a pair share those of the data networks."""
    return [*_of_members(scene), *_of_private_hosts(scene), *_of_dhcp(scene)]


def _of_members(scene: Scene) -> Iterator[Place]:
    for member in scene.site.firewall.members:
        for number, name in enumerate(scene.site.firewall.nics):
            network, interface = scene.site.networks[name], scene.deployment.interface(scene.site.name, name)
            written = interface.address.ip if interface and interface.address else None
            address = member.ha_address if network.role == "ha" else written
            if address is not None:
                nic = scene.environment.host(member.id).nic(f"eth{number}")
                mac = (interface and interface.mac) or nic.mac  # a pair's data interfaces share a written one
                yield Place(member.id, nic.name, network.segment, address, mac)


def _of_private_hosts(scene: Scene) -> Iterator[Place]:
    for host in scene.site.hosts.values():
        network = scene.site.networks[host.network]
        yield Place(host.id, f"vlan{network.vlan}" if host.trunk else "eth0", network.segment, host.address, host.mac)


def _of_dhcp(scene: Scene) -> Iterator[Place]:
    service = scene.environment.host(f"dhcp-{scene.site.name}")
    for number, network in enumerate(one for one in scene.site.networks.values() if one.dhcp):
        nic = service.nic(f"eth{number}")
        for address in network.dhcp:
            yield Place(service.name, nic.name, network.segment, address, nic.mac)


@when("the hosts of the site are asked for their addresses", target_fixture="found")
def _ask_addresses(scene: Scene) -> dict[str, list[str]]:
    places = {place.interface: place for place in planned(scene)}

    def asked(place: Place) -> list[str]:
        return sorted(str(address) for address in scene.environment.host(place.host).addresses(place.nic))

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(places, pool.map(asked, places.values()), strict=True))


@then("each has exactly the addresses that the plan gives it")
def _as_planned(scene: Scene, found: dict[str, list[str]], record: ScenarioRecorder) -> None:
    for interface, addresses in found.items():
        expected = sorted(str(place.address) for place in planned(scene) if place.interface == interface)
        record.observe(f"addresses of {interface}", expected=expected, observed=addresses)


@then("on the planned network each address is answered for by its host alone")
def _answered_alone(scene: Scene, record: ScenarioRecorder) -> None:
    macs = {asker: place.mac for place in planned(scene) if (asker := _asker(scene, place)) is not None}
    record.observe("addresses asked for", expected="some", observed=len(macs), holds=bool(macs))
    for asked, answers in who_has(scene, macs).items():
        record.observe(f"who answers for {asked.address}", expected=[macs[asked]], observed=list(answers))


def _asker(scene: Scene, place: Place) -> Question | None:
    """Who can ask for the address: the provider's gateway in the block, else another host of the network."""
    if place.address in scene.site.block:
        return Question(f"gw-{scene.site.name}", "eth0", place.address)
    members = {member.id for member in scene.site.firewall.members}
    for other in planned(scene):
        # Not a member, whose closed gate would keep the answer from it; not a tagged interface, which is no port.
        if other.segment == place.segment and other.host not in {place.host, *members} and other.nic.startswith("eth"):
            return Question(other.host, other.nic, place.address)
    return None


@when("the private server asks for an address again", target_fixture="lease")
def _ask_again(scene: Scene) -> dict[str, str]:
    nic = scene.server.nic("eth0").name
    scene.server.must("rm", "-f", lease_file(nic))
    scene.server.must(*question(nic))
    return dict(line.split("=", 1) for line in scene.server.read(lease_file(nic)).splitlines())


@then("it is given the planned address, with the firewall as its gateway")
def _given_as_planned(scene: Scene, lease: dict[str, str], record: ScenarioRecorder) -> None:
    address = scene.site.host_interface(scene.server_plan)
    gateway = scene.deployment.private_address(scene.site.name, scene.server_plan.network)
    record.observe("the address given", expected=str(address), observed=lease["address"])
    record.observe("the gateway given", expected=str(gateway), observed=lease["router"])


@then("it comes from the network's DHCP service, whose addresses all answer pings")
def _from_the_service(scene: Scene, lease: dict[str, str], record: ScenarioRecorder) -> None:
    own = scene.server_network.dhcp
    record.observe("the service that gave it", expected=f"one of {', '.join(map(str, own))}", observed=lease["server"],
                   holds=lease["server"] in map(str, own))  # fmt: skip
    for address in own:
        answered = probe.ping(scene.server, address, count=2).answered
        record.observe(f"pings answered by {address}", expected=2, observed=answered)
