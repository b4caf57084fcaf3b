"""A right deployment: what is read, what scenarios are instantiated over, what it costs."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioning.deployment import AXES, load
from tests.provisioning.plans import AS_PRINTED, DEPLOYMENTS, GUIDE, MINIMAL

SHIPPED = sorted(path.parent for path in DEPLOYMENTS.glob("*/deployment.toml") if path.parent != AS_PRINTED)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_deployment_carries_its_folders_name(folder: Path) -> None:
    assert load(folder).name == folder.name


@pytest.mark.parametrize(
    ("axis", "ids"),
    [
        ("site", ("sbg7", "gra11")),
        ("cluster", ("sbg7", "gra11")),
        ("remote_access_site", ("sbg7",)),
        ("tunnel", ("sbg7-gra11",)),
        ("pool", ("udp", "tcp")),
        ("published_service", ("sbg7-http", "gra11-http")),
        ("web_server", ("web-sbg7", "web-gra11")),
        ("bare_metal_server", ("baremetal-sbg7",)),
    ],
)
def test_the_guide_has_instances_on_every_axis(axis: str, ids: tuple[str, ...]) -> None:
    guide = load(GUIDE)
    assert guide.axis(axis) == ids
    assert [guide.instance(axis, identifier) for identifier in ids]


def test_the_minimal_deployment_lacks_what_the_guide_calls_optional() -> None:
    minimal = load(MINIMAL)
    present = {axis for axis in AXES if minimal.axis(axis)}
    assert present == {"site", "published_service", "web_server"}


def test_an_unknown_axis_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown axis 'moon'.*bare_metal_server"):
        load(GUIDE).axis("moon")


def test_the_guides_addresses_come_from_the_firewalls_own_files() -> None:
    guide = load(GUIDE)
    assert guide.public_address("sbg7") == IPv4Address("147.135.161.153")
    assert guide.private_address("sbg7") == IPv4Address("10.200.0.1")
    assert guide.private_address("gra11", "vlan201") == IPv4Address("10.201.0.1")


def test_each_member_has_its_own_lease_on_the_ha_network() -> None:
    guide = load(GUIDE)
    leases = []
    for member in (1, 2):
        interface = guide.configuration("sbg7", member).interface("ha")
        assert interface is not None
        leases.append(str(interface.address))
    assert leases == ["192.168.2.3/29", "192.168.2.4/29"]


def test_a_tunnel_knows_its_two_ends() -> None:
    tunnel = load(GUIDE).tunnels[0]
    assert (tunnel.other("sbg7"), tunnel.network_at("gra11")) == ("gra11", "vlan201")


def test_a_person_has_an_account_in_a_domain() -> None:
    (person,) = load(GUIDE).people()
    assert (person.uid, person.domain) == ("address", "stormshield.ovh")


def test_no_two_interfaces_on_one_wire_share_a_hardware_address() -> None:
    macs = [mac for member in load(GUIDE).members() for mac in member.macs]
    assert len(set(macs)) == len(macs) == 12


def test_reading_the_plan_reads_no_firewall_configuration() -> None:
    program = f"import sys; from provisioning.deployment import load; load({str(GUIDE)!r}); print('sns.model' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=GUIDE.parents[1])
    assert run.stdout.strip() == "False"
