"""A policy slot as nft text: every kind of rule, and what it must become."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance import ruleset, spd
from lab.appliance.errors import Refused
from sns.model import Configuration
from tests.sns.trees import GUIDE, guide, rules_of


def chain(text: str, name: str) -> list[str]:
    """The rules of one chain of an nft file, hook line left out."""
    lines = text.splitlines()
    start = lines.index(f"chain {name} {{") + 1
    inside = lines[start : lines.index("}", start)]
    return [line for line in inside if not line.startswith("type ")]


def of_place(configuration: Configuration, place: str, name: str = "evaluation") -> list[str]:
    """The nft rules that count for one rule (``filter_05_2``)."""
    counter = f'counter name "{place}"'
    rules = chain(ruleset.translate(configuration), name)
    return [rule.replace(f"{counter} ", "").replace(counter, "").strip() for rule in rules if counter in rule]


MARKED = "ct mark set ct mark & 0x1000000 | 0x1"
PASSED = f"{MARKED} goto translate"


@pytest.mark.parametrize(
    ("line", "nft"),
    [
        pytest.param("pass from any to any", [PASSED], id="everything"),
        pytest.param("block from any to any", ["drop"], id="block drops in silence"),
        pytest.param(
            "pass from vlan200 on in to any port ssh",
            [f'iifname "eth1" ip saddr 10.200.0.0/16 meta l4proto 6 th dport 22 {PASSED}'],
            id="network, arrival interface, port",
        ),
        pytest.param(
            "pass from any to ubuntu-webserver port dns",
            [
                f"ip daddr 10.200.0.10 meta l4proto 6 th dport 53 {PASSED}",
                f"ip daddr 10.200.0.10 meta l4proto 17 th dport 53 {PASSED}",
            ],
            id="a service of both transports",
        ),
        pytest.param(
            "pass ipproto tcp from any to any port dns|http|https",
            [f"meta l4proto 6 th dport {{ 53, 80, 443 }} {PASSED}"],
            id="several services, one transport",
        ),
        pytest.param(
            "pass from !admin_client to any",
            [f"ip saddr {{ 0.0.0.0-198.51.100.100, 198.51.100.102-255.255.255.255 }} {PASSED}"],
            id="negation",
        ),
        pytest.param(
            "pass from vlan201 via ipsec to vlan200",
            [f'iifname "ipsec0" ip saddr 10.201.0.0/16 ip daddr 10.200.0.0/16 {PASSED}'],
            id="out of the tunnel",
        ),
        pytest.param(
            "pass from any via sslvpn to vlan200",
            [f'iifname {{ "tun0", "tun1" }} ip daddr 10.200.0.0/16 {PASSED}'],
            id="from SSL VPN clients",
        ),
        pytest.param("block from any on out via ipsec to any", ['iifname "ipsec0" drop'], id="a tunnel and another interface"),
        pytest.param("pass from any on out via ipsec to any", [], id="a tunnel and another interface open nothing"),
        pytest.param(
            "pass from any via none to vlan200",
            [f'iifname != {{ "ipsec0", "tun0", "tun1" }} ip daddr 10.200.0.0/16 {PASSED}'],
            id="from no tunnel",
        ),
        pytest.param(
            "pass from any to any on out port http",
            [f'fib daddr oifname "eth0" meta l4proto 6 th dport 80 {PASSED}'],
            id="departure interface",
        ),
        pytest.param(
            "pass ipproto icmp type 8 code 0 proto none from any to Firewall_out",
            [f"ip daddr 147.135.161.153 icmp type 8 icmp code 0 {PASSED}"],
            id="ping",
        ),
        pytest.param("pass ipproto 89 from any to any", [f"meta l4proto 89 {PASSED}"], id="a protocol by number"),
        pytest.param("pass tos 8 from any to any", [f"@nh,8,8 8 {PASSED}"], id="type of service"),
        pytest.param(
            "reset from any to any port http",
            ["meta l4proto 6 th dport 80 reject with tcp reset"],
            id="reset of a TCP service",
        ),
        pytest.param(
            "reset from any to any",
            ["meta l4proto tcp reject with tcp reset", "meta l4proto udp reject with icmp port-unreachable", "drop"],
            id="reset of all: TCP and UDP are answered, the rest is dropped",
        ),
        pytest.param(
            "log from any to any port ssh",
            ['meta l4proto 6 th dport 22 log prefix "rule=Filter/05:2 action=log " group 1'],
            id="log notes and goes on",
        ),
        pytest.param(
            "block log from any to any",
            ['log prefix "rule=Filter/05:2 action=block " group 1 drop'],
            id="a logged block",
        ),
        pytest.param(
            "pass from any to Firewall_out port http -> to ubuntu-webserver port http",
            [
                f"ip daddr 147.135.161.153 meta l4proto 6 th dport 80 {MARKED} accept",
            ],
            id="a rule with its own translation asks no NAT rule",
        ),
        pytest.param("off pass from any to any", [], id="a rule that is off"),
        pytest.param("pass schedule nights from any to any", [], id="what is not understood opens nothing"),
        pytest.param("block schedule nights from any to any", ["drop"], id="what is not understood still closes"),
        pytest.param("pass ipproto udp from any to any port http", [], id="a service without that transport"),
    ],
)  # fmt: skip
def test_a_filter_rule_becomes(tmp_path: Path, line: str, nft: list[str]) -> None:
    assert of_place(rules_of(tmp_path, line), "filter_05_2") == nft


def test_an_interface_without_its_lease_is_matched_by_nothing(tmp_path: Path) -> None:
    network = GUIDE["network"].replace("Address=147.135.161.153\nMask=255.255.255.248\n", "Address=DHCP\n")
    rules = "[Filter]\npass from any to Firewall_out port ssh\n[NAT]\n"
    assert of_place(guide(tmp_path, {"network": network, "Filter/05": rules}), "filter_05_2") == []


def test_the_order_is_established_then_implicit_then_slot_then_default(tmp_path: Path) -> None:
    rules = chain(ruleset.translate(rules_of(tmp_path, "pass from any to any")), "evaluation")
    marks = [
        "established",
        '"invalid" drop',
        "implicit_ha",
        "implicit_vpn",
        "implicit_sslvpn",
        "filter_05_2",
        '"default"',
    ]
    places = [next(place for place, rule in enumerate(rules) if mark in rule) for mark in marks]
    assert places == sorted(places)
    assert rules[-1] == 'counter name "default" drop'


def test_what_the_firewall_sends_itself_passes(tmp_path: Path) -> None:
    assert chain(ruleset.translate(guide(tmp_path)), "own_evaluation") == [
        'oifname "lo" accept',
        "ct state established,related accept",
        'counter name "implicit_fwdefault" goto own_translate',
    ]


def test_without_fwdefault_the_slot_decides_what_the_firewall_sends_and_ha_and_the_vpn_go_on(tmp_path: Path) -> None:
    changes = {
        "Filter/filter": GUIDE["Filter/filter"].replace("[Config]\n", "[Config]\nfwdefault=0\n"),
        "Filter/05": "[Filter]\npass from any on in to any\npass from any to any on out\n[NAT]\n",
    }
    own = chain(ruleset.translate(guide(tmp_path, changes)), "own_evaluation")
    members = "192.168.2.3-192.168.2.4"
    called = "ip saddr { 10.60.0.1, 10.61.0.1, 10.200.0.1, 147.135.161.153, 192.168.2.3 } ip daddr 203.0.113.153"
    vpn = 'counter name "implicit_vpn" goto own_translate'
    assert [rule for rule in own if "filter_05" not in rule] == [
        'oifname "lo" accept',
        "ct state established,related accept",
        f'ip saddr {members} ip daddr {members} counter name "implicit_ha" goto own_translate',
        f"{called} meta l4proto 17 th dport {{ 500, 4500 }} {vpn}",
        f"{called} meta l4proto 50 {vpn}",
        'counter name "fwdefault" drop',
    ]
    (arriving, leaving) = [rule for rule in own if "filter_05" in rule]
    assert arriving.startswith('iifname "eth1" ')  # never the firewall's own
    assert leaving.startswith('oifname "eth0" counter name "filter_05_3" ')
    assert leaving.endswith(" goto own_translate")


def test_anti_spoofing_knows_protected_and_other_interfaces(tmp_path: Path) -> None:
    spoofing = chain(ruleset.translate(guide(tmp_path)), "antispoof")
    drop = 'counter name "antispoof" drop'
    internal = "{ 10.60.0.0/24, 10.61.0.0/24, 10.200.0.0/16 }"
    assert spoofing == [
        'iifname "lo" accept',
        f"fib saddr type {{ local, broadcast, multicast }} {drop}",
        f"ip saddr 0.0.0.0 ip daddr != 255.255.255.255 {drop}",
        f'iifname "eth0" ip saddr {internal} {drop}',
        f'iifname "eth1" ip saddr != {{ 0.0.0.0, 10.200.0.0/16 }} {drop}',
        f'iifname "eth2" ip saddr {internal} {drop}',
        f'iifname "tun0" ip saddr != 10.60.0.0/24 {drop}',
        f'iifname "tun1" ip saddr != 10.61.0.0/24 {drop}',
    ]


@pytest.mark.parametrize(
    ("filter_line", "nat_line", "hook", "nft"),
    [
        pytest.param(
            "pass from any to any",
            "nat from vlan200 to internet on out -> from Firewall_out port ephemeral_fw to original",
            "source",
            [
                "ct mark & 0xffe000 == 0x2000 meta l4proto { tcp, udp } snat to 147.135.161.153:20000-59999",
                "ct mark & 0xffe000 == 0x2000 snat to 147.135.161.153",
            ],
            id="leave with the public address and a port of ephemeral_fw",
        ),
        pytest.param(
            "pass from any to any",
            "nat from any to Firewall_out port http -> to ubuntu-webserver",
            "destination",
            ["ct mark & 0xffe000 == 0x2000 dnat to 10.200.0.10"],
            id="publish a host",
        ),
        pytest.param(
            "pass from any to Firewall_out port http -> to ubuntu-webserver port ssh",
            "",
            "destination",
            [
                "ct mark & 0x1fff == 0x1 meta l4proto { tcp, udp } dnat to 10.200.0.10:22",
                "ct mark & 0x1fff == 0x1 dnat to 10.200.0.10",
            ],
            id="publish in the filter rule, on another port",
        ),
        pytest.param(
            "pass from any to any",
            "nat from vlan200 to vlan201 -> from vlan201",
            "source",
            ["ct mark & 0xffe000 == 0x2000 snat ip prefix to ip saddr map { 10.200.0.0/16 : 10.201.0.0/16 }"],
            id="a network for a network",
        ),
    ],
)
def test_a_translation_becomes(tmp_path: Path, filter_line: str, nat_line: str, hook: str, nft: list[str]) -> None:
    text = ruleset.translate(rules_of(tmp_path, filter_line, nat=(nat_line,)))
    assert [rule for rule in chain(text, hook) if "0x1000000" not in rule] == nft


def test_a_nat_rule_counts_only_what_no_tunnel_takes(tmp_path: Path) -> None:
    nat = "nat from vlan200 to any -> from Firewall_out"
    [rule] = of_place(rules_of(tmp_path, "pass from any to any", nat=(nat,)), "nat_05_4", "translate")
    assert rule == "ip saddr 10.200.0.0/16 ct mark & 0x1000000 == 0 ct mark set ct mark | 0x2000 accept"


def test_a_translation_to_several_addresses_is_refused_with_its_line(tmp_path: Path) -> None:
    groups = {"objectgroup": "[both]\nubuntu-webserver\nadmin_client\n"}
    rules = {"Filter/05": "[Filter]\npass from any to Firewall_out port http -> to both\n[NAT]\n"}
    with pytest.raises(Refused, match=r"Filter/05:2: ->: both is not one address, range or network"):
        ruleset.translate(guide(tmp_path, {**groups, **rules}))


def test_filtered_web_traffic_goes_to_the_proxy_of_its_slot_and_nobody_gets_there_else(tmp_path: Path) -> None:
    text = ruleset.translate(
        rules_of(
            tmp_path,
            "pass urlfiltering 00 from vlan200 to internet port http",
            "pass sslfiltering 01 from vlan200 to internet port https",
        )
    )
    assert chain(text, "destination") == [
        "ct mark & 0x1fff == 0x1 tcp dport 80 redirect to :3129",
        "ct mark & 0x1fff == 0x2 tcp dport 443 redirect to :3132",
    ]
    assert chain(text, "proxies") == ['iifname != "lo" tcp dport { 3129, 3132 } ct status & dnat != dnat drop']


def test_every_rule_has_its_counter(tmp_path: Path) -> None:
    configuration = guide(tmp_path)
    text = ruleset.translate(configuration)
    for rule in (*configuration.policy.filter, *configuration.policy.nat):
        assert f"counter {rule.section}_05_{rule.location.line} {{ }}" in text


def test_the_file_replaces_the_table_at_once(tmp_path: Path) -> None:
    assert ruleset.translate(guide(tmp_path)).startswith("table ip sns\ndelete table ip sns\ntable ip sns {\n")


def test_the_tunnels_policy_keeps_their_traffic_out_of_everything_else(tmp_path: Path) -> None:
    text = spd.translate(guide(tmp_path))
    there, back = "ip saddr 10.200.0.0/16 ip daddr 10.201.0.0/16", "ip saddr 10.201.0.0/16 ip daddr 10.200.0.0/16"
    drop = 'counter name "spd" drop'
    assert chain(text, "arriving") == ['iifname "ipsec0" jump decrypted', f'iifname != "ipsec0" {back} {drop}']
    assert chain(text, "decrypted") == [f"{back} accept", drop]
    assert chain(text, "encrypted") == [f"{there} return", drop]
    assert chain(text, "leaving") == [
        'oifname "ipsec0" jump encrypted',
        f'oifname != "ipsec0" {there} {drop}',
        f"{there} ct state new ct mark set ct mark | 0x1000000",
    ]


def test_without_tunnels_there_is_no_policy_of_theirs(tmp_path: Path) -> None:
    off = guide(tmp_path, {"VPN/slotinfo": "[Global]\nActive=0\n"})
    assert spd.translate(off) == "table ip sns_spd\ndelete table ip sns_spd\n"
