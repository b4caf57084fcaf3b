"""A host that cannot come leaves nothing: it can come again once what kept it away is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Interface

import pytest

from lab import hot_plug, running
from lab.engine import Engine
from lab.errors import CommandFailed, EngineFailed, LabError
from lab.fabric import Fabric
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
        (host("late", "far", "no", 2), CommandFailed, "lladdr"),
        (replace(LATE, nics=(*LATE.nics, replace(LATE.nics[0], name="eth1", mac="no", port="late3"))), CommandFailed, "lladdr"),
    ],
    ids=["it does not start", "its first wire cannot be made", "its second wire cannot be made"],
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


def test_one_that_ends_as_soon_as_it_has_started_leaves_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    before = left(lab)

    def ended(_: Engine, identity: str) -> int:
        raise EngineFailed(f"container {identity} does not run")

    monkeypatch.setattr(Engine, "pid", ended)
    with pytest.raises(EngineFailed, match="does not run"):
        hot_plug.add(lab, LATE, [WIRE])
    assert left(lab) == before


def test_it_goes_whatever_becomes_of_its_wires_and_they_can_be_forgotten_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left(lab)
    hot_plug.add(lab, LATE, [WIRE])

    def stuck(*_: object) -> None:
        raise CommandFailed("fabric", "ovs-vsctl", 1, "no")

    with monkeypatch.context() as broken:
        broken.setattr(Fabric, "unplug", stuck)
        with pytest.raises(CommandFailed, match="ovs-vsctl"):
            hot_plug.remove(lab, "late")
    assert left(lab)[:2] == before[:2]
    lab.fabric.unplug(LATE)
    lab.fabric.unplug(LATE)
    assert left(lab) == before
