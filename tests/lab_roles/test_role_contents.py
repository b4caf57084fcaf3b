"""What each role makes of its facts, without running any of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

import pytest

from lab.roles import baremetal, client, dhcp, gateway, nginx, public, web
from lab.roles.boot import Setup
from lab.roles.listening import PROGRAM, Listener
from lab.roles.network import AUTHORITIES, Route
from lab.roles.sshd import SshServer
from tests.lab_roles.small_lab import Credentials, setups

GIVEN = Credentials(b"AUTHORITY", b"CERTIFICATE", b"KEY", b"HOST KEY", b"USER KEY", b"ssh-ed25519 AAAA user\n")
SSH = SshServer("ubuntu", GIVEN.user_public_key, GIVEN.host_key)
NETWORK = IPv4Network("10.20.0.0/16")
OWN = (IPv4Address("10.20.0.2"), IPv4Address("10.20.0.3"))


def text(setup: Setup, path: str) -> str:
    return setup.files[path][0].decode()


@pytest.mark.parametrize("host", setups(GIVEN))
def test_every_boot_is_shell_that_a_posix_shell_reads(host: str) -> None:
    boot = setups(GIVEN)[host][1].boot

    read = subprocess.run(["sh", "-n"], input=boot, capture_output=True, text=True, check=False)

    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("host", setups(GIVEN))
def test_secrets_are_readable_by_root_alone(host: str) -> None:
    files = setups(GIVEN)[host][1].files

    exposed = [
        path
        for path, (content, mode) in files.items()
        if content in (GIVEN.key, GIVEN.host_key, GIVEN.user_key) and mode != 0o600
    ]

    assert exposed == []


@pytest.mark.parametrize("host", setups(GIVEN))
def test_a_boot_holds_no_secret_and_no_file_replaces_what_the_engine_mounts(host: str) -> None:
    setup = setups(GIVEN)[host][1]

    assert "KEY" not in setup.boot
    assert not {"/etc/hosts", "/etc/resolv.conf", "/etc/hostname"} & set(setup.files)


@pytest.mark.parametrize("host", sorted(set(setups(GIVEN)) - {"dhcp", "gateway"}))
def test_whoever_fetches_trusts_the_labs_authorities_and_no_other(host: str) -> None:
    assert setups(GIVEN)[host][1].files[AUTHORITIES] == (b"AUTHORITY", 0o644)


SUBNET = dhcp.Subnet(nic="eth0", network=NETWORK, own=OWN, gateway=None)


@pytest.mark.parametrize(
    "changes, line",
    [
        ({}, "dhcp-option=tag:eth0-10-20-0-0,option:router"),
        ({}, "dhcp-option=tag:eth0-10-20-0-0,option:dns-server"),
        ({"gateway": IPv4Address("10.20.0.1")}, "dhcp-option=tag:eth0-10-20-0-0,option:router,10.20.0.1"),
        (
            {"nameservers": (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))},
            "dhcp-option=tag:eth0-10-20-0-0,option:dns-server,192.0.2.1,192.0.2.2",
        ),
        (
            {"routes": (Route(IPv4Network("10.9.0.0/16"), OWN[0]),)},
            "dhcp-option=tag:eth0-10-20-0-0,option:classless-static-route,10.9.0.0/16,10.20.0.2",
        ),
        (
            {"routes": (Route(IPv4Network("10.9.0.0/16"), OWN[0]),), "gateway": IPv4Address("10.20.0.1")},
            "dhcp-option=tag:eth0-10-20-0-0,option:classless-static-route,10.9.0.0/16,10.20.0.2,0.0.0.0/0,10.20.0.1",
        ),
        (
            {"reservations": (dhcp.Reservation("02:00:00:00:00:01", IPv4Address("10.20.0.9"), "port"),)},
            "dhcp-host=02:00:00:00:00:01,10.20.0.9,port",
        ),
        ({}, "dhcp-range=set:eth0-10-20-0-0,10.20.0.0,static,255.255.0.0,86400s"),
        ({}, "dhcp-ignore=tag:!known"),
    ],
)
def test_dhcp_offers_what_the_subnet_has_and_no_more(changes: dict[str, Any], line: str) -> None:
    setup = dhcp.dhcp(name="dhcp", subnets=[replace(SUBNET, **changes)])

    assert line in text(setup, "/etc/dnsmasq.conf").splitlines()


def test_dhcp_holds_two_addresses_of_each_subnet() -> None:
    members = replace(
        SUBNET,
        nic="eth1",
        network=IPv4Network("192.168.9.0/29"),
        own=(IPv4Address("192.168.9.1"), IPv4Address("192.168.9.2")),
    )

    setup = dhcp.dhcp(name="dhcp", subnets=[SUBNET, members])

    for line in (
        "10.20.0.2/16 dev eth0",
        "10.20.0.3/16 dev eth0",
        "192.168.9.1/29 dev eth1",
        "192.168.9.2/29 dev eth1",
    ):
        assert f"address replace {line}\n" in setup.boot


def test_dhcp_forwards_nothing_and_hears_dhcp_ping_and_answers_alone() -> None:
    rules = text(dhcp.dhcp(name="dhcp", subnets=[SUBNET]), "/etc/nftables.conf")

    assert rules.count("policy drop") == 2
    assert [line.strip() for line in rules.splitlines() if line.strip().endswith("accept")] == [
        "iif lo accept",
        "ct state established accept",
        "udp dport 67 accept",
        "icmp type echo-request accept",
    ]
    assert dhcp.SYSCTLS["net.ipv4.ip_forward"] == "0"


@pytest.mark.parametrize("carry, drops", [(False, 4), (True, 0)])
def test_a_gateway_carries_private_addresses_only_when_told(carry: bool, drops: int) -> None:
    rules = text(gateway.gateway(name="gateway", carry_private=carry), gateway.RULES)

    assert len([line for line in rules.splitlines() if line.endswith(" drop")]) == drops
    assert "counter private_from_block" in rules


def test_a_gateway_knows_the_ways_to_other_blocks() -> None:
    way = Route(IPv4Network("203.0.113.8/29"), IPv4Address("198.51.100.2"))

    assert "route replace 203.0.113.8/29 via 198.51.100.2\n" in gateway.gateway(name="gateway", remote=[way]).boot


def test_a_web_server_names_itself_on_all_its_ports() -> None:
    setup = web.web(name="shop", authorities=b"", ssh=SSH, unpublished=(8080, 8081))

    assert "shop" in text(setup, f"{nginx.ROOT}/index.html")
    for port in (80, 8080, 8081):
        assert f"listen {port} default_server;" in text(setup, "/etc/nginx/nginx.conf")


def test_a_host_without_listeners_runs_no_program_for_them() -> None:
    without = web.web(name="shop", authorities=b"", ssh=SSH)
    with_one = web.web(name="shop", authorities=b"", ssh=SSH, listeners=[Listener("echo", "udp", 7)])

    assert PROGRAM not in without.files
    assert "python3" not in without.boot
    assert "echo:udp:0.0.0.0:7" in with_one.boot


@pytest.mark.parametrize(
    "download, expected",
    [
        (nginx.Download("/big", 10), "location = /big { }"),
        (nginx.Download("/big", 10, 2_000_000), "location = /big { limit_rate 2000000; sendfile_max_chunk 20000; }"),
        (nginx.Download("/big", 10, 1_000), "location = /big { limit_rate 1000; sendfile_max_chunk 4096; }"),
    ],
)
def test_a_download_flows_evenly_at_its_rate(download: nginx.Download, expected: str) -> None:
    assert nginx.download_location(download) == expected


def test_a_bare_metal_server_tags_one_vlan_on_its_trunk() -> None:
    setup = baremetal.baremetal(name="metal", vlan=20, mac="02:00:00:00:00:01", authorities=b"", ssh=SSH)

    assert "add-port trunk eth0 trunks=20" in setup.boot
    assert "add-port trunk vlan20 tag=20" in setup.boot
    assert "-i vlan20" in setup.boot


def test_a_bare_metal_server_addressed_by_hand_asks_no_dhcp() -> None:
    addressing = baremetal.Addressing(IPv4Interface("10.20.0.21/16"), IPv4Address("10.20.0.1"), (OWN[0],))
    setup = baremetal.baremetal(name="metal", vlan=20, mac="02:00:00:00:00:01", authorities=b"", ssh=SSH, addressing=addressing)

    assert "udhcpc" not in setup.boot
    assert "address replace 10.20.0.21/16 dev vlan20\n" in setup.boot
    assert "route replace 0.0.0.0/0 via 10.20.0.1\n" in setup.boot
    # The interface is born with the switch: an address before that would be an error.
    assert setup.boot.index("/sys/class/net/vlan20") < setup.boot.index("address replace")


def internet(*sites: public.Site) -> Setup:
    return public.public(
        name="public",
        addresses=[IPv4Interface("198.51.100.10/24")],
        sites=sites,
        certificate=public.Certificate(b"", b""),
        authorities=b"",
        resolver_address=IPv4Address("198.51.100.53"),
    )


def test_each_site_has_its_name_in_the_resolver_and_no_other_name_exists() -> None:
    address = IPv4Address("198.51.100.10")
    lines = text(internet(public.Site("a.example", address), public.Site("b.example", address)), "/etc/dnsmasq.conf")

    assert [line for line in lines.splitlines() if line.startswith("host-record")] == [
        "host-record=a.example,198.51.100.10",
        "host-record=b.example,198.51.100.10",
    ]
    assert "local=/#/" in lines
    assert "no-resolv" in lines


def test_a_name_that_no_site_has_gets_404_at_the_sites_address() -> None:
    configuration = text(internet(public.Site("a.example", IPv4Address("198.51.100.10"))), "/etc/nginx/nginx.conf")

    assert configuration.count("default_server") == 2
    assert configuration.index("return 404") < configuration.index("server_name a.example")


@pytest.mark.parametrize("name", ["two words", "a.example;", "a}example"])
def test_a_site_whose_name_would_change_the_configuration_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        internet(public.Site(name, IPv4Address("198.51.100.10")))


def test_a_stranger_has_no_key_and_an_administrator_has() -> None:
    stranger = client.client(name="stranger", authorities=b"")
    administrator = client.client(name="admin", authorities=b"", ssh=client.SshIdentity(b"USER KEY"))

    assert not [path for path in stranger.files if "ssh/" in path]
    assert administrator.files["/root/.ssh/id_ed25519"] == (b"USER KEY", 0o600)
