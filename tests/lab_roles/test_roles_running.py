"""Every role booted for real, once, and asked from its neighbours."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab import running
from lab.roles import gateway
from lab.running import Lab
from tests.lab_roles import credentials
from tests.lab_roles.small_lab import BAREMETAL, RESOLVER, SITE, TAGGED, WEB, topology

pytestmark = pytest.mark.lab

NAMES = ["www.allowed.example", "www.refused.example", "echo.example", "mirror.example"]

ASK = """\
import json, socket, sys
protocol, address, port, said = sys.argv[1:]
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
peer = socket.socket(socket.AF_INET, kind)
peer.settimeout(3)
peer.connect((address, int(port)))
peer.sendall(said.encode())
print(json.dumps([peer.recv(4096).decode(), *peer.getsockname()]))
"""

LEASE = """\
case $1 in bound) echo "address=$ip/$mask router=${router:-none} dns=${dns:-none}" ;; esac
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    up = running.up(topology(credentials.make(NAMES)))
    yield up
    up.down()


def ask(lab: Lab, host: str, *question: object) -> tuple[str, str, int]:
    """What a listener answered, and the address and port it was asked from."""
    answer = json.loads(lab.host(host).must("python3", "-c", ASK, *map(str, question)))
    return answer[0], answer[1], answer[2]


def test_the_web_server_has_address_routes_and_resolver_from_dhcp(lab: Lab) -> None:
    web = lab.host("web")

    assert web.addresses("eth0") == [WEB]
    assert "default via 10.20.0.1 dev eth0" in web.must("ip", "route")
    assert "169.254.169.254 via 10.20.0.2 dev eth0" in web.must("ip", "route")
    assert web.read("/etc/resolv.conf") == f"nameserver {RESOLVER}\noptions timeout:1 attempts:2\n"
    assert "server=10.20.0.2" in web.read("/run/dhcp/eth0.lease").splitlines()


@pytest.mark.parametrize("port", [80, 8080])
def test_the_web_server_shows_its_name_and_logs_its_client(lab: Lab, port: int) -> None:
    page = lab.host("inside").must("curl", "-s", "-i", "-m", "3", f"http://{WEB}:{port}/")

    assert page.startswith("HTTP/1.1 200 OK")
    assert "This is web." in page
    assert lab.host("web").read("/var/log/nginx/access.log").splitlines()[-1].startswith("10.20.0.1 ")


@pytest.mark.parametrize("host, address", [("baremetal", BAREMETAL), ("tagged", TAGGED)])
def test_a_bare_metal_server_is_on_its_vlan_and_not_on_its_trunk(lab: Lab, host: str, address: object) -> None:
    metal = lab.host(host)

    assert metal.addresses("vlan20") == [address]
    assert metal.addresses("eth0") == []
    assert lab.host("inside").run("ping", "-c", "1", "-W", "2", str(address)).ok


@pytest.mark.parametrize("address", [WEB, BAREMETAL, TAGGED])
def test_its_user_logs_in_with_the_key_and_becomes_root(lab: Lab, address: object) -> None:
    assert lab.host("inside").must("ssh", f"ubuntu@{address}", "whoami; sudo -n whoami").split() == ["ubuntu", "root"]


def test_nobody_logs_in_without_the_key(lab: Lab) -> None:
    no_key = ("-F", "/dev/null", "-o", "IdentityFile=/nonexistent", "-o", "StrictHostKeyChecking=no")

    refused = lab.host("inside").run("ssh", *no_key, f"ubuntu@{WEB}", "true")

    assert refused.status == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_sites_answer_by_name_with_the_labs_certificate_over_http2(lab: Lab) -> None:
    inside = lab.host("inside")

    assert inside.must("curl", "-sI", "-m", "3", "https://www.allowed.example/start/").startswith("HTTP/2 200")
    assert inside.must("curl", "-s", "-m", "3", "https://www.refused.example/") == "www.refused.example\n"
    assert inside.must("curl", "-s", "-m", "3", "http://echo.example/ip") == "192.0.2.9\n"
    assert inside.must("curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", f"http://{SITE}/") == "404"


def test_a_name_that_no_site_has_does_not_exist(lab: Lab) -> None:
    assert lab.host("inside").run("curl", "-s", "-m", "3", "http://other.example/").status == 6  # could not resolve


def test_a_download_comes_at_its_rate(lab: Lab) -> None:
    measured = lab.host("inside").must(
        "curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", "http://mirror.example/big"
    )

    size, seconds = measured.split()
    assert size == "1000000"
    assert float(seconds) > 0.4  # 2 MB/s: never faster; a loaded machine may be slower


@pytest.mark.parametrize(
    "protocol, address, port, answer",
    [
        ("tcp", SITE, 7, "hello"),
        ("udp", SITE, 7, "hello"),
        ("tcp", SITE, 25, "tcp {0} {1}\n"),
        ("udp", RESOLVER, 123, "udp {0} {1}\n"),
        ("tcp", SITE, 9, "00000001\n"),
        ("tcp", TAGGED, 80, "tcp {0} {1}\n"),
        ("udp", WEB, 7, "hello"),
    ],
)
def test_listeners_answer_from_the_address_they_were_asked_at(
    lab: Lab, protocol: str, address: object, port: int, answer: str
) -> None:
    said, *asked_from = ask(lab, "inside", protocol, address, port, "hello")

    assert said.startswith(answer.format(*asked_from))  # a ticking one may have said more by now


def test_dhcp_answers_on_both_its_addresses_and_to_known_ports_alone(lab: Lab) -> None:
    inside = lab.host("inside")
    inside.write({"/etc/udhcpc/show": (b"#!/bin/sh\n" + LEASE.encode(), 0o755)})
    lease = ("udhcpc", "-f", "-q", "-n", "-t", "1", "-T", "1", "-s", "/etc/udhcpc/show", "-i", "eth2")
    stranger = inside.run(*lease)
    inside.must("ip", "link", "set", "eth2", "down")
    inside.must("ip", "link", "set", "eth2", "address", "02:00:00:00:09:03", "up")
    known = inside.run(*lease)

    assert inside.run("ping", "-c", "1", "-W", "2", "10.20.0.2").ok
    assert inside.run("ping", "-c", "1", "-W", "2", "10.20.0.3").ok
    assert (stranger.ok, stranger.stdout) == (False, "")
    assert known.stdout == "address=192.168.9.3/29 router=none dns=none\n"


def test_the_gateway_drops_private_addresses_until_told_otherwise(lab: Lab) -> None:
    ping = ("ping", "-c", "1", "-W", "0.5", "-I", "10.20.0.1", str(SITE))
    inside, provider = lab.host("inside"), lab.host("gateway")
    lab.host("public").must("ip", "route", "replace", "10.20.0.1/32", "via", "198.51.100.1")
    provider.must("ip", "route", "replace", "10.20.0.1/32", "via", "192.0.2.9")

    dropped = inside.run(*ping)
    counted = provider.must("nft", "list", "counter", "ip", "provider", "private_from_block")
    provider.must("nft", "flush", "chain", "ip", "provider", "private")
    carried = inside.run(*ping)
    provider.must("nft", "-f", gateway.RULES)
    dropped_again = inside.run(*ping)

    assert (dropped.ok, carried.ok, dropped_again.ok) == (False, True, False)
    assert "packets 1 " in counted


@pytest.mark.parametrize("host", ["web", "baremetal", "public", "dhcp"])
def test_a_host_boots_again_after_a_power_cut(lab: Lab, host: str) -> None:
    lab.host(host).kill_everything()
    lab.host(host).boot()
