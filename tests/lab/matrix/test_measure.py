"""What numbered packets tell of a firewall is what its policy says, whatever it says; and what they cannot tell, they say."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from lab.errors import CommandFailed
from lab.host import LabHost
from provisioning.matrix.comparison import Compared
from sns.packet_classes import packet_classes
from sns.prediction import Flow

from .one_firewall import Bench, bench

pytestmark = pytest.mark.lab

STRANGER, PUBLIC = IPv4Address("198.51.100.102"), IPv4Address("147.135.161.153")
SERVER, ABSENT = IPv4Address("10.200.0.10"), IPv4Address("10.200.77.77")
POLICY = """\
[Filter]
pass from any on out to Firewall_out port http -> to ubuntu-webserver port https
pass from any on out to Firewall_out port ssh
reset from any on out to Firewall_out port Firewall_srv
pass ipproto icmp type 8 from vlan200 on in to any
pass from vlan200 on in to internet
block from any to any
[NAT]
nat from vlan200 to internet on out -> from Firewall_out port ephemeral_fw to original
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


def measured(one: Bench, *flows: Flow, policy: str = POLICY) -> list[Compared]:
    return one.compare(one.apply(policy), flows)


def tcp(arrival: str, source: IPv4Address, destination: IPv4Address, port: int) -> Flow:
    return Flow(arrival, source, destination, "tcp", 40_000, port)


def told(compared: Compared) -> str:
    trace = compared.trace
    seen = ", ".join(str(sighting) for sighting in trace.sightings) or "nowhere"
    return f"{seen}; answers {trace.answers}; reply {trace.replied}; stray {trace.strayed}"


CASES = [
    ("published", tcp("out", STRANGER, PUBLIC, 80),
     "here:in as 198.51.100.102:40000 -> 10.200.0.10:443; answers []; reply ['here:out']; stray []"),
    ("for the firewall", tcp("out", STRANGER, PUBLIC, 22),
     "here:firewall as 198.51.100.102:40000 -> 147.135.161.153:22; answers ['reset']; reply None; stray None"),
    ("reset", tcp("out", STRANGER, PUBLIC, 1300), "nowhere; answers ['reset']; reply None; stray None"),
    ("refused", tcp("out", STRANGER, PUBLIC, 81), "nowhere; answers []; reply None; stray None"),
    ("spoofed", tcp("out", SERVER, PUBLIC, 80), "nowhere; answers []; reply None; stray None"),
    ("a ping", Flow("in", SERVER, STRANGER, "icmp", icmp_type=8),
     "here:out as 147.135.161.153 -> 198.51.100.102; answers []; reply ['here:in']; stray []"),
    ("an unsolicited answer", Flow("in", SERVER, STRANGER, "icmp", icmp_type=0), "nowhere; answers []; reply None; stray None"),
]  # fmt: skip


@pytest.mark.parametrize(("flow", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_packet_is_followed(one: Bench, flow: Flow, expected: str) -> None:
    (compared,) = measured(one, flow)
    assert told(compared) == expected
    assert compared.disagreements == ()


def test_a_drawn_source_port_is_one_of_the_range(one: Bench) -> None:
    (compared,) = measured(one, tcp("in", ABSENT, STRANGER, 80))
    assert compared.disagreements == ()
    assert compared.trace.last is not None
    assert compared.trace.last.seen.source == PUBLIC


def test_a_prediction_that_is_wrong_is_told_with_what_was_seen(one: Bench) -> None:
    configuration = one.apply(POLICY)
    one.apply(POLICY.replace("port http ->", "port https ->"))
    opened, closed = one.compare(configuration, [tcp("out", STRANGER, PUBLIC, 443), tcp("out", STRANGER, PUBLIC, 80)])
    assert opened.disagreements[0] == "expected nowhere, seen here:in"
    assert closed.disagreements == ("expected here:in, seen nowhere",)


def test_packets_that_never_arrived_are_lost_and_not_refused(one: Bench) -> None:
    configuration = one.apply(POLICY)
    deaf(
        one.host,
        "add table netdev deaf { chain everything { type filter hook ingress device eth0 priority -600; policy drop; }; }",
    )
    try:
        control = tcp("out", STRANGER, PUBLIC, 80)
        (compared,) = one.compare(configuration, [tcp("out", STRANGER, PUBLIC, 81)], [control])
    finally:
        deaf(one.host, "delete table netdev deaf")
    assert compared.trace.lost == f"before the batch, {control} at here:out did not come through"
    assert compared.disagreements == ()


def deaf(host: LabHost, command: str) -> None:
    host.must("nft", command)


def test_nothing_is_left_behind(one: Bench) -> None:
    measured(one, tcp("out", STRANGER, PUBLIC, 80), tcp("in", ABSENT, STRANGER, 80))
    assert one.host.must("conntrack", "-L") == ""


# Any policy

ADDRESSES = ("any", "internet", "vlan200", "ubuntu-webserver", "admin_client", "dmz", "room", "dmz_server", "Firewall_out",
             "firewall_all", "Network_internals", "!vlan200", "vlan200|dmz_server", "Firewall_in")  # fmt: skip
PORTS = ("", " port http", " port http|https", " port dns", " port ephemeral_fw", " port ssh", " port !http")
KINDS = ("", "ipproto tcp ", "ipproto udp ", "ipproto icmp ", "ipproto icmp type 8 ", "ipproto vpn-esp ")
WAYS = ("", " on out", " on in", " on dmz")
TARGETS = (
    "",
    "",
    "",
    " -> to ubuntu-webserver",
    " -> to dmz_server port https",
    " -> from Firewall_out port ephemeral_fw to original",
)


@st.composite
def filter_rules(draw: st.DrawFn) -> str:
    action = draw(st.sampled_from(("pass", "pass", "pass", "block", "block log", "reset", "log")))
    kind = draw(st.sampled_from(KINDS))
    port = draw(st.sampled_from(PORTS)) if "icmp" not in kind and "esp" not in kind else ""
    target = draw(st.sampled_from(TARGETS)) if action == "pass" else ""
    source = draw(st.sampled_from(ADDRESSES)) + draw(st.sampled_from(WAYS))
    destination = draw(st.sampled_from(ADDRESSES)) + draw(st.sampled_from(("", "", " on out", " on dmz")))
    return f"{action} {kind}from {source} to {destination}{port}{target}"


@st.composite
def nat_rules(draw: st.DrawFn) -> str:
    source, destination = draw(st.sampled_from(ADDRESSES[1:])), draw(st.sampled_from(ADDRESSES))
    target = draw(st.sampled_from(("from Firewall_out port ephemeral_fw to original", "from Firewall_dmz to original",
                                   "to dmz_server", "to ubuntu-webserver port https")))  # fmt: skip
    way = draw(st.sampled_from(("", " on out", " on dmz")))
    return f"nat from {source} to {destination}{way} -> {target}"


POLICIES = st.tuples(st.lists(filter_rules(), min_size=1, max_size=8), st.lists(nat_rules(), max_size=3))


@settings(max_examples=20, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(policy=POLICIES, offset=st.integers(0, 60))
def test_whatever_the_policy_says_is_what_is_measured(one: Bench, policy: tuple[list[str], list[str]], offset: int) -> None:
    filtering, nat = policy
    text = "\n".join(["[Filter]", *filtering, "[NAT]", *nat, ""])
    try:
        configuration = one.apply(text)
    except CommandFailed:
        assume(False)
    flows = [one_class.flow() for one_class in packet_classes(configuration)[offset::61]]
    compared = one.compare(configuration, flows)
    alone = [one.compare(configuration, [each.flow])[0] for each in compared if each.disagreements][:3]
    wrong = [f"{each.trace.probe}: {each.prediction.reason}: {each.disagreements}" for each in alone if each.disagreements]
    assert not wrong, "\n".join([text, *wrong])
    assert not [each.trace.lost for each in compared if each.trace.lost]
