"""What becomes of the guide's flows, and of the finer points of evaluation: order, translation, ways, spoofing."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sns.errors import UnknownInterface
from sns.model import Configuration
from sns.prediction import Flow, Prediction, Predictor, predict

from .trees import GUIDE, guide, rules_of

PUBLIC, WEB, ADMIN, STRANGER, SITE = (
    "147.135.161.153", "10.200.0.10", "198.51.100.101", "198.51.100.102", "198.51.100.10",
)  # fmt: skip
REMOTE_WEB, REMOTE_FIREWALL, VPN_CLIENT = "10.201.0.10", "203.0.113.153", "10.60.0.6"


def flow(text: str) -> Flow:
    """``in 10.200.0.10 -> 198.51.100.10 tcp/443``, the way the tables below write flows; source port 40000."""
    arrival, source, _, destination, service = text.split()
    protocol, _, port = service.partition("/")
    ported = protocol in ("tcp", "udp")
    return Flow(
        arrival,
        IPv4Address(source),
        IPv4Address(destination),
        protocol,
        source_port=40000 if ported else None,
        destination_port=int(port) if ported and port else None,
        icmp_type=int(port) if protocol == "icmp" else None,
    )


def told(prediction: Prediction) -> str:
    """``pass in 10.200.0.10:80`` or ``block``, and the deciding line."""
    left = prediction.translated
    port = f":{left.destination_port}" if left.destination_port is not None else ""
    way = f" {prediction.departure} {left.destination}{port}" if prediction.verdict == "pass" else ""
    return f"{prediction.verdict}{way} {prediction.where}".strip()


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    configuration = guide(tmp_path_factory.mktemp("site"))
    assert [str(finding) for finding in configuration.findings] == []
    return configuration


@pytest.mark.parametrize(
    "what, text, outcome",
    [
        ("the administrator opens SSH", f"out {ADMIN} -> {PUBLIC} tcp/22", f"pass firewall {PUBLIC}:22 Filter/05:3"),
        ("a stranger opens SSH", f"out {STRANGER} -> {PUBLIC} tcp/22", "block Filter/05:10"),
        ("the web server opens SSH", f"in {WEB} -> 10.200.0.1 tcp/22", "block Filter/05:10"),
        ("a VPN client opens SSH", f"sslvpn {VPN_CLIENT} -> 10.200.0.1 tcp/22", "pass firewall 10.200.0.1:22 Filter/05:9"),
        ("the web server browses", f"in {WEB} -> {SITE} tcp/443", f"pass out {SITE}:443 Filter/05:5"),
        ("the web server asks for names", f"in {WEB} -> 198.51.100.53 udp/53", "pass out 198.51.100.53:53 Filter/05:5"),
        ("the web server sends mail", f"in {WEB} -> {SITE} tcp/25", "block Filter/05:10"),
        ("a stranger visits", f"out {STRANGER} -> {PUBLIC} tcp/80", f"pass in {WEB}:80 Filter/05:6"),
        ("a stranger tries another port", f"out {STRANGER} -> {PUBLIC} tcp/81", "block Filter/05:10"),
        ("a stranger tries the private address", f"out {STRANGER} -> {WEB} tcp/80", "block Filter/05:10"),
        ("ping to the remote site", f"in {WEB} -> {REMOTE_WEB} icmp/8", f"pass ipsec {REMOTE_WEB} Filter/05:7"),
        ("ping from the remote site", f"ipsec {REMOTE_WEB} -> {WEB} icmp/8", f"pass in {WEB} Filter/05:8"),
        ("the same, in clear", f"out {REMOTE_WEB} -> {WEB} icmp/8", "block"),
        ("outside the tunnel's selectors", f"ipsec {REMOTE_WEB} -> {SITE} icmp/8", "block"),
        ("a VPN client comes in", f"sslvpn {VPN_CLIENT} -> {WEB} icmp/8", f"pass in {WEB} Filter/05:9"),
        ("a VPN client goes on", f"sslvpn {VPN_CLIENT} -> {SITE} tcp/443", "block Filter/05:10"),
        ("the peer negotiates", f"out {REMOTE_FIREWALL} -> {PUBLIC} udp/500", f"pass firewall {PUBLIC}:500 Filter/filter:1"),
        ("the peer sends ESP", f"out {REMOTE_FIREWALL} -> {PUBLIC} esp", f"pass firewall {PUBLIC} Filter/filter:1"),
        ("a stranger negotiates", f"out {STRANGER} -> {PUBLIC} udp/500", "block Filter/05:10"),
        ("OpenVPN by UDP", f"out {STRANGER} -> {PUBLIC} udp/1194", f"pass firewall {PUBLIC}:1194 Filter/filter:6"),
        ("OpenVPN by TCP", f"out {STRANGER} -> {PUBLIC} tcp/443", f"pass firewall {PUBLIC}:443 Filter/filter:6"),
        ("the other member", "ha 192.168.2.4 -> 192.168.2.3 udp/5405", "pass firewall 192.168.2.3:5405 Filter/filter:1"),
        ("the firewall itself", f"firewall {PUBLIC} -> {SITE} udp/123", f"pass out {SITE}:123 Filter/filter:1"),
        ("answering a VPN client", f"firewall 10.60.0.1 -> {VPN_CLIENT} icmp/8", f"pass sslvpn {VPN_CLIENT} Filter/filter:1"),
    ],
)  # fmt: skip
def test_the_guide_s_flows(site: Configuration, what: str, text: str, outcome: str) -> None:
    assert told(predict(site, flow(text))).replace("sbg7/", "") == outcome


def test_what_leaves_for_the_internet_wears_the_public_address_and_a_port_of_the_range(site: Configuration) -> None:
    prediction = predict(site, flow(f"in {WEB} -> {SITE} tcp/443"))
    assert prediction.nat_rule is not None
    assert prediction.nat_rule.name == "1713a148819_4"
    assert prediction.translated.source == IPv4Address(PUBLIC)
    assert prediction.translated.source_port is None
    assert prediction.translated.destination_port == 443


def test_what_a_tunnel_takes_keeps_its_source_even_when_a_nat_rule_would_change_it(tmp_path: Path) -> None:
    site = rules_of(tmp_path, "pass from any to any", nat=("nat from vlan200 to any -> from Firewall_out",))
    prediction = predict(site, flow(f"in {WEB} -> {REMOTE_WEB} icmp/8"))
    assert (prediction.departure, prediction.nat_rule) == ("ipsec", None)
    assert prediction.translated.source == IPv4Address(WEB)


def test_without_its_tunnel_traffic_for_the_remote_site_goes_nowhere(tmp_path: Path) -> None:
    site = guide(tmp_path, {"VPN/slotinfo": "[Global]\nActive=0\n"})
    prediction = predict(site, flow(f"in {WEB} -> {REMOTE_WEB} icmp/8"))
    assert (prediction.verdict, prediction.departure) == ("block", None)
    assert "the route at sbg7/route:4 discards it" in prediction.reason
    assert prediction.where == "sbg7/Filter/05:7"


def test_without_the_rule_s_translation_the_private_server_is_not_reached(tmp_path: Path) -> None:
    site = rules_of(tmp_path, "pass from any on out to Firewall_out port http", "block from any to any")
    prediction = predict(site, flow(f"out {STRANGER} -> {PUBLIC} tcp/80"))
    assert (prediction.verdict, prediction.departure) == ("pass", "firewall")


def test_filter_rules_see_the_destination_before_translation(tmp_path: Path) -> None:
    nat = ("nat from any on out to Firewall_out port http -> to ubuntu-webserver port http",)
    stranger = flow(f"out {STRANGER} -> {PUBLIC} tcp/80")
    private = rules_of(tmp_path / "private", "pass from any to ubuntu-webserver port http", nat=nat)
    assert predict(private, stranger).verdict == "block"
    public = rules_of(tmp_path / "public", "pass from any to Firewall_out port http", nat=nat)
    prediction = predict(public, stranger)
    assert told(prediction) == "pass in 10.200.0.10:80 sbg7/Filter/05:2"
    assert prediction.nat_rule is not None
    assert prediction.nat_rule.section == "nat"


def test_a_filter_rule_s_own_translation_goes_before_nat_rules(tmp_path: Path) -> None:
    site = rules_of(
        tmp_path,
        "pass from any on out to Firewall_out port http -> to ubuntu-webserver",
        nat=("nat from any to Firewall_out -> to admin_client",),
    )
    prediction = predict(site, flow(f"out {STRANGER} -> {PUBLIC} tcp/80"))
    assert prediction.translated.destination == IPv4Address(WEB)
    assert prediction.nat_rule is prediction.rule


def test_a_network_translates_to_a_network_address_by_address(tmp_path: Path) -> None:
    nat = ("nat from vlan200 to internet -> from vlan201",)
    prediction = predict(rules_of(tmp_path, "pass from any to any", nat=nat), flow(f"in {WEB} -> {SITE} tcp/80"))
    assert prediction.translated.source == IPv4Address("10.201.0.10")
    assert prediction.certain


@pytest.mark.parametrize(
    "lines, text, outcome",
    [
        (["block from any to any", "pass from any to any"], f"in {WEB} -> {SITE} tcp/80", "block Filter/05:2"),
        (["off block from any to any", "pass from any to any"], f"in {WEB} -> {SITE} tcp/80", "pass Filter/05:3"),
        (["log from any to any", "pass from any to any"], f"in {WEB} -> {SITE} tcp/80", "pass Filter/05:3"),
        (["decrypt from any to any", "block from any to any"], f"in {WEB} -> {SITE} tcp/80", "block Filter/05:3"),
        (["reset from any to any"], f"in {WEB} -> {SITE} tcp/80", "reset Filter/05:2"),
        (["pass from !vlan200 to any"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any to !internet"], f"in {WEB} -> {REMOTE_WEB} tcp/80", "block"),
        (["pass from any to !vlan200"], f"in {WEB} -> {SITE} tcp/80", "pass Filter/05:2"),
        (["pass from any to any port !http"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any to any port !http"], f"in {WEB} -> {SITE} tcp/81", "pass Filter/05:2"),
        (["pass ipproto udp from any to any port dns"], f"in {WEB} -> {SITE} tcp/53", "block"),
        (["pass ipproto icmp type 8 from any to any"], f"in {WEB} -> {SITE} icmp/8", "pass Filter/05:2"),
        (["pass ipproto icmp type 8 from any to any"], f"in {WEB} -> {SITE} icmp/13", "block"),
        (["pass ipproto gre from any to any"], f"in {WEB} -> {SITE} gre", "pass Filter/05:2"),
        (["pass from any to any on out"], f"in {WEB} -> {SITE} tcp/80", "pass Filter/05:2"),
        (["pass from any to any on ha"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any on OUT to any"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any via ipsec to any"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any via none to any"], f"ipsec {REMOTE_WEB} -> {WEB} tcp/80", "block"),
        (["block from any on out via ipsec to any"], f"ipsec {REMOTE_WEB} -> {WEB} tcp/80", "block Filter/05:2"),
        (["pass from any on out via ipsec to any"], f"ipsec {REMOTE_WEB} -> {WEB} tcp/80", "block"),
        (["pass from any port http to any"], f"in {WEB} -> {SITE} tcp/80", "block"),
        (["pass from any port ephemeral_fw to any"], f"in {WEB} -> {SITE} tcp/80", "pass Filter/05:2"),
    ],
)
def test_the_first_line_that_fits_decides(tmp_path: Path, lines: list[str], text: str, outcome: str) -> None:
    prediction = predict(rules_of(tmp_path, *lines), flow(text))
    assert f"{prediction.verdict} {prediction.where}".replace("sbg7/", "").strip() == outcome


def test_what_no_rule_describes_is_refused_and_said_so(tmp_path: Path) -> None:
    prediction = predict(rules_of(tmp_path), flow(f"in {WEB} -> {SITE} tcp/80"))
    assert (prediction.verdict, prediction.rule, prediction.where) == ("block", None, "")
    assert prediction.reason == "no rule describes it: refused and not logged"


@pytest.mark.parametrize(
    "text, reason",
    [
        (f"out {WEB} -> {PUBLIC} tcp/80", "10.200.0.10 is internal, and out is not a protected interface"),
        (f"out {VPN_CLIENT} -> {WEB} tcp/80", "10.60.0.6 is internal"),
        (f"out {PUBLIC} -> {PUBLIC} tcp/80", "is the firewall's own address"),
        (f"in {SITE} -> {STRANGER} tcp/80", "is not behind protected interface in"),
        (f"in 127.0.0.1 -> {SITE} tcp/80", "is not the address of a host"),
        (f"sslvpn {WEB} -> {SITE} tcp/80", "is in no pool of the SSL VPN"),
        (f"ipsec {STRANGER} -> {WEB} tcp/80", "outside the tunnels"),
        (f"out {REMOTE_WEB} -> {WEB} tcp/80", "must come through the tunnel at sbg7/VPN/01:5"),
    ],
)
def test_a_source_that_cannot_be_there_is_refused_before_any_rule(tmp_path: Path, text: str, reason: str) -> None:
    prediction = predict(rules_of(tmp_path, "pass from any to any"), flow(text))
    assert (prediction.verdict, prediction.rule) == ("block", None)
    assert reason in prediction.reason


def test_a_source_routed_behind_a_protected_interface_may_come_from_there(tmp_path: Path) -> None:
    changes = {
        "route": "[Config]\nDefaultRoute=Firewall_out_router\n[StaticRoutes]\nvlan201,in->ubuntu-webserver\n",
        "VPN/slotinfo": "[Global]\nActive=0\n",
        "Filter/05": "[Filter]\npass from any to any\n",
    }
    site = guide(tmp_path, changes)
    assert predict(site, flow(f"in {REMOTE_WEB} -> {SITE} tcp/80")).verdict == "pass"
    assert predict(site, flow(f"in {WEB} -> {REMOTE_WEB} tcp/80")).departure == "in"
    assert "is internal" in predict(site, flow(f"out {REMOTE_WEB} -> {WEB} tcp/80")).reason


def test_a_host_that_asks_for_its_first_address_is_not_spoofing(tmp_path: Path) -> None:
    site = rules_of(tmp_path, "pass from any to any")
    assert "spoofed" not in predict(site, flow("in 0.0.0.0 -> 255.255.255.255 udp/67")).reason


def test_a_rule_s_own_route_goes_before_the_default_route(tmp_path: Path) -> None:
    site = rules_of(tmp_path, "pass route ubuntu-webserver from any to any")
    assert predict(site, flow(f"in {WEB} -> {SITE} tcp/80")).departure == "in"


@pytest.mark.parametrize(
    "lines, nat, outcome",
    [
        (["pass schedule nights from any to any"], [], "block "),
        (["pass schedule nights from any to any", "pass from any to any"], [], "pass sbg7/Filter/05:3"),
        (["block schedule nights from any to any", "pass from any to any"], [], "block sbg7/Filter/05:2"),
        (["pass from any to any"], ["nat from any to any -> from Firewall_out lb random"], "pass sbg7/Filter/05:2"),
    ],
)
def test_a_rule_with_words_left_out_may_refuse_but_never_pass_and_leaves_a_doubt(
    tmp_path: Path, lines: list[str], nat: list[str], outcome: str
) -> None:
    prediction = predict(rules_of(tmp_path, *lines, nat=tuple(nat)), flow(f"in {WEB} -> {SITE} tcp/80"))
    assert f"{prediction.verdict} {prediction.where}" == outcome
    assert prediction.nat_rule is None
    assert not prediction.certain


@pytest.mark.parametrize(
    "lines, outcome, certain",
    [
        (["block tos 184 from any to any", "pass from any to any"], "pass Filter/05:3", False),
        (["block tos 184 from any to any", "block from any to any"], "block Filter/05:3", True),
        (["block tos 184 from any to any"], "block", True),
        (["reset tos 184 from any to any"], "block", False),
        (["pass tos 8 from any to any", "block from any to any"], "block Filter/05:3", False),
        (["pass tos 8 from any to any", "pass from any to any"], "pass Filter/05:3", False),
        (["pass tos 8 from any to vlan201", "pass from any to any"], "pass Filter/05:3", True),
        (["block ipproto icmp type 8 code 3 from any to any", "pass from any to any"], "pass Filter/05:3", False),
        (["block ipproto icmp type 8 code 0 from any to any", "pass from any to any"], "block Filter/05:2", True),
    ],
)
def test_a_rule_finer_than_a_flow_neither_takes_it_nor_leaves_it_without_a_doubt(
    tmp_path: Path, lines: list[str], outcome: str, certain: bool
) -> None:
    prediction = predict(rules_of(tmp_path, *lines), flow(f"in {WEB} -> {SITE} icmp/8"))
    assert f"{prediction.verdict} {prediction.where}".replace("sbg7/", "").strip() == outcome
    assert prediction.certain is certain


def test_a_translation_finer_than_a_flow_leaves_a_doubt(tmp_path: Path) -> None:
    nat = ("nat tos 8 from any to any -> from Firewall_ha", "nat from any to any -> from Firewall_out")
    prediction = predict(rules_of(tmp_path, "pass from any to any", nat=nat), flow(f"in {WEB} -> {SITE} tcp/80"))
    assert prediction.translated.source == IPv4Address(PUBLIC)
    assert not prediction.certain


def test_a_prediction_without_such_words_is_certain(tmp_path: Path) -> None:
    assert predict(rules_of(tmp_path, "pass from any to any"), flow(f"in {WEB} -> {SITE} tcp/80")).certain


def test_a_flow_from_nowhere_is_a_mistake_of_the_caller(site: Configuration) -> None:
    with pytest.raises(UnknownInterface, match="dmz1"):
        predict(site, flow(f"dmz1 {WEB} -> {SITE} tcp/80"))


def test_an_interface_that_is_off_lets_nothing_in(tmp_path: Path) -> None:
    site = guide(tmp_path, {"network": GUIDE["network"].replace("State=1\nName=in", "State=0\nName=in")})
    assert predict(site, flow(f"in {WEB} -> {SITE} tcp/80")).reason == "interface in is off"


def test_a_predictor_answers_as_predict_does(site: Configuration) -> None:
    stranger = flow(f"out {STRANGER} -> {PUBLIC} tcp/80")
    predictor = Predictor(site)
    assert predictor.predict(stranger) == predictor.predict(stranger) == predict(site, stranger)


def test_a_flow_prints_as_one_line() -> None:
    assert str(flow(f"in {WEB} -> {SITE} tcp/80")) == "tcp 10.200.0.10:40000 -> 198.51.100.10:80, in by in"
