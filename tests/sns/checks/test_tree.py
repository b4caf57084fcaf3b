"""Objects, tunnels and the pair: what each check sees, in a tree that is the guide's but for one change."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.checks import cluster
from sns.checks.run import check
from tests.sns.trees import GUIDE, guide, write

ALWAYS = {"ha-on-dhcp", "preshared-key", "proposal-not-recommended", "implicit-rule", "no-final-block"}
"""What the guide's own tree has, and the table below does not repeat."""


@pytest.mark.parametrize(
    "file, old, new, expected",
    [
        pytest.param("object", "", "", [], id="as it is"),
        pytest.param(
            "object", "[Network]", "left=192.0.2.1\n[Network]", ["object:6 left is used nowhere"], id="an unused host"
        ),
        pytest.param(
            "object", "[Network]\n", "[Network]\nold=192.0.2.0/24\n", ["object:7 old is used nowhere"], id="an unused network"
        ),
        pytest.param(
            "object",
            "http=80/tcp",
            "gopher=70/tcp\nhttp=80/tcp",
            ["object:12 services 1 of 5 services are used nowhere: gopher"],
            id="an unused service",
        ),
        pytest.param(
            "object",
            "sslvpn_udp=10.60.0.0/24",
            "sslvpn_udp=10.60.0.0/24\nthe_same=10.201.0.0/16",
            ["object:10 the_same has the same addresses as vlan201 at object:8", "object:10 the_same is used nowhere"],
            id="twice",
        ),
        pytest.param(
            "VPN/ph1profile",
            "enc=aes/128 auth=sha2_256 dh=15",
            "enc=aes/128 auth=sha1 dh=2",
            ["VPN/ph1profile:3 StrongEncryption aes/128 sha1 group 2 is below the minimum (2024-03): sha1, group 2"],
            id="weak IKE",
        ),
        pytest.param(
            "VPN/ph2profile",
            "pfs=14",
            "pfs=none",
            [
                "VPN/ph2profile:1 StrongEncryption aes/128 hmac_sha256 is below the minimum (2024-03): no Diffie-Hellman group",
                "VPN/ph2profile:1 StrongEncryption aes/256 hmac_sha256 is below the minimum (2024-03): no Diffie-Hellman group",
            ],
            id="no perfect forward secrecy",
        ),
        pytest.param(
            "route",
            "vlan201,loopback",
            "",
            ["VPN/01:5 remote vlan201 (10.201.0.0/16) leaves by the default route when the tunnel is down"],
            id="no black hole",
        ),
        pytest.param(
            "Filter/05",
            "from vlan201 via ipsec to",
            "from vlan201 to",
            ['Filter/05:8 from "pass log from vlan201 to vlan200" takes what claims to come from 10.201.0.0/16, from anywhere'],
            id="not by the tunnel",
        ),
        pytest.param("VPN/peer", "DPDMode=low", "DPDMode=passive", ["VPN/peer:1 DPDMode is passive"], id="a dead peer stays"),
        pytest.param("system", "Password=0", "Password=1", ["system:3 Password SSH accepts passwords"], id="passwords"),
        pytest.param(
            "route",
            "DefaultRoute=Firewall_out_router",
            "DefaultRoute=NOBODY",
            [
                "object:2 Firewall_out_router is used nowhere",
                'route:2 DefaultRoute unknown host or router "NOBODY": it is not declared',
            ],
            id="what the appliance refuses",
        ),
    ],
)
def test_one_change(file: str, old: str, new: str, expected: list[str], tmp_path: Path) -> None:
    configuration = guide(tmp_path, {file: GUIDE[file].replace(old, new, 1)})
    told = [f"{r.location} {r.field} {r.message}" for r in check(configuration) if r.check.id not in ALWAYS]

    assert sorted(told) == expected


def test_the_guides_own_tree_is_told_what_is_always_told(tmp_path: Path) -> None:
    assert {result.check.id for result in check(guide(tmp_path))} == ALWAYS


def test_members_differ_by_files_and_by_lines(tmp_path: Path) -> None:
    one = write(tmp_path / "one", GUIDE)
    other = write(tmp_path / "other", {**GUIDE, "route": GUIDE["route"].replace("vlan201,loopback", ""), "dns": "[Servers]\n"})
    (other / "uac").unlink()

    assert [
        f"{result.location} {result.message}" for result in cluster.differences(one, other, called=(str(one), str(other)))
    ] == [
        f"dns:1 only {other} has this file",
        f"route:4 differs from {other}",
        f"uac:1 only {one} has this file",
    ]
    assert list(cluster.differences(one, one, called=("a", "b"))) == []
