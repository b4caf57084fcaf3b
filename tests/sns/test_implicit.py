"""The implicit rules: which hold, in which order, for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.implicit import rules

from .trees import GUIDE, guide


def _filter_options(**tokens: int) -> dict[str, str | None]:
    return {"Filter/filter": "[Config]\n" + "".join(f"{token}={value}\n" for token, value in tokens.items())}


def test_they_come_in_the_product_s_order(tmp_path: Path) -> None:
    everything = guide(tmp_path, _filter_options(Serverd=1))
    names = [rule.name for rule in rules(everything)]
    assert names == [
        "firewall", "ha", "isakmp", "esp", "dns", "ident", "serverd", "sshd", "webadmin", "sslvpn-tcp", "sslvpn-udp",
    ]  # fmt: skip


def test_the_product_s_defaults_hold_without_a_file(tmp_path: Path) -> None:
    names = {rule.name for rule in rules(guide(tmp_path, {"Filter/filter": None}))}
    assert "serverd" not in names
    assert {"dns", "sshd", "webadmin"} <= names


@pytest.mark.parametrize(
    "token, gone",
    [
        ("HA", {"ha"}),
        ("Vpn", {"isakmp", "esp"}),
        ("Dns", {"dns"}),
        ("Ident", {"ident"}),
        ("Sshd", {"sshd"}),
        ("WebAdmin", {"webadmin"}),
        ("SslVPN", {"sslvpn-tcp", "sslvpn-udp"}),
        ("FwDefault", {"firewall"}),
        ("Implicit", {"ha", "isakmp", "esp", "dns", "ident", "sshd", "webadmin", "sslvpn-tcp", "sslvpn-udp"}),
    ],
)
def test_each_token_switches_its_own_rules(tmp_path: Path, token: str, gone: set[str]) -> None:
    default = {rule.name for rule in rules(guide(tmp_path / "default", _filter_options()))}
    without = {rule.name for rule in rules(guide(tmp_path / "without", _filter_options(**{token: 0})))}
    assert default - without == gone


def test_tokens_may_stand_under_services_as_later_firmware_shows_them(tmp_path: Path) -> None:
    options = {"Filter/filter": "[Config]\nImplicit=1\n[Services]\nDns=0\nMulticast=1\n[Global]\nStrictUsers=0\n"}
    site = guide(tmp_path, options)
    assert site.findings == ()
    assert "dns" not in {rule.name for rule in rules(site)}


def test_management_services_are_for_protected_interfaces_only(tmp_path: Path) -> None:
    found = {rule.name: rule.interfaces for rule in rules(guide(tmp_path, _filter_options(Serverd=1)))}
    assert {found[name] for name in ("dns", "sshd", "webadmin", "serverd")} == {("in",)}
    assert found["sslvpn-tcp"] is None
    assert found["firewall"] == ("firewall",)


def test_ipsec_is_for_the_peers_of_active_tunnels(tmp_path: Path) -> None:
    found = {rule.name: rule for rule in rules(guide(tmp_path))}
    assert str(found["isakmp"].sources) == "203.0.113.153"
    assert [(port.protocol, port.first) for port in found["isakmp"].ports] == [("udp", 500), ("udp", 4500)]
    assert found["esp"].ip_protocol == "vpn-esp"


def test_a_cluster_of_one_member_lets_a_second_one_join(tmp_path: Path) -> None:
    pair = {rule.name: rule for rule in rules(guide(tmp_path / "pair"))}
    assert str(pair["ha"].sources) == "192.168.2.3, 192.168.2.4"
    alone = guide(tmp_path / "alone", {"HA/hacluster": "[VMSNSX00A]\nIp=192.168.2.3\n"})
    assert str({rule.name: rule for rule in rules(alone)}["ha"].sources) == "192.168.2.0/29"


@pytest.mark.parametrize(
    "change, gone",
    [
        ({"VPN/slotinfo": "[Global]\nActive=0\n"}, {"isakmp", "esp"}),
        ({"Openvpn/openvpn": "[Config]\nstate=0\n"}, {"sslvpn-tcp", "sslvpn-udp"}),
        ({"Openvpn/openvpn": GUIDE["Openvpn/openvpn"].replace("pool=sslvpn_tcp\n", "")}, {"sslvpn-tcp"}),
        ({"system": "[SSH]\nState=0\n"}, {"sshd"}),
        ({"webadmin": "[Config]\nState=0\n"}, {"webadmin"}),
        ({"HA/highavailability": None}, {"ha"}),
    ],
)
def test_a_service_that_is_off_has_no_rule(tmp_path: Path, change: dict[str, str | None], gone: set[str]) -> None:
    default = {rule.name for rule in rules(guide(tmp_path / "default", _filter_options()))}
    without = {rule.name for rule in rules(guide(tmp_path / "without", {**_filter_options(), **change}))}
    assert default - without == gone


def test_a_rule_says_which_line_made_it(tmp_path: Path) -> None:
    found = {rule.name: str(rule.location) for rule in rules(guide(tmp_path))}
    assert (found["sslvpn-udp"], found["dns"]) == ("Filter/filter:6", "Filter/filter:1")
