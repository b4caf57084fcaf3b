"""One appliance between a private server, the provider's gateway and the Internet: what its filter does to packets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab import rule_counters, running
from lab.appliance import counters
from lab.host import LabHost
from lab.rule_counters import Counter
from lab.running import Lab
from lab.topology import Host, Nic, Segment, Topology
from tests.sns.trees import GUIDE

pytestmark = pytest.mark.lab

_MORE_HOSTS = "filtered_site=198.51.100.10\nresolver=198.51.100.53\nmirror=198.51.100.30\n"
_OBJECTS = GUIDE["object"].replace("[Network]", f"{_MORE_HOSTS}[Network]")
_RULES = """\
[Filter]
pass from Network_ha on ha to Firewall_ha
pass log from admin_client on out to Firewall_out port ssh
reset from any to Firewall_out port telnet
pass from any on out to Firewall_out port http -> to ubuntu-webserver port http
block log from any to firewall_all
pass ipproto icmp type 8 code 0 from vlan200 on in to internet
pass from vlan200 on in to mirror port http
pass urlfiltering 00 sslfiltering 00 from vlan200 on in to filtered_site port http|https
block from any to any
[NAT]
nat from vlan200 to internet on out -> from Firewall_out port ephemeral_fw to original
"""
_NAMES = "[Rules]\nstate=on action=block group=refused\nstate=on action=pass group=any\n"
_TREE = {
    **GUIDE,
    "object": _OBJECTS,
    "dns": "[Servers]\nresolver\n",
    "HA/highavailability": "[Global]\nState=0\n",
    "Filter/05": _RULES,
    "Filter/10": "[Filter]\npass from any to any\n[NAT]\n",
    "URLFiltering/00": _NAMES,
    "SSLFiltering/00": _NAMES,
    "urlgroup": "[refused]\n*.refused.example/*\n",
    "cngroup": "[refused]\n*.refused.example\n",
}
_CONFIG = Path("/usr/Firewall/ConfigFiles")
_SITE = """\
daemon off; pid /run/site.pid; error_log /dev/null; events {}
http {
    access_log off;
    ssl_certificate /run/c.pem;
    ssl_certificate_key /run/k.pem;
    server {
        listen 80;
        location / { return 200 "$remote_addr $remote_port"; }
        location /slow { root /srv; limit_rate 40k; }
    }
    server { listen 443 ssl; location / { return 200 "tls"; } }
}
"""
_SITE_BOOT = """\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch -days 9 -subj /CN=site \
 -keyout /run/k.pem -out /run/c.pem 2>/dev/null
mkdir -p /srv && head -c 120000 /dev/zero >/srv/slow
nginx -c /etc/site.conf >/dev/null 2>&1 &
dnsmasq -k -C /dev/null --no-resolv --no-hosts --address=/example/198.51.100.10 --pid-file= -u root >/dev/null 2>&1 &
"""


def _ip(*lines: str) -> str:
    return "\n".join(["ip -batch - <<'end'", "link set lo up", *lines, "end", ""])


def _site(name: str, nic: Nic, *lines: str) -> Host:
    files = {"/etc/site.conf": (_SITE.encode(), 0o644)}
    return Host(name, name, (nic,), files=files, boot=_ip(*lines) + _SITE_BOOT)


def _topology() -> Topology:
    region = "here"
    configuration = {str(_CONFIG / file): (text.encode(), 0o600) for file, text in _TREE.items() if ".." not in file}
    appliance = Host(
        "fw",
        "appliance",
        (
            Nic("eth0", "outside", "02:00:00:00:10:01", region),
            Nic("eth1", "inside", "02:00:00:00:10:02", region),
            Nic("eth2", "link", "02:00:00:00:10:07", region),
        ),
        files=configuration,
        code=True,
        sysctls={"net.ipv4.ip_forward": "1", "net.ipv4.ip_local_port_range": "20000 59999"},
        boot="ip link set lo up && python3 -m lab.appliance ennetwork && python3 -m lab.appliance enfilter",
        order=1,
    )
    gateway = Host(
        "gw",
        "gateway",
        (
            Nic("eth0", "outside", "02:00:00:00:10:03", region),
            Nic("eth1", "internet", "02:00:00:00:10:04", region),
        ),
        sysctls={"net.ipv4.ip_forward": "1"},
        boot=_ip(
            "address add 147.135.161.158/29 dev eth0",
            "address add 198.51.100.1/24 dev eth1",
            "link set eth0 up",
            "link set eth1 up",
        ),
    )
    web = _site(
        "web",
        Nic("eth0", "inside", "02:00:00:00:10:05", region),
        "address add 10.200.0.10/16 dev eth0",
        "link set eth0 up",
        "route add default via 10.200.0.1",
    )
    public = _site(
        "public",
        Nic("eth0", "internet", "02:00:00:00:10:06", region),
        *(f"address add 198.51.100.{host}/24 dev eth0" for host in (10, 30, 53, 101, 102)),
        "link set eth0 up",
        "route add 147.135.161.152/29 via 198.51.100.1",
        "route add 10.200.0.0/16 via 198.51.100.1",
    )
    subnet = "--dhcp-range=192.168.2.3,192.168.2.3,255.255.255.248 --dhcp-option=3 --no-ping --port=0"
    dhcp = Host(
        "dhcp",
        "dhcp",
        (Nic("eth0", "link", "02:00:00:00:10:08", region),),
        boot=_ip("address add 192.168.2.1/29 dev eth0", "link set eth0 up")
        + f"mkdir -p /var/lib/misc; dnsmasq -k -C /dev/null -u root --pid-file= {subnet} >/dev/null 2>&1 &",
    )
    segments = (Segment("outside", 0), Segment("inside", 200), Segment("link", 199), Segment("internet"))
    return Topology("filter", (region,), segments, (appliance, gateway, web, public, dhcp))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    started = running.up(_topology())
    try:
        yield started
    finally:
        started.down()


@pytest.fixture
def firewall(lab: Lab) -> Iterator[LabHost]:
    """The appliance with its first policy, put back afterwards."""
    host = lab.host("fw")
    yield host
    host.write({str(_CONFIG / "Filter/05"): (_RULES.encode(), 0o600)})
    host.must("python3", "-m", "lab.appliance", "enfilter", "05")


@pytest.fixture
def web(lab: Lab) -> LabHost:
    return lab.host("web")


@pytest.fixture
def public(lab: Lab) -> LabHost:
    return lab.host("public")


def fetch(host: LabHost, url: str, *options: str) -> tuple[str, str]:
    """The status code (000: none) and the body of a page."""
    done = host.run("curl", "-sk", "--max-time", "1", "-w", "\n%{http_code}", *options, url)
    body, _, status = done.stdout.rpartition("\n")
    return status, body


def counted(firewall: LabHost) -> dict[str, int]:
    return {place: counter.packets for place, counter in rule_counters.Reader(firewall).read().items()}


def test_the_kernel_tells_the_counters_that_nft_lists(firewall: LabHost, public: LabHost) -> None:
    again = rule_counters.Reader(firewall)
    before = again.read()
    fetch(public, "http://147.135.161.153/", "--interface", "198.51.100.102")
    listed = [entry["counter"] for entry in json.loads(firewall.must("nft", "-j", "list", "counters"))["nftables"][1:]]
    expected = {counters.key(one["name"]): Counter(one["packets"], one["bytes"]) for one in listed}
    assert rule_counters.Reader(firewall).read() == again.read() == expected != before
    assert any(one.packets for one in expected.values())


def test_the_published_page_is_served_and_its_rule_counts(firewall: LabHost, public: LabHost) -> None:
    before = counted(firewall)["Filter/05:5"]
    status, body = fetch(public, "http://147.135.161.153/", "--interface", "198.51.100.102")
    assert status == "200"
    assert body.startswith("198.51.100.102 ")  # the visitor's own address
    assert counted(firewall)["Filter/05:5"] == before + 1


def test_the_private_server_leaves_with_the_public_address_and_an_ephemeral_port(web: LabHost) -> None:
    status, body = fetch(web, "http://198.51.100.30/", "--local-port", "61000-61010")
    assert status == "200"
    address, port = body.split()
    assert address == "147.135.161.153"
    assert 20000 <= int(port) <= 59999


def test_a_ping_is_translated_too(web: LabHost) -> None:
    assert web.run("ping", "-c1", "-W1", "198.51.100.10").ok


@pytest.mark.parametrize(
    ("url", "name", "status"),
    [
        ("http", "www.allowed.example", "200"),
        ("https", "www.allowed.example", "200"),
        ("http", "www.refused.example", "403"),
        ("https", "www.refused.example", "000"),
    ],
)
def test_names_decide_on_one_and_the_same_address(web: LabHost, url: str, name: str, status: str) -> None:
    port = {"http": 80, "https": 443}[url]
    assert fetch(web, f"{url}://{name}/", "--resolve", f"{name}:{port}:198.51.100.10")[0] == status


def test_the_block_page_names_the_category(web: LabHost) -> None:
    _, page = fetch(web, "http://www.refused.example/", "--resolve", "www.refused.example:80:198.51.100.10")
    assert "<b>refused</b> (URLFiltering/00:2)" in page


def test_a_tls_client_that_hides_where_it_goes_is_cut(web: LabHost) -> None:
    assert fetch(web, "https://198.51.100.10/")[0] == "000"


def test_nobody_gets_to_the_proxy_itself(firewall: LabHost, web: LabHost) -> None:
    firewall.must("python3", "-m", "lab.appliance", "enfilter", "05")
    firewall.must("sh", "-c", f"sed -i 's/^block log.*/pass from any to firewall_all/' {_CONFIG}/Filter/05")
    firewall.must("python3", "-m", "lab.appliance", "enfilter")
    assert web.run("curl", "-s", "--max-time", "1", "http://10.200.0.1:3129/").status == 28  # no answer at all


def test_a_block_is_silent_counted_and_logged_with_its_place(firewall: LabHost, public: LabHost) -> None:
    before = counted(firewall)["Filter/05:6"]
    done = public.run("curl", "-s", "--max-time", "0.5", "http://147.135.161.153:8080/")
    assert done.status == 28
    assert counted(firewall)["Filter/05:6"] > before
    [line, *_] = [line for line in firewall.read("/log/l_filter").splitlines() if "DPT=8080" in line]
    assert "rule=Filter/05:6 action=block " in line


def test_a_reset_answers_at_once(public: LabHost) -> None:
    assert public.run("curl", "-s", "--max-time", "1", "http://147.135.161.153:23/").status == 7


def test_a_private_source_from_outside_is_spoofed(firewall: LabHost, public: LabHost) -> None:
    public.must("ip", "address", "add", "10.200.0.99/32", "dev", "eth0")
    before = counted(firewall)["antispoof"]
    public.run("ping", "-c1", "-W1", "-I", "10.200.0.99", "147.135.161.153")
    public.must("ip", "address", "delete", "10.200.0.99/32", "dev", "eth0")
    assert counted(firewall)["antispoof"] == before + 1


@pytest.mark.parametrize(
    ("dropped", "arrives"),
    [("type 8 code 0", True), ("to mirror", False)],
    ids=["goes on when the new policy allows it", "ends when the new policy refuses it"],
)
def test_an_established_download(firewall: LabHost, web: LabHost, dropped: str, arrives: bool) -> None:
    with web.socket() as download:
        download.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # most of it waits at the other end until it is read
        download.settimeout(2)
        download.connect(("198.51.100.30", 80))
        download.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        assert download.recv(1) == b"H"
        firewall.must("sh", "-c", f"sed -i '/{dropped}/d' {_CONFIG}/Filter/05")
        firewall.must("python3", "-m", "lab.appliance", "enfilter", "-u")
        assert (_rest(download) >= 120_000) == arrives


def _rest(download: socket.socket) -> int:
    """How many bytes still come, until the end or until two seconds pass without any."""
    total = 0
    with suppress(TimeoutError):
        while got := download.recv(65536):
            total += len(got)
    return total


def test_a_mistake_changes_nothing(firewall: LabHost, public: LabHost) -> None:
    before = firewall.must("nft", "-s", "list", "table", "ip", "sns")
    firewall.must("sh", "-c", f"sed -i 's/mirror/miror/; s/telnet/tellnet/' {_CONFIG}/Filter/05")
    done = firewall.run("python3", "-m", "lab.appliance", "enfilter")
    assert done.status == 1
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["Filter/05:4", "Filter/05:8"]
    assert firewall.must("nft", "-s", "list", "table", "ip", "sns") == before
    assert fetch(public, "http://147.135.161.153/")[0] == "200"


def test_the_proxy_runs_only_while_the_policy_uses_it(firewall: LabHost) -> None:
    assert firewall.run("sh", "-c", "kill -0 $(cat /var/lib/sns/run/squid.pid)").ok
    firewall.must("python3", "-m", "lab.appliance", "enfilter", "10")
    assert not firewall.run("test", "-e", "/var/lib/sns/run/squid.pid").ok


def test_traffic_of_a_tunnel_never_leaves_in_clear_while_the_tunnel_is_down(firewall: LabHost, web: LabHost) -> None:
    firewall.must("ip", "route", "delete", "blackhole", "10.201.0.0/16")
    load = "from lab.appliance import spd, configuration; spd.apply(configuration.load())"
    firewall.must("python3", "-c", load)
    firewall.must("python3", "-m", "lab.appliance", "enfilter", "10")
    before = counted(firewall)["spd"]
    web.run("ping", "-c1", "-W0.3", "10.201.0.10")
    assert counted(firewall)["spd"] == before + 1
    firewall.must("python3", "-m", "lab.appliance", "ennetwork")


def test_an_interface_by_dhcp_gets_its_address_and_is_part_of_the_rules(firewall: LabHost, lab: Lab) -> None:
    assert firewall.read("/var/lib/sns/leases") == "eth2 192.168.2.3/29\n"
    assert [str(address) for address in firewall.addresses("eth2")] == ["192.168.2.3"]
    before = counted(firewall)["Filter/05:2"]
    assert lab.host("dhcp").run("ping", "-c1", "-W1", "192.168.2.3").ok
    assert counted(firewall)["Filter/05:2"] == before + 1


def test_another_address_of_an_interface_counts_in_the_rules_at_once(firewall: LabHost, public: LabHost) -> None:
    network = firewall.read(str(_CONFIG / "network"))
    try:
        for address in ("147.135.161.154", "147.135.161.153"):
            firewall.must("python3", "-m", "lab.appliance", "setconf", f"{_CONFIG}/network", "ethernet0", "Address", address)
            firewall.must("python3", "-m", "lab.appliance", "ennetwork")
            assert fetch(public, f"http://{address}/")[0] == "200"
    finally:
        firewall.write({str(_CONFIG / "network"): (network.encode(), 0o600)})
        firewall.must("python3", "-m", "lab.appliance", "ennetwork")


def test_ennetwork_disturbs_nobody_when_nothing_changed(firewall: LabHost) -> None:
    before = firewall.must("ip", "-s", "-o", "route", "show", "table", "all")
    firewall.must("python3", "-m", "lab.appliance", "ennetwork")
    assert firewall.must("ip", "-s", "-o", "route", "show", "table", "all") == before
