"""A lab that is a cloud: its surroundings from the plan, its servers as they come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.ownership import lab_folder
from lab.running import Lab, attach
from lab.state import locked
from lab.topology import Topology
from provisioning.deployment import Deployment, load
from provisioning.environment import SERVERS
from provisioning.keys import Keys
from provisioning.lab_cloud.hosts import Hosts, segments
from provisioning.lab_cloud.server import those_that_run
from provisioning.secrets import Secrets
from provisioning.topology import surroundings

FACTS = "deployment.json"


@dataclass(frozen=True)
class CloudLab:
    """One that runs. ``servers`` holds a folder for each server."""

    lab: Lab
    hosts: Hosts
    servers: Path


@contextmanager
def attached(folder: Path) -> Iterator[CloudLab]:
    """The lab that a server's folder belongs to, while nobody else changes it. Raises LabError, DeploymentError."""
    servers = folder.parent
    run = servers.parent.name
    with locked("servers"):
        deployment = load(Path(json.loads((servers.parent / FACTS).read_text())["folder"]))
        secrets = Secrets(deployment.secrets, deployment.folder, servers.parent / "secrets.json")
        lab = attach_to(run, deployment, secrets)
        try:
            yield CloudLab(lab, Hosts(deployment, Keys(deployment, secrets)), servers)
        finally:
            lab.engine.close()


def attach_to(run: str, deployment: Deployment, secrets: Secrets) -> Lab:
    """The lab with those servers that run now. Raises LabNotFound."""
    known, servers = topology(deployment, secrets, lab_folder(run) / SERVERS)
    return attach(known, run, may_lack=servers)


def topology(deployment: Deployment, secrets: Secrets, servers: Path) -> tuple[Topology, frozenset[str]]:
    """Surroundings and servers; the names of what comes and goes."""
    keys = Keys(deployment, secrets)
    hosts, fixed, running = Hosts(deployment, keys), surroundings(deployment, keys), list(those_that_run(servers))
    guests = [hosts.host(server) for server in running]
    guests += [hosts.dhcp(region, running) for region in sorted({server.region for server in running})]
    every = {segment.name: segment for segment in fixed.segments}
    every |= {segment.name: segment for server in running for segment in segments(server)}
    whole = replace(fixed, hosts=(*fixed.hosts, *guests), segments=tuple(every.values()))
    return whole, frozenset(guest.name for guest in guests)
