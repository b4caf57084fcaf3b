"""Who sent packets that nobody else saw: all but those who could not."""

from __future__ import annotations

from lab.topology import Host, Nic, Segment, Topology
from steps.hermeticity import CLOSED, Escape, alone

VRACK = (Segment("vrack-0", 0), Segment("vrack-199", 199), Segment("vrack-200", 200))


def test_one_host_that_is_seen_does_not_stand_for_another() -> None:
    senders = ("web:eth0", "baremetal:eth0", "fw2:eth0")
    assert Escape(senders, {"fw2:eth0": CLOSED}, {"web:eth0": 3}, 0).unseen == ["baremetal:eth0"]


def host(name: str, *segments: str, trunk: tuple[int, ...] = ()) -> Host:
    nics = (Nic(f"eth{place}", segment, "02:00:00:00:00:01", trunk=trunk) for place, segment in enumerate(segments))
    return Host(name=name, role="client", nics=tuple(nics))


def test_an_interface_with_nobody_else_on_its_network_is_heard_by_nobody() -> None:
    hosts = (host("fw1", "vrack-0", "vrack-200", "vrack-199"), host("gw", "vrack-0"), host("web", "vrack-200"))
    assert list(alone(Topology("one", ("here",), VRACK, hosts))) == ["fw1:eth2"]


def test_a_trunk_hears_each_of_its_networks_and_is_heard_untagged() -> None:
    hosts = (host("fw1", "vrack-0", "vrack-200", "vrack-199"), host("baremetal", "vrack-200", trunk=(200,)))
    assert list(alone(Topology("two", ("here",), VRACK, hosts))) == ["fw1:eth2"]
    lonely = (host("fw1", "vrack-200"), host("baremetal", "vrack-200", trunk=(200,)))
    assert list(alone(Topology("three", ("here",), VRACK, lonely))) == ["baremetal:eth0"]
