"""The instrument between two hosts: it loses nothing by itself, and sees what is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Interface

import pytest

from lab import running
from lab.errors import HostGone
from lab.flows.instrument import Instrument, InstrumentFailed
from lab.flows.plan import THERE, Flow
from lab.host import LabHost
from lab.running import Lab
from lab.topology import Host, Nic, Segment, Topology

pytestmark = pytest.mark.lab

RATE = 500
FAR = "192.0.2.2"
CUT = "table ip cut {\n chain arriving {\n type filter hook prerouting priority -400;\n meta l4proto udp drop\n }\n}\n"


def host(name: str, number: int) -> Host:
    nic = Nic("eth0", "wire", f"02:00:00:00:00:0{number}", "here", IPv4Interface(f"192.0.2.{number}/24"))
    return Host(name=name, role="client", nics=(nic,))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    up = running.up(Topology("two", ("here",), (Segment("wire"),), (host("near", 1), host("far", 2))))
    yield up
    up.down()


@pytest.fixture
def far(lab: Lab) -> LabHost:
    return lab.host("far")


def flows(lab: Lab) -> list[Flow]:
    ends = {"near": lab.host("near").pid, "far": lab.host("far").pid, "address": FAR}
    udp = [Flow(name=f"UDP {number}", flow_class="nat", kind="datagrams", port=53, **ends) for number in range(8)]
    pings = Flow(name="pings", flow_class="nat", kind="pings", **ends)
    return [*udp, pings, Flow(name="a session", flow_class="tcp", kind="stream", port=80, **ends)]


def started(instrument: Instrument) -> None:
    deadline = time.monotonic() + 5
    while instrument.silent() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert instrument.silent() == []


def test_ten_flows_at_500_a_second_lose_nothing_each_way(lab: Lab) -> None:
    with Instrument(flows(lab), RATE) as instrument, instrument.fast():
        started(instrument)
        begin = time.monotonic_ns()
        seen = instrument.watch(begin, begin + 1_000_000_000)
    assert len(seen) == 20
    assert {str(lane): one.lost for lane, one in seen.items() if one.lost} == {}
    assert {str(lane): one.sent for lane, one in seen.items() if one.sent < 400} == {}


def test_a_cut_is_seen_by_what_it_cuts_and_by_nothing_else(lab: Lab, far: LabHost) -> None:
    with Instrument(flows(lab), RATE) as instrument, instrument.fast():
        started(instrument)
        begin = time.monotonic_ns()
        instrument.watch(begin, begin + 100_000_000)
        before = time.monotonic_ns()
        far.must("nft", "-f", "-", stdin=CUT.encode())
        cut = time.monotonic_ns()
        instrument.watch(cut, cut + 200_000_000)
        far.must("nft", "delete", "table", "ip", "cut")
        mended = time.monotonic_ns()
        seen = instrument.watch(begin, mended + 100_000_000)
    for lane, one in seen.items():
        gap = (one.longest[1] - one.longest[0]) / 1e6 if one.longest else 0
        if lane.flow.kind == "datagrams" and lane.direction == THERE:  # the far host's own go out as before
            assert one.lost > 50, lane
            assert 200 <= gap <= (mended - before) / 1e6 + 10, lane
        else:
            assert one.lost == 0, lane


def state(far: LabHost) -> tuple[str, str]:
    return far.must("nft", "list", "ruleset"), far.must("cat", "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")


def test_what_it_did_to_the_far_host_is_undone(lab: Lab, far: LabHost) -> None:
    with Instrument(flows(lab), RATE) as instrument:
        rules, liberal = state(far)
        assert "redirect" in rules
        assert liberal == "1\n"
    instrument.stop()
    assert state(far) == ("", "0\n")


def test_what_it_did_to_a_far_host_is_undone_when_another_cannot_be_prepared(lab: Lab, far: LabHost) -> None:
    gone = Flow(name="to nowhere", flow_class="nat", kind="datagrams", near=lab.host("near").pid, far=0x7FFFFFF0, address=FAR)
    instrument = Instrument([*flows(lab), gone], RATE)
    with pytest.raises(HostGone):
        instrument.__enter__()
    instrument.stop()
    assert state(far) == ("", "0\n")


def test_an_instrument_that_cannot_start_says_why(far: LabHost) -> None:
    gone = Flow(name="nowhere", flow_class="nat", kind="pings", near=0x7FFFFFF0, far=far.pid, address=FAR)
    with Instrument([gone], RATE) as instrument, pytest.raises(InstrumentFailed, match="HostGone"):
        started(instrument)
