"""The language of filter and NAT lines: every form seen on the product, and every word that is not understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sns.ini import Line
from sns.lines import split_comment
from sns.model import Location, Operand, Rule, Separator, Severity, Translation
from sns.reading import Reading
from sns.rules import parse_rule

HERE = Location("Filter/05", 7)


def _parse(text: str, section: str = "filter") -> tuple[Rule | Separator | None, Reading]:
    reading = Reading(Path())
    return parse_rule(reading, Line(HERE, *split_comment(text)), section, 3), reading


def _rule(text: str, section: str = "filter") -> Rule:
    rule, reading = _parse(text, section)
    assert isinstance(rule, Rule)
    assert reading.findings == []
    return rule


def _any(*names: str) -> Operand:
    return Operand(names)


UNDERSTOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "pass from any to firewall_all port firewall_srv|https # Admin from everywhere",
        {
            "action": "pass",
            "destination": _any("firewall_all"),
            "destination_port": _any("firewall_srv", "https"),
            "comment": "Admin from everywhere",
        },
    ),
    (
        "pass ipproto icmp type 8 code 0 proto none from any to firewall_all # Allow Ping from everywhere",
        {"ip_protocol": "icmp", "icmp_type": 8, "icmp_code": 0, "protocol": "none"},
    ),
    ("block from any to any\t# Block all", {"action": "block", "comment": "Block all"}),
    (
        "pass from any on public to Firewall_public port ssh\t# SSH administration",
        {"source_interface": "public", "destination_interface": None, "destination_port": _any("ssh")},
    ),
    (
        'pass from any on public to Firewall_public port http -> to frontend_web rulename "1713a148819_4"\t# web app redirect',
        {
            "destination": _any("Firewall_public"),
            "translation": Translation(destination="frontend_web"),
            "name": "1713a148819_4",
            "comment": "web app redirect",
        },
    ),
    (
        "pass from Network_backend|Network_frontend to internet\t# Internet access",
        {"source": _any("Network_backend", "Network_frontend"), "translation": None},
    ),
    (
        "pass from any on wan to Firewall_wan port sshrdr -> to server port ssh  # rdr",
        {"translation": Translation(destination="server", destination_port="ssh")},
    ),
    (
        "pass inspection firewall log ipproto vpn-esp proto none from A to B\t# …",
        {"inspection": "firewall", "log": True, "log_level": "log", "ip_protocol": "vpn-esp"},
    ),
    ("pass log tos 8 from Network_lan to outlook.office365.com", {"tos": 8, "log": True}),
    ("pass route router6 from net6 to IANA_v6_multicast", {"route": "router6"}),
    ("reset minor from a to b", {"action": "reset", "log": True, "log_level": "minor"}),
    ("pass loglevel major from a to b", {"log": True, "log_level": "major"}),
    ("pass loglevel none from a to b", {"log": False, "log_level": None}),
    ("off pass from a to b", {"enabled": False, "action": "pass", "text": "off pass from a to b"}),
    ("pass log from vlan201 via ipsec to vlan200", {"via": "ipsec"}),
    ("pass from vlan201 on sslvpn via sslvpn to vlan200", {"via": "sslvpn", "source_interface": "sslvpn"}),
    ("pass from vlan201 on out via none to vlan200", {"via": "none", "source_interface": "out"}),
    ("pass from a via any to b", {"via": None}),
    ("block from !a|b to !internet port !http", {
        "source": Operand(("a", "b"), negated=True),
        "destination": Operand(("internet",), negated=True),
        "destination_port": Operand(("http",), negated=True),
    }),
    ("pass from a port ephemeral_fw to b on out port http", {
        "source_port": _any("ephemeral_fw"),
        "destination_interface": "out",
        "destination_port": _any("http"),
    }),
    (
        "pass inspection firewall urlfiltering 00 sslfiltering 01 from a to internet port http|https",
        {"inspection": "firewall", "url_filter": 0, "ssl_filter": 1},
    ),
    (
        '"pass from any on out to Firewall_out port ssh #ssh on out"',
        {"source_interface": "out", "comment": "ssh on out", "text": "pass from any on out to Firewall_out port ssh"},
    ),
    ("PASS FROM any TO any", {"action": "pass"}),
]  # fmt: skip


@pytest.mark.parametrize("text, wanted", UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_a_filter_line_means_what_it_says(text: str, wanted: dict[str, Any]) -> None:
    rule = _rule(text)
    assert {field: getattr(rule, field) for field in wanted} == wanted
    assert (rule.location, rule.number, rule.section) == (HERE, 3, "filter")


@pytest.mark.parametrize(
    "text, translation",
    [
        (
            "nat from Network_backend|Network_frontend to internet -> from Firewall_public port ephemeral_fw",
            Translation(source="Firewall_public", source_port="ephemeral_fw"),
        ),
        (
            'nat from Network_frontend to net_virt_backend -> from net_virt_frontend to Network_backend rulename "17140_2"',
            Translation(source="net_virt_frontend", destination="Network_backend"),
        ),
        (
            "nat from Network_lan to internet on wan -> from Firewall_wan port ephemeral_fw to original",
            Translation(source="Firewall_wan", source_port="ephemeral_fw"),
        ),
        (
            "nat from any on out to Firewall_out port http -> to ubuntu_web port http",
            Translation(destination="ubuntu_web", destination_port="http"),
        ),
        ("nat from a to b -> from original to original", Translation()),
        ("nat from a to b", None),
    ],
)
def test_a_nat_line_translates_what_it_says(text: str, translation: Translation | None) -> None:
    assert _rule(text, "nat").translation == translation


def test_a_separator_is_a_heading_and_no_rule() -> None:
    text = 'separator color="c0c0c0" comment="Remote Management: Go to System - #1" collapse="0"'
    item, reading = _parse(text)
    assert item == Separator(HERE, "Remote Management: Go to System - #1")
    assert reading.findings == []


@pytest.mark.parametrize(
    "text, phrase, why",
    [
        ("pass settos 24 log from a to b", "settos 24", "is known to the product and not modelled here"),
        ('pass log from group="ruser"@Network_lan domain storm to b', 'group="ruser"@', "is known to the product"),
        ('pass log from group="ruser"@Network_lan domain storm to b', "domain storm", "is known to the product"),
        ("pass schedule nights from a to b", "schedule nights", "is known to the product"),
        ("pass frobnicate from a to b", "frobnicate", "is not understood"),
        ("pass from a to b wibble wobble port http", "wibble wobble", "is not understood"),
        ("pass proto http from a to b", "proto http", "is known to the product"),
        ("nat from a to b -> from c port ephemeral_fw lb random", "lb random", "is known to the product"),
        ("pass from a via httpproxy to b", "via httpproxy", "is known to the product"),
        ("deleg from a to b", "deleg", "is known to the product"),
        ("decrypt from a to b", "decrypt", "is known to the product"),
        ("pass on out from a to b", "on out", "is not understood"),
    ],
)
def test_a_word_that_is_not_modelled_is_told_and_stays_on_the_rule(text: str, phrase: str, why: str) -> None:
    rule, reading = _parse(text, "nat" if text.startswith("nat") else "filter")
    assert isinstance(rule, Rule)
    assert phrase in rule.unmodelled
    told = [finding for finding in reading.findings if f'"{phrase}" {why}' in finding.message]
    assert [(finding.severity, finding.location) for finding in told] == [(Severity.UNSUPPORTED, HERE)]


@pytest.mark.parametrize("ends", ["from vlan201 on out via ipsec to vlan200", "from vlan201 via ipsec on out to vlan200"])
def test_another_interface_beside_a_tunnel_is_told_and_narrows_nothing(ends: str) -> None:
    rule, reading = _parse(f"block {ends}")
    assert isinstance(rule, Rule)
    assert (rule.via, rule.source_interface, rule.unmodelled) == ("ipsec", None, ("on out",))
    (finding,) = reading.findings
    assert str(finding) == 'Filter/05:7: rule: "on out" beside "via ipsec" is not modelled here (leave "on out" out)'
    assert finding.severity is Severity.UNSUPPORTED


@pytest.mark.parametrize(
    "text, message",
    [
        ("allow from a to b", 'action: "allow" is not an action of [filter]'),
        ("nat from a to b", 'action: "nat" is not an action of [filter]'),
        ("off", 'action: "" is not an action'),
        ("pass from a", "rule: has no to"),
        ("pass to b", "rule: has no from"),
        ("pass from to b", "source: has no value"),
        ("pass from a to b port", "port: has no value"),
        ("pass from a on to b", "on: has no value"),
        ("pass from a from b to c", "source: is given twice"),
        ("pass from a to b port x port y", "destination port: is given twice"),
        ("pass log minor from a to b", "log: is given twice (keep one)"),
        ("pass minor loglevel none from a to b", "log: is given twice (keep one)"),
        ("pass ipproto any ipproto tcp from a to b", "ip protocol: is given twice (keep one)"),
        ("pass from a via any via ipsec to b", "via: is given twice (keep one)"),
        ("pass from a to b ->", "->: is followed by nothing"),
        ("pass from a|!b to c", "negates a part of the list"),
        ("pass from !any to c", "matches nothing"),
        ("pass from a||b to c", "has an empty name"),
        ("pass inspection deep from a to b", 'inspection: "deep" is not one of firewall, ids, ips'),
        ("pass loglevel loud from a to b", 'loglevel: "loud" is not one of'),
        ("pass tos 400 from a to b", 'tos: "400" is not a number from 0 to 255'),
        ("pass ipproto icmp type echo from a to b", 'type: "echo" is not a number'),
        ('pass from a to b rulename "x', "a quote is not closed"),
    ],
)
def test_a_line_that_is_no_rule_is_an_error_with_its_place(text: str, message: str) -> None:
    _, reading = _parse(text)
    errors = [str(finding) for finding in reading.findings if finding.severity is Severity.ERROR]
    assert any(error.startswith("Filter/05:7: ") and message in error for error in errors), errors
