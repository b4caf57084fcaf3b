"""A deployment's whole life on a cloud: applied, applied again, drifted, mended, and taken away from among what is not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.eventually import eventually
from tests.cloud.account import Account
from tests.provisioning.cloud.applicable import guide

TAG = "rempart-guide"
OURS = {
    "SBG7": {
        "networks": ["stormshield-ext", "stormshield-ha", "stormshield-vlan200"],
        "subnets": ["stormshield-ext", "stormshield-ha", "stormshield-vlan200"],
        "ports": [
            "stormshield-1-ext", "stormshield-1-ha", "stormshield-1-vlan200",
            "stormshield-2-ext", "stormshield-2-ha", "stormshield-2-vlan200",
            "ubuntu-vpn-client-Ext-Net", "ubuntu-webserver-vlan200",
        ],
        "security groups": ["rempart-guide/sbg7", "rempart-guide/ubuntu-vpn-client"],
        "images": ["stormshield-SNS-EVA-4.8.3"],
        "key pairs": ["rempart-guide"],
        "server groups": ["rempart-guide/sbg7"],
        "servers": ["stormshield-1", "stormshield-2", "ubuntu-vpn-client", "ubuntu-webserver"],
    },
    "GRA11": {
        "networks": ["stormshield-ext", "stormshield-ha", "stormshield-vlan201"],
        "subnets": ["stormshield-ext", "stormshield-ha", "stormshield-vlan201"],
        "ports": [
            "stormshield-1-ext", "stormshield-1-ha", "stormshield-1-vlan201",
            "stormshield-2-ext", "stormshield-2-ha", "stormshield-2-vlan201",
            "ubuntu-webserver-vlan201",
        ],
        "security groups": ["rempart-guide/gra11"],
        "images": ["stormshield-SNS-EVA-4.8.3"],
        "key pairs": ["rempart-guide"],
        "server groups": ["rempart-guide/gra11"],
        "servers": ["stormshield-1", "stormshield-2", "ubuntu-webserver"],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return guide(tmp_path_factory.mktemp("deployment")).folder


@pytest.fixture(scope="module")
def applied(account: Account, deployment: Path) -> Account:
    done = account.rempart("apply", deployment)
    assert (done.status, done.last) == (0, "done: 43 create"), done.errors
    return account


def test_an_apply_makes_both_regions_and_says_what_it_does(applied: Account) -> None:
    assert {region: applied.has(region) for region in OURS} == OURS


def test_the_members_of_a_pair_are_on_different_hypervisors_with_their_interfaces_in_order(applied: Account) -> None:
    cloud = applied.region("SBG7")
    first, second = (cloud.compute.find_server(name, details=True) for name in ("stormshield-1", "stormshield-2"))
    assert first.host_id != second.host_id  # a project's own view of the host
    assert first.metadata["rempart"] == TAG
    addresses = {name: [each["addr"] for each in found] for name, found in first.addresses.items()}
    assert addresses == {
        "stormshield-ext": ["147.135.161.153"],
        "stormshield-vlan200": ["10.200.0.1"],
        "stormshield-ha": ["192.168.2.3"],
    }


def test_a_second_apply_changes_nothing_and_says_so(applied: Account, deployment: Path) -> None:
    done = applied.rempart("apply", deployment)
    assert (done.status, done.output) == (0, "nothing to change: all 43 resources are as planned\n")
    assert applied.rempart("status", deployment).output == "43 as planned\n"


def test_drift_is_shown_and_mended(applied: Account, deployment: Path) -> None:
    _spoil(applied.region("SBG7"))

    shown = applied.rempart("status", deployment)
    assert shown.status == 1
    assert shown.output.splitlines() == [
        "change SBG7 image stormshield-SNS-EVA-4.8.3: protected is off, planned on",
        "change SBG7 security group rempart-guide/ubuntu-vpn-client: admits is tcp–22, tcp–23, planned tcp–22",
        "change SBG7 subnet stormshield-vlan200: dns is 192.0.2.53, planned 198.51.100.53",
        "change SBG7 port stormshield-1-vlan200: port security is on, planned off",
        "create SBG7 port ubuntu-vpn-client-Ext-Net",
        "change SBG7 server ubuntu-webserver: status is SHUTOFF, planned ACTIVE",
        (
            "cannot SBG7 server ubuntu-vpn-client: ports is none, planned ubuntu-vpn-client-Ext-Net; this cannot be changed"
            " while it exists: delete it, then apply again"
        ),
        "36 as planned, 5 change, 1 create, 1 cannot",
    ]
    refused = applied.rempart("apply", deployment)
    assert refused.status == 1
    assert refused.errors.startswith("rempart: nothing was changed:\ncannot SBG7 server ubuntu-vpn-client: ports is none")

    compute = applied.region("SBG7").compute
    client = compute.find_server("ubuntu-vpn-client")
    compute.delete_server(client)
    compute.wait_for_delete(client, interval=0.2)
    mended = applied.rempart("apply", deployment)
    assert (mended.status, mended.last) == (0, "done: 5 change, 2 create"), mended.errors


def _spoil(cloud: Any) -> None:
    """What people do to a deployment by hand."""
    network = cloud.network
    network.update_subnet(network.find_subnet("stormshield-vlan200"), dns_nameservers=["192.0.2.53"])
    network.update_port(network.find_port("stormshield-1-vlan200"), is_port_security_enabled=True)
    client, port = cloud.compute.find_server("ubuntu-vpn-client"), network.find_port("ubuntu-vpn-client-Ext-Net")
    cloud.compute.delete_server_interface(port.id, server=client.id)  # a port in use is not deleted
    eventually(
        lambda: network.get_port(port.id).device_id, until=lambda device: not device, within=30.0, phase="the port's release"
    )
    network.delete_port(port)
    network.create_security_group_rule(
        security_group_id=network.find_security_group("rempart-guide/ubuntu-vpn-client").id, direction="ingress",
        ether_type="IPv4", protocol="tcp", port_range_min=23, port_range_max=23,
    )  # fmt: skip
    cloud.image.update_image(cloud.image.find_image("stormshield-SNS-EVA-4.8.3"), is_protected=False)
    server = cloud.compute.find_server("ubuntu-webserver")
    cloud.compute.stop_server(server)
    cloud.compute.wait_for_server(server, status="SHUTOFF", interval=0.2)


def test_destroy_takes_what_is_ours_alone_and_proves_it(applied: Account, deployment: Path) -> None:
    cloud = applied.region("SBG7")
    theirs = cloud.network.create_network(name="backup", provider_network_type="vrack", provider_segmentation_id=300)
    cloud.network.create_subnet(network_id=theirs.id, name="backup", ip_version=4, cidr="10.30.0.0/24")
    ubuntu, small = cloud.image.find_image("Ubuntu 22.04"), cloud.compute.find_flavor("b2-7")
    cloud.compute.create_server(name="backup", image_id=ubuntu.id, flavor_id=small.id, networks=[{"uuid": theirs.id}])
    cloud.compute.create_server_group(name="rempart-guide-of-others", policies=["anti-affinity"])
    guest = cloud.network.create_port(name="guest", network_id=cloud.network.find_network("stormshield-vlan200").id)

    asked = applied.rempart("destroy", deployment)
    assert (asked.status, asked.errors) == (2, "rempart: cloud destroy: nobody to ask: --yes says that you are sure\n")

    held = applied.rempart("destroy", deployment, "--yes")
    assert held.status == 1
    assert (
        "left SBG7 network stormshield-vlan200: SBG7 network stormshield-vlan200: Unable to complete operation" in held.output
    )
    assert held.errors.splitlines()[0] == f"rempart: still there, with the mark {TAG}:"
    assert [line.split(" (")[0] for line in held.errors.splitlines()[1:]] == [
        "SBG7 network stormshield-vlan200",
        "SBG7 subnet stormshield-vlan200",
    ]

    cloud.network.delete_port(guest)
    done = applied.rempart("destroy", deployment, "--yes")
    assert (done.status, done.last) == (0, f"nothing with the mark {TAG} is left in GRA11, SBG7"), done.errors
    nothing: dict[str, list[str]] = {key: [] for key in OURS["SBG7"]}
    assert applied.has("GRA11") == nothing
    assert applied.has("SBG7") == nothing | {
        "networks": ["backup"],
        "subnets": ["backup"],
        "ports": [""],
        "servers": ["backup"],
        "server groups": ["rempart-guide-of-others"],
    }
