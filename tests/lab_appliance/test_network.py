"""``ennetwork``: what it changes on a device, and which routes it wants."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from lab.appliance import leases, routes
from lab.appliance.errors import ApplianceError
from lab.appliance.network import Link, changes, name_servers
from sns.model import Interface, Location
from sns.resolution import Resolver
from tests.sns.trees import guide

MAC = "02:00:00:00:01:53"
ADDRESS = IPv4Interface("147.135.161.153/29")
OLD = IPv4Interface("147.135.161.154/29")


def section(*, enabled: bool = True, mac: str | None = MAC, mtu: int | None = None) -> Interface:
    address = ADDRESS if enabled else None
    return Interface("ethernet0", "out", Location("network", 4), enabled, False, address, mac=mac, mtu=mtu)


@pytest.mark.parametrize(
    ("interface", "link", "lines"),
    [
        pytest.param(section(), Link(MAC, 1500, True, (ADDRESS,)), [], id="as it should be: nothing"),
        pytest.param(
            section(),
            Link("02:00:00:00:00:01", 1500, False, ()),
            [
                f"link set dev eth0 address {MAC}",
                "address add 147.135.161.153/29 broadcast + dev eth0",
                "link set dev eth0 up",
            ],
            id="fresh",
        ),
        pytest.param(
            section(),
            Link(MAC, 1500, True, (OLD,)),
            ["address delete 147.135.161.154/29 dev eth0", "address add 147.135.161.153/29 broadcast + dev eth0"],
            id="another address of the same network: the old one goes first",
        ),
        pytest.param(section(mtu=1400), Link(MAC, 1500, True, (ADDRESS,)), ["link set dev eth0 mtu 1400"], id="another MTU"),
        pytest.param(
            section(enabled=False),
            Link(MAC, 1500, True, (ADDRESS,)),
            ["link set dev eth0 down", "address delete 147.135.161.153/29 dev eth0"],
            id="off",
        ),
    ],
)
def test_a_device_is_changed_only_where_it_differs(interface: Interface, link: Link, lines: list[str]) -> None:
    assert list(changes(interface, link)) == lines


def test_the_default_route_and_the_black_hole_of_the_guide(tmp_path: Path) -> None:
    assert [str(route) for route in routes.wanted(guide(tmp_path))] == [
        "blackhole 10.201.0.0/16",
        "default via 147.135.161.158 dev eth0",
    ]


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("vlan201,in", "10.201.0.0/16 dev eth1"),
        ("vlan201,in->ubuntu-webserver", "10.201.0.0/16 via 10.200.0.10 dev eth1"),
        ("OVH_REMOTE_FW,in->ubuntu-webserver", "203.0.113.153 via 10.200.0.10 dev eth1"),
    ],
)
def test_a_static_route(tmp_path: Path, line: str, route: str) -> None:
    assert [str(each) for each in routes.wanted(guide(tmp_path, {"route": f"[StaticRoutes]\n{line}\n"}))] == [route]


def test_a_gateway_on_no_network_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not list(routes.wanted(guide(tmp_path, {"route": "[Config]\nDefaultRoute=OVH_REMOTE_FW\n"})))
    told = "route:2: gateway: OVH_REMOTE_FW is on no network of the firewall: route left out\n"
    assert capsys.readouterr().err == told


def test_a_gateway_by_dhcp_is_taken_when_nobody_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "router", {"eth2": IPv4Address("192.168.2.6")}.get)
    routing = {"route": "[Config]\nDefaultRoute=Firewall_ha_router\n"}
    assert [str(route) for route in routes.wanted(guide(tmp_path, routing))] == ["default via 192.168.2.6 dev eth2"]


def test_name_servers_are_host_objects(tmp_path: Path) -> None:
    resolver = Resolver(guide(tmp_path))
    assert name_servers("[Servers]\nadmin_client\t# its own\n", resolver) == [IPv4Address("198.51.100.101")]
    with pytest.raises(ApplianceError, match=r'dns:2: Servers: "nobody" is not declared'):
        name_servers("[Servers]\nnobody\n", resolver)


def test_leases_are_read_by_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.appliance.paths.LEASES", tmp_path / "leases")
    assert leases.by_section() == {}
    (tmp_path / "leases").write_text("eth2 192.168.2.3/29\n")
    assert leases.by_section() == {"ethernet2": IPv4Interface("192.168.2.3/29")}
