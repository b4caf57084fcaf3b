"""Hosts that come to a lab that runs, and that go: created, wired, unwired, removed; the others do not notice.

Such a host names its interfaces' ends in the fabric itself (:attr:`lab.topology.Nic.port`), since numbers of those that are
there must not change. Hold the lab's own lock: two who change it at once would not know of each other's hosts.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from lab.errors import LabError
from lab.fabric import Fabric
from lab.host import LabHost
from lab.running import NAME, Lab, create
from lab.state import locked
from lab.topology import Host, Segment


def add(lab: Lab, host: Host, segments: Iterable[Segment]) -> LabHost:
    """One more host, wired to these segments; booting it is the caller's. Raises LabError: then nothing of it is left."""
    with locked("engine"):
        _, pid = create(lab.engine, lab.run, host)
    every = {segment.name: segment for segment in (*lab.topology.segments, *segments)}
    lab.topology = replace(lab.topology, hosts=(*lab.topology.hosts, host), segments=tuple(every.values()))
    lab.fabric = Fabric(lab.topology, lab.fabric.pid)
    lab.hosts[host.name] = LabHost(host, pid, lab.fabric)
    try:
        lab.fabric.plug(host, pid)
    except BaseException:
        with suppress(LabError):  # what failed first is what is to be told
            remove(lab, host.name)
        raise
    return lab.hosts[host.name]


def remove(lab: Lab, name: str) -> None:
    """Take a host away, whatever becomes of its wires. Raises LabError."""
    host = lab.host(name)
    try:
        lab.fabric.unplug(host.spec)
    finally:
        with locked("engine"):
            containers = lab.engine.containers(lab.run)
            lab.engine.remove(each["Id"] for each in containers if each["Labels"][NAME] == name)
        lab.topology = replace(lab.topology, hosts=tuple(each for each in lab.topology.hosts if each.name != name))
        del lab.hosts[name]
