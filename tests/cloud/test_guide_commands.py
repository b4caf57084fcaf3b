"""The guide's own commands, typed as they are printed, against the control plane: what they make, and where they lead."""

from __future__ import annotations

import pytest

from provisioning.lab_cloud.image import stand_in
from tests.cloud.account import Account
from tests.provisioning.cloud.applicable import public_key

REGION = "SBG7"
NETWORKS = (
    "openstack network create --provider-network-type vrack --provider-segment 0 --disable-port-security stormshield-ext",
    "openstack network create --provider-network-type vrack --provider-segment 200 --disable-port-security stormshield-vlan200",
    "openstack network create --provider-network-type vrack --provider-segment 199 --disable-port-security stormshield-ha",
    "openstack keypair create --public-key ~/.ssh/id_rsa.pub name",
    (
        "openstack image create --disk-format {format} --container-format bare --file ./utm-SNS-EVA-4.8.3-openstack.qcow2"
        " stormshield-SNS-EVA-4.7.6"
    ),
)
SUBNETS = (
    "openstack subnet create --network stormshield-ext --subnet-range 192.168.1.0/29 --dhcp stormshield-ext",
    (
        "openstack subnet create --network stormshield-vlan200 --subnet-range 10.200.0.0/16 --dhcp --dns-nameserver"
        " 213.186.33.99 stormshield-vlan200"
    ),
    "openstack subnet create --network stormshield-ha --subnet-range 192.168.2.0/29 --dhcp --gateway none stormshield-ha",
)
SERVERS = (
    (
        "openstack server create --wait --flavor b3-32 --image stormshield-SNS-EVA-4.7.6 --network stormshield-ext --network"
        " stormshield-vlan200 --network stormshield-ha stormshield-1"
    ),
    (
        "openstack server create --wait --flavor b3-32 --image stormshield-SNS-EVA-4.7.6 --network stormshield-ext --network"
        " stormshield-vlan200 --network stormshield-ha stormshield-2"
    ),
    (
        'openstack server create --wait --flavor b2-7 --image "Ubuntu 22.04" --network stormshield-vlan200 --key-name name'
        " ubuntu-webserver"
    ),
    'openstack server create --wait --flavor b2-7 --image "Ubuntu 22.04" --network Ext-Net --key-name name ubuntu-vpn-client',
)


@pytest.fixture(scope="module")
def built(account: Account) -> Account:
    """Everything up to the servers; ``qcow2`` where the guide says ``raw``."""
    (account.folder / ".ssh").mkdir()
    (account.folder / ".ssh" / "id_rsa.pub").write_text(f"{public_key()}\n")
    (account.folder / "utm-SNS-EVA-4.8.3-openstack.qcow2").write_bytes(stand_in("qcow2"))
    for commands in (NETWORKS, SUBNETS):
        for done in account.openstack([command.replace("{format}", "qcow2") for command in commands]):
            assert done.status == 0, done.errors
    return account


def test_every_command_does_what_the_guide_says(built: Account) -> None:
    for done in built.openstack(SERVERS):
        assert done.status == 0, done.errors

    cloud = built.region(REGION)
    servers = {server.name: server for server in cloud.compute.servers()}
    assert {name: server.status for name, server in servers.items()} == dict.fromkeys(
        ("stormshield-1", "stormshield-2", "ubuntu-webserver", "ubuntu-vpn-client"), "ACTIVE"
    )
    assert sorted(servers["stormshield-1"].addresses) == ["stormshield-ext", "stormshield-ha", "stormshield-vlan200"]
    networks = {each.name: each for each in cloud.network.networks(project_id=cloud.current_project_id)}
    assert {name: each.provider_segmentation_id for name, each in networks.items()} == {
        "stormshield-ext": 0,
        "stormshield-vlan200": 200,
        "stormshield-ha": 199,
    }
    assert not any(each.is_port_security_enabled for each in networks.values())


def test_a_small_subnet_runs_out_of_addresses_and_only_the_servers_fault_says_so(built: Account) -> None:
    # Five can be handed out of the external /29: two are the DHCP service's, two the firewalls'.
    first, second = built.openstack(
        [
            f'openstack server create --wait --flavor b2-7 --image "Ubuntu 22.04" --network stormshield-ext {name}'
            for name in ("more-1", "more-2")
        ]
    )

    assert sorted((first.status, second.status)) == [0, 1]
    servers = built.region(REGION).compute.servers(details=True)
    (broken,) = (server for server in servers if server.status == "ERROR")
    assert "No fixed IP addresses available for network" in broken.fault["message"]


def test_run_again_names_are_taken_twice_and_vlans_are_not(built: Account) -> None:
    again, twin = built.openstack([NETWORKS[1], "openstack network create stormshield-ha"])
    (ambiguous,) = built.openstack(["openstack network show stormshield-ha"])

    assert again.status == 1
    assert "VLAN 200 on physical network vrack is in use" in again.errors
    assert (twin.status, ambiguous.status) == (0, 1)
    assert "More than one Network exists with the name 'stormshield-ha'" in ambiguous.errors


def test_an_image_declared_raw_as_printed_is_taken_and_does_not_boot(built: Account) -> None:
    (image,) = built.openstack([NETWORKS[4].replace("{format}", "raw").replace("4.7.6", "as-printed")])
    (server,) = built.openstack(
        [SERVERS[2].replace("Ubuntu 22.04", "stormshield-SNS-EVA-as-printed").replace("ubuntu-", "raw-")]
    )

    assert image.status == 0
    assert server.status == 1
    broken = built.region(REGION).compute.find_server("raw-webserver", details=True)
    assert broken.status == "ERROR"
    assert "Image not in a supported format" in built.region(REGION).compute.get_server(broken).fault["message"]
