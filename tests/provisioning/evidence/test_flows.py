"""Which frames belong to a scenario: all but those that are nobody's but others'."""

from __future__ import annotations

import pytest

from lab.appliance import ha_wire
from lab.capture import Frame
from provisioning.evidence.flows import Flows, owners
from tests.provisioning.evidence.frames import ADDRESSES, MACS, address, arp, ethernet, frames, packet, segment

OWNERS = owners([*ADDRESSES.items(), *MACS.items()])
FIREWALLS = frozenset({"firewall", "other"})
_TYPE = ha_wire.ETHERTYPE.to_bytes(2, "big")
BEACON = ethernet("firewall", "03:00:00:00:00:01", _TYPE, ha_wire.MAGIC + bytes(100))


def _flows(seen: list[Frame]) -> Flows:
    return Flows({"wire": seen}, OWNERS, FIREWALLS)


TOOK_PART = {"client", "firewall"}


@pytest.mark.parametrize(
    "data, why",
    [
        (segment("client", "firewall"), "between two that took part"),
        (segment("other", "client"), "somebody else speaks to one"),
        (packet("other", "another", 17, b"", by=("firewall", "other")), "one that took part forwards it"),
        (packet("203.0.113.9", "other", 17, b"", by=("other", "another")), "from an address that nobody has"),
        (packet("other", "203.0.113.9", 17, b"", by=("other", "another")), "to an address that nobody has"),
        (packet("other", "another", 17, b"", by=("02:99:00:00:00:01", "another")), "from an interface that nobody has"),
        (arp("other", "firewall"), "asks for one"),
        (arp("client", "other"), "one asks"),
        (ethernet("client", "ff:ff:ff:ff:ff:ff", b"\x88\xb6", b""), "of no protocol that is known"),
        (b"\xff" * 12 + b"\x08\x06", "from nobody to everybody"),
        (b"\x00\x01", "no frame at all"),
    ],
)
def test_a_frame_stays_when_one_of_its_ends_took_part_or_is_nobodys(data: bytes, why: str) -> None:
    flows = _flows(frames(data))
    assert len(flows.of("wire", TOOK_PART, heartbeats=False)) == 1, why


@pytest.mark.parametrize(
    "data",
    [
        segment("other", "another"),
        arp("other", "another"),
        arp("other", "10.1.0.4"),
        ethernet("other", "ff:ff:ff:ff:ff:ff", b"\x88\xb6", b""),
        packet("other", "224.0.0.251", 17, b"", by=("other", "01:00:5e:00:00:fb")),
    ],
)
def test_what_others_say_to_each_other_is_left_out(data: bytes) -> None:
    flows = _flows(frames(data, segment("client", "firewall")))
    assert [one.data for one in flows.of("wire", TOOK_PART, heartbeats=False)] == [segment("client", "firewall")]
    assert len(flows.of("wire", {*TOOK_PART, "other"}, heartbeats=False)) == 2, "as soon as one of them took part it stays"


def _heartbeat(source: str, destination: str) -> bytes:
    return packet(source, destination, 17, b"\x15\x1d" + ha_wire.PORT.to_bytes(2, "big") + bytes(4))


@pytest.mark.parametrize("data", [BEACON, _heartbeat("firewall", "other")])
@pytest.mark.parametrize("heartbeats", [True, False])
def test_heartbeats_stay_where_high_availability_is_looked_at(data: bytes, heartbeats: bool) -> None:
    assert len(_flows(frames(data)).of("wire", TOOK_PART, heartbeats=heartbeats)) == heartbeats


@pytest.mark.parametrize(
    "data",
    [
        ethernet("firewall", "ff:ff:ff:ff:ff:ff", _TYPE, b"what a step sends"),
        ethernet("client", "03:00:00:00:00:01", _TYPE, ha_wire.MAGIC + bytes(100)),
        _heartbeat("client", "firewall"),
    ],
)
def test_what_only_looks_like_a_heartbeat_stays(data: bytes) -> None:
    assert _flows(frames(data)).of("wire", TOOK_PART, heartbeats=False)


def test_tags_are_looked_behind() -> None:
    plain = segment("other", "another")
    tagged = plain[:12] + b"\x81\x00\x00\x05" * 2 + plain[12:]
    flows = _flows(frames(tagged))
    assert flows.pairs() == {(address("other"), address("another"))}
    assert not flows.of("wire", TOOK_PART, heartbeats=False)


def test_whom_a_host_exchanged_packets_with_took_part_too() -> None:
    seen = frames(segment("client", "server"), segment("other", "another"), segment("firewall", "other"))
    flows = _flows(seen)
    assert flows.partners({"client"}) == {"server"}
    assert flows.partners({"firewall"}) == set(), "what firewalls say to each other is no scenario's"
    assert flows.partners({"another"}) == {"other"}


def test_each_point_and_each_question_gets_its_own_frames() -> None:
    mine, others = segment("client", "firewall"), segment("other", "another")
    flows = Flows({"wire": frames(mine), "elsewhere": frames(others, BEACON)}, OWNERS, FIREWALLS)
    asked = [
        ("wire", TOOK_PART, False, [mine]),
        ("elsewhere", TOOK_PART, False, []),
        ("elsewhere", TOOK_PART, True, [BEACON]),
        ("elsewhere", {"another"}, False, [others]),
    ]
    for point, hosts, heartbeats, expected in asked * 2:
        assert [frame.data for frame in flows.of(point, hosts, heartbeats=heartbeats)] == expected
