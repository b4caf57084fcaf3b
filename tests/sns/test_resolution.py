"""What names stand for: objects of the base, implicit objects, services; without regard to case."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sns.addresses import ALL, EMPTY, AddressSet
from sns.errors import AddressUnknown, CircularGroup, ServiceMismatch, UnknownObject, WrongKind
from sns.model import Operand
from sns.reader import read
from sns.resolution import PortRange, Resolver

from .trees import GUIDE, guide, write

CHANGES = {
    "object": GUIDE["object"].replace(
        "[Network]",
        "range=10.9.0.10-10.9.0.20\ncolon=10.9.0.1:10.9.0.2\ndual=8.8.8.8,2001:4860:4860::8888\n"
        "six=2001:db8::1\nsomewhere=,resolve=dynamic\n[Network]\nsix_net=2001:db8::/32\nlan_behind=172.16.0.0/12",
    ),
    "objectgroup": "[both]\nvlan200\nVLAN201\n[nested] # one more\nboth\nrange\n",
    "servicegroup": "[mine]\nssh\nweb_srv\n",
    "route": "[StaticRoutes]\nlan_behind,in->ubuntu-webserver\nvlan201,loopback\n",
}


@pytest.fixture(name="resolver")
def _resolver(tmp_path: Path) -> Resolver:
    configuration = guide(tmp_path, CHANGES)
    assert [str(finding) for finding in configuration.findings] == []
    return Resolver(configuration)


@pytest.mark.parametrize(
    "name, addresses",
    [
        ("ubuntu-webserver", "10.200.0.10"),
        ("UBUNTU-WebServer", "10.200.0.10"),
        ("vlan200", "10.200.0.0/16"),
        ("range", "10.9.0.10/31, 10.9.0.12/30, 10.9.0.16/30, 10.9.0.20"),
        ("colon", "10.9.0.1, 10.9.0.2"),
        ("dual", "8.8.8.8"),
        ("six", "none"),
        ("six_net", "none"),
        ("somewhere", "none"),
        ("both", "10.200.0.0/15"),
        ("nested", "10.9.0.10/31, 10.9.0.12/30, 10.9.0.16/30, 10.9.0.20, 10.200.0.0/15"),
        ("any", "any"),
        ("Firewall_out", "147.135.161.153"),
        ("network_OUT", "147.135.161.152/29"),
        ("Firewall_ha", "192.168.2.3"),
        ("Firewall_all", "10.60.0.1, 10.61.0.1, 10.200.0.1, 147.135.161.153, 192.168.2.3"),
        ("Network_internals", "10.60.0.0/24, 10.61.0.0/24, 10.200.0.0/16, 172.16.0.0/12"),
    ],
)
def test_a_name_stands_for_its_addresses(resolver: Resolver, name: str, addresses: str) -> None:
    assert str(resolver.addresses(name)) == addresses


def test_the_internet_is_what_is_not_internal(resolver: Resolver) -> None:
    assert resolver.addresses("internet") == ~resolver.addresses("Network_internals")


def test_the_internet_may_be_declared_otherwise(tmp_path: Path) -> None:
    changed = GUIDE["object"].replace("operator=ne", "operator=eq").replace("=Network_internals", "=vlan201")
    resolver = Resolver(guide(tmp_path, {"object": changed}))
    assert resolver.addresses("internet") == AddressSet.of(IPv4Network("10.201.0.0/16"))


def test_an_operand_joins_its_names_and_a_mark_negates_them_all(resolver: Resolver) -> None:
    joined = resolver.addresses(Operand(("vlan200", "vlan201")))
    assert joined == resolver.addresses("both")
    assert resolver.addresses(Operand(("vlan200", "vlan201"), negated=True)) == ALL - joined


def test_an_interface_without_lease_has_no_address_yet(tmp_path: Path) -> None:
    configuration = read(write(tmp_path, GUIDE))
    assert configuration.findings == ()
    resolver = Resolver(configuration)
    assert resolver.knows("Firewall_ha")
    assert resolver.addresses("Firewall_ha") == EMPTY
    with pytest.raises(AddressUnknown, match="Firewall_ha"):
        resolver.address("Firewall_ha")


def test_one_address_and_one_network_are_asked_for_by_kind(resolver: Resolver) -> None:
    assert resolver.address("OVH_REMOTE_FW") == IPv4Address("203.0.113.153")
    assert resolver.network("vlan201") == IPv4Network("10.201.0.0/16")
    assert resolver.network("ubuntu-webserver") == IPv4Network("10.200.0.10/32")
    with pytest.raises(WrongKind):
        resolver.address("vlan200")
    with pytest.raises(WrongKind):
        resolver.network("nested")


def test_nobody_knows_a_name_that_is_not_declared(resolver: Resolver) -> None:
    assert not resolver.knows("vlan999")
    with pytest.raises(UnknownObject, match="vlan999"):
        resolver.addresses("vlan999")
    with pytest.raises(UnknownObject, match="gopher"):
        resolver.services("gopher")


@pytest.mark.parametrize(
    "what, ip_protocol, ports",
    [
        ("any", None, ""),
        ("http", None, "tcp 80-80"),
        ("HTTP", "tcp", "tcp 80-80"),
        ("dns", None, "tcp 53-53, udp 53-53"),
        ("dns", "udp", "udp 53-53"),
        ("ephemeral_fw", "tcp", "tcp 20000-59999"),
        ("Admin_srv", None, "tcp 22-22, tcp 443-443, tcp 1300-1300"),
        ("mine", None, "tcp 22-22, tcp 80-80, tcp 443-443, udp 53-53"),
        (Operand(("http", "https")), None, "tcp 80-80, tcp 443-443"),
        (Operand(("http",), negated=True), "tcp", "tcp 0-79, tcp 81-65535"),
        (Operand(("http",), negated=True), None, "tcp 0-79, tcp 81-65535, udp 0-65535"),
    ],
)
def test_a_service_stands_for_its_ports(resolver: Resolver, what: Operand | str, ip_protocol: str | None, ports: str) -> None:
    assert ", ".join(f"{p.protocol} {p.first}-{p.last}" for p in resolver.services(what, ip_protocol)) == ports


def test_a_service_without_port_of_the_protocol_is_not_taken_for_no_constraint(resolver: Resolver) -> None:
    with pytest.raises(ServiceMismatch):
        resolver.services("udpvpn", "tcp")


def test_a_port_range_holds_its_ends() -> None:
    assert 20000 in PortRange("tcp", 20000, 59999)
    assert 59999 in PortRange("tcp", 20000, 59999)
    assert 60000 not in PortRange("tcp", 20000, 59999)


def test_a_base_with_its_own_idea_of_a_service_has_its_way(tmp_path: Path) -> None:
    changed = GUIDE["object"].replace("http=80/tcp", "http=8080/tcp")
    assert Resolver(guide(tmp_path, {"object": changed})).port("http") == 8080


def test_groups_that_contain_themselves_end_and_are_told(tmp_path: Path) -> None:
    configuration = guide(tmp_path, {"objectgroup": "[a]\nb\n[b]\na\n"})
    with pytest.raises(CircularGroup):
        Resolver(configuration).addresses("a")
    assert [str(finding.location) for finding in configuration.findings] == ["objectgroup:1", "objectgroup:3"]


@pytest.mark.parametrize(
    "router, gateways",
    [
        ("Firewall_out_router", ["147.135.161.158"]),
        ("two_ways", ["147.135.161.158", "147.135.161.157", "147.135.161.156"]),
        ("Firewall_ha_router", []),
    ],
)
def test_gateways_come_in_order_of_preference(tmp_path: Path, router: str, gateways: list[str]) -> None:
    hosts = GUIDE["object"].replace("[Network]", "gw2=147.135.161.157\ngw3=147.135.161.156\n[Network]")
    routers = "[two_ways]\nFrequency=15\nBackup=gw3\nPrincipal=Firewall_out_router,weight=20\nPrincipal1=gw2\n"
    configuration = guide(tmp_path, {"object": hosts, "router": routers})
    assert configuration.findings == ()
    assert [str(gateway) for gateway in Resolver(configuration).gateways(router)] == gateways
