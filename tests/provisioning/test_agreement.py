"""Plan and firewalls' own files, side by side: shipped deployments agree, and each way to disagree is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agreement import check
from provisioning.deployment import load
from tests.provisioning.plans import GUIDE, MINIMAL, change, copy_of, line_of

PLAN = "deployment.toml"
TREE = "sbg7/ConfigFiles/"

# The file, what is changed in it, the file and the text whose line the finding must name, and what it must say.
DISAGREEMENTS = {
    "the firewall's public address is outside the block": (
        TREE + "network",
        "Address=147.135.161.153",
        "Address=147.135.161.145",
        TREE + "network",
        "[ethernet0]",
        "Address: 147.135.161.145/29 is not in the public block 147.135.161.152/29",
    ),
    "the firewall has the gateway's address": (
        TREE + "network",
        "Address=147.135.161.153",
        "Address=147.135.161.158",
        TREE + "network",
        "[ethernet0]",
        "Address: 147.135.161.158 is the provider's gateway's (choose a free one)",
    ),
    "the private network is not protected": (
        TREE + "network",
        "Protected=1\n",
        "",
        TREE + "network",
        "[ethernet1]",
        "Protected: must be 1 on a private network",
    ),
    "the default route leads elsewhere": (
        TREE + "object",
        "Firewall_out_router=147.135.161.158",
        "Firewall_out_router=147.135.161.157",
        TREE + "route",
        "DefaultRoute",
        "DefaultRoute: Firewall_out_router is 147.135.161.157, the block's gateway is 147.135.161.158",
    ),
    "a member's HA address is not the one that DHCP gives": (
        TREE + "HA/hacluster",
        "Ip=192.168.2.4",
        "Ip=192.168.2.5",
        TREE + "HA/hacluster",
        "[VMSNSX08K0702A9]",
        "Ip: 192.168.2.5, where DHCP will give 192.168.2.4",
    ),
    "a member's serial number is another": (
        TREE + "HA/hacluster",
        "[VMSNSX08K0702A9]",
        "[VMSNSX00Z0000A0]",
        PLAN,
        'serial = "VMSNSX08K0702A9"',
        "sites.sbg7.firewall.members[2].serial: VMSNSX08K0702A9 is no section of HA/hacluster",
    ),
    "high availability is off on a pair": (
        TREE + "HA/highavailability",
        "State=1",
        "State=0",
        TREE + "HA/highavailability",
        "[Global]",
        "State: high availability is off on a pair",
    ),
    "the web server's object is another host": (
        TREE + "object",
        "ubuntu-webserver=10.200.0.10",
        "ubuntu-webserver=10.200.0.77",
        TREE + "Filter/05",
        "pass log from internet on out",
        "destination: ubuntu-webserver is 10.200.0.77, which no host of the plan has",
    ),
    "a planned service is not published": (
        TREE + "Filter/05",
        " -> to ubuntu-webserver port http",
        "",
        PLAN,
        "[[sites.sbg7.published]]",
        (
            "sites.sbg7.published[1]: no rule of the active slot leads tcp 80 to web"
            " (publish it in ConfigFiles/Filter, or take it out of the plan)"
        ),
    ),
    "the peer's object is not the other firewall": (
        TREE + "object",
        "OVH_REMOTE_FW=203.0.113.153",
        "OVH_REMOTE_FW=203.0.113.154",
        TREE + "VPN/peer",
        "[OVH_GRA11]",
        "Remote: OVH_REMOTE_FW is 203.0.113.154, the firewall of gra11 203.0.113.153",
    ),
    "a planned tunnel is not configured": (
        TREE + "VPN/01",
        "state=on",
        "state=off",
        PLAN,
        'between = ["sbg7.vlan200", "gra11.vlan201"]',
        (
            "tunnels[1].between: sbg7 has no active tunnel between 10.200.0.0/16 and 10.201.0.0/16"
            " (add it to sbg7/ConfigFiles/VPN, or take it out of the plan)"
        ),
    ),
    "a pool is another network": (
        TREE + "object",
        "sslvpn_udp=10.60.0.0/24",
        "sslvpn_udp=10.62.0.0/24",
        TREE + "Openvpn/openvpn",
        "[Config]",
        "udpPool: sslvpn_udp is 10.62.0.0/24, the plan says 10.60.0.0/24",
    ),
    "the planned SSL VPN is off": (
        TREE + "Openvpn/openvpn",
        "state=1",
        "state=0",
        TREE + "Openvpn/openvpn",
        "[Config]",
        "state: the SSL VPN is off, the plan of sbg7 has pools",
    ),
    "clients are told a wrong address": (
        TREE + "Openvpn/openvpn",
        "serverPublicAddr=147.135.161.153",
        "serverPublicAddr=147.135.161.154",
        TREE + "Openvpn/openvpn",
        "[Config]",
        "serverPublicAddr: 147.135.161.154 is not the firewall's 147.135.161.153",
    ),
    "a person is not in the directory": (
        "sbg7/Data/Ldapbase.ldif",
        "uid: address",
        "uid: somebody",
        PLAN,
        'login = "address@stormshield.ovh"',
        "sites.sbg7.people[1].login: address is not in the directory (see Data/Ldapbase.ldif)",
    ),
    "the administrator may not open the page": (
        TREE + "object",
        "admin_client=198.51.100.101",
        "admin_client=198.51.100.102",
        TREE + "webadmin",
        "admin_client",
        "ACL: the administrator's address 198.51.100.101 is not allowed",
    ),
    "a file names a secret that nobody declares": (
        TREE + "VPN/psk",
        "${secret:ipsec_sbg7_gra11}",
        "${secret:ipsec}",
        TREE + "VPN/psk",
        "OVH_REMOTE_FW",
        "ipsec: unknown secret (add it to [secrets] of the plan)",
    ),
    "a file of the firewall is wrong by itself": (
        TREE + "Filter/05",
        "to ubuntu-webserver port http",
        "to webserver port http",
        TREE + "Filter/05",
        "to webserver port http",
        'translated destination: unknown address object "webserver"',
    ),
}


@pytest.mark.parametrize("folder", [GUIDE, MINIMAL], ids=lambda folder: folder.name)
def test_a_shipped_deployment_agrees_with_its_firewalls(folder: Path) -> None:
    assert [str(finding) for finding in check(load(folder))] == []


@pytest.mark.parametrize("folder", [GUIDE, MINIMAL], ids=lambda folder: folder.name)
def test_nothing_in_a_shipped_configuration_is_unsupported(folder: Path) -> None:
    deployment = load(folder)
    assert [str(finding) for site in deployment.sites for finding in deployment.configuration(site).findings] == []


@pytest.mark.parametrize("disagreement", DISAGREEMENTS)
def test_a_disagreement_is_told_where_it_stands(disagreement: str, tmp_path: Path) -> None:
    file, before, after, told_file, told_text, message = DISAGREEMENTS[disagreement]
    folder = copy_of(GUIDE, tmp_path)
    change(folder / file, before, after)
    expected = f"{folder}/{told_file}:{line_of(folder / told_file, told_text)}: {message}"
    told = [str(finding) for finding in check(load(folder))]
    assert any(finding.startswith(expected) for finding in told), told


def test_a_single_appliance_needs_no_cluster_files(tmp_path: Path) -> None:
    folder = copy_of(MINIMAL, tmp_path)
    (folder / TREE / "HA").mkdir()
    (folder / TREE / "HA" / "highavailability").write_text("[Global]\nState=1\n[Communication]\nInterface=in\n")
    told = [str(finding) for finding in check(load(folder))]
    assert any("high availability on a single appliance" in finding for finding in told)
