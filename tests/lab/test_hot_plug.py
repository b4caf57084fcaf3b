"""A host that cannot come leaves nothing: it can come again once what kept it away is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Interface

import pytest

from lab import hot_plug, running
from lab.errors import CommandFailed, EngineFailed, LabError
from lab.running import Lab
from lab.topology import Distance, Host, Nic, Segment, Topology

pytestmark = pytest.mark.lab

MAC = "02:00:00:00:00:02"
WIRE = Segment("wire")


def host(name: str, region: str, mac: str, number: int) -> Host:
    nic = Nic("eth0", WIRE.name, mac, region, IPv4Interface(f"192.0.2.{number}/24"), port=f"late{number}")
    return Host(name=name, role="client", nics=(nic,))


LATE = host("late", "far", MAC, 2)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    here = host("here", "near", "02:00:00:00:00:01", 1)
    up = running.up(Topology("plug", ("near", "far"), (WIRE,), (here,), (Distance("far", 0.001),)))
    yield up
    up.down()


def left(lab: Lab) -> tuple[set[str], set[str], tuple[str, ...]]:
    """The containers, the hosts that the lab knows of, and the ends of wires."""
    containers = {each["Id"] for each in lab.engine.containers(lab.run)}
    return containers, set(lab.hosts), tuple(lab.fabric.run(["ls", "/sys/class/net"]).split())


@pytest.mark.parametrize(
    ("broken", "error", "told"),
    [
        (replace(LATE, sysctls={"net.ipv4.no_such_setting": "1"}), EngineFailed, "no_such_setting"),
        (host("late", "far", "no address", 2), CommandFailed, "no"),
        (replace(LATE, nics=(replace(LATE.nics[0], name="a/b"),)), CommandFailed, "a/b"),
    ],
    ids=["it does not start", "its first wire cannot be made", "its name is none"],
)
def test_a_host_that_cannot_come_leaves_nothing_and_can_come_again(
    lab: Lab, broken: Host, error: type[LabError], told: str
) -> None:
    before = left(lab)
    with pytest.raises(error, match=told):
        hot_plug.add(lab, broken, [WIRE])
    assert left(lab) == before
    assert hot_plug.add(lab, LATE, [WIRE]).run("ping", "-c1", "-W5", "192.0.2.1").ok
    hot_plug.remove(lab, "late")
    assert left(lab) == before
