"""What a deployment asks OpenStack for, seen without a cloud."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioning.cloud import desired
from provisioning.cloud.errors import PlanIncomplete
from provisioning.cloud.resources import KINDS, Image, Port, Resource, Server, Subnet
from provisioning.deployment import load
from tests.provisioning.cloud.applicable import IMAGE, guide
from tests.provisioning.plans import MINIMAL


@pytest.fixture
def wanted(tmp_path: Path) -> tuple[Resource, ...]:
    return desired.resources(guide(tmp_path))


def _of(wanted: tuple[Resource, ...], kind: str, region: str, name: str) -> Resource:
    (found,) = (each for each in wanted if each.key == (region, kind, name))
    return found


def test_what_is_needed_comes_before_what_needs_it(wanted: tuple[Resource, ...]) -> None:
    order = [KINDS.index(each.kind) for each in wanted]
    assert order == sorted(order)
    assert desired.regions(wanted) == ("GRA11", "SBG7")


def test_appliances_ports_have_their_addresses_in_the_order_of_their_interfaces_and_no_port_security(
    wanted: tuple[Resource, ...],
) -> None:
    server = _of(wanted, "server", "SBG7", "stormshield-1")
    assert isinstance(server, Server)
    ports = [_of(wanted, "port", "SBG7", name) for name in server.ports]
    assert [(port.address, port.port_security) for port in ports if isinstance(port, Port)] == [
        ("147.135.161.153", False),
        ("10.200.0.1", False),
        ("192.168.2.3", False),
    ]


def test_a_private_server_keeps_port_security_and_whatever_its_firewall_lets_through_reaches_it(
    wanted: tuple[Resource, ...],
) -> None:
    port = _of(wanted, "port", "SBG7", "ubuntu-webserver-vlan200")
    assert isinstance(port, Port)
    assert (port.address, port.port_security, port.groups) == ("10.200.0.10", True, ("rempart-guide/sbg7",))
    assert _of(wanted, "security group", "SBG7", "rempart-guide/sbg7").wanted["admits"] == (("any", 0),)


def test_neutron_hands_out_no_address_that_somebody_has(tmp_path: Path) -> None:
    wanted = desired.resources(guide(tmp_path, ('pool = ["192.168.2.1", "192.168.2.2"]', "")))
    ha = _of(wanted, "subnet", "SBG7", "stormshield-ha")
    assert isinstance(ha, Subnet)
    assert (ha.gateway, ha.dhcp, ha.pools) == (None, True, (("192.168.2.1", "192.168.2.2"), ("192.168.2.5", "192.168.2.6")))
    taken = {IPv4Address(each.address) for each in wanted if isinstance(each, Port) and each.address}
    for subnet in (each for each in wanted if isinstance(each, Subnet)):
        for first, last in subnet.pools:
            assert not [address for address in taken if IPv4Address(first) <= address <= IPv4Address(last)]


def test_a_first_boot_script_holds_the_members_own_addresses_and_references_to_secrets(wanted: tuple[Resource, ...]) -> None:
    server = _of(wanted, "server", "SBG7", "stormshield-2")
    assert isinstance(server, Server)
    lines = server.first_boot.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "${secret:admin_password}" in lines
    assert "setconf /usr/Firewall/ConfigFiles/network ethernet0 Address '147.135.161.154'" in lines
    assert "setconf /usr/Firewall/ConfigFiles/network ethernet2 Mask '255.255.255.248'" in lines
    assert "setconf /usr/Firewall/ConfigFiles/object Host Firewall_out_router '147.135.161.158,resolve=static'" in lines
    assert "admin_password" not in repr(server)


def test_a_deployment_that_says_nothing_of_openstack_cannot_be_applied() -> None:
    with pytest.raises(PlanIncomplete, match=r"deployment\.toml: there is no \[cloud\]"):
        desired.resources(load(MINIMAL))


def test_whatever_is_missing_is_told_at_once(tmp_path: Path) -> None:
    plan = guide(tmp_path)
    text = plan.plan.read_text()
    for network in ("vlan200", "ha"):
        start = text.index(f"[sites.sbg7.networks.{network}.cloud]")
        text = text[:start] + text[text.index("\n\n", start) :]
    plan.plan.write_text(text)
    with pytest.raises(PlanIncomplete) as error:
        desired.resources(load(plan.folder))
    assert [line.split(": ")[1].split(" ")[0] for line in str(error.value).splitlines()] == [
        "sites.sbg7.networks.vlan200",
        "sites.sbg7.networks.ha",
    ]


def test_two_of_one_name_in_a_region_are_refused(tmp_path: Path) -> None:
    plan = guide(tmp_path, ('name = "stormshield-vlan200"', 'name = "stormshield-ha"'))
    with pytest.raises(PlanIncomplete, match="two of one name, SBG7 network stormshield-ha"):
        desired.resources(plan)


@pytest.mark.parametrize(
    "change, told",
    [
        (('disk_format = "qcow2"', 'disk_format = "raw"'), r"disk_format is 'raw' and .* is a qcow2 file: Nova refuses"),
        (
            ("protected = true", f'protected = true\nsha256 = "{"0" * 64}"'),
            "is not the file that the plan means: its SHA-256 is",
        ),
    ],
)
def test_an_image_that_is_not_what_the_plan_says_is_refused_before_it_is_uploaded(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    wanted = desired.resources(guide(tmp_path, change))
    with pytest.raises(PlanIncomplete, match=told):
        desired.examined(next(each for each in wanted if isinstance(each, Image)))


def test_a_right_image_is_known_by_its_checksum(tmp_path: Path) -> None:
    plan = guide(tmp_path)
    image = next(each for each in desired.resources(plan) if isinstance(each, Image))
    assert image.file == plan.folder / IMAGE
    assert len(desired.examined(image).sha512) == 128
