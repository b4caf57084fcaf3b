"""What of a deployment is in a region: one look at all of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from provisioning.cloud import computing, imaging, networking
from provisioning.cloud.patience import Patience
from provisioning.cloud.region import Region
from provisioning.cloud.resources import Found, Port, Server


def observe(region: Region, patience: Patience) -> tuple[Found, ...]:
    """Everything of the project in the region, ours or not. Raises CloudError."""
    return patience(f"{region.name}: looking at what is there", lambda: _look(region))


def _look(region: Region) -> tuple[Found, ...]:
    net = list(networking.found(region))
    images = list(imaging.found(region))
    ports: dict[str, list[str]] = defaultdict(list)
    for each in net:
        if each.key.kind == Port.kind and each.used_by:
            ports[each.used_by].append(each.key.name)
    names = {each.id: each.key.name for each in images}
    computed = list(computing.found(region, names, {server: tuple(found) for server, found in ports.items()}))
    users = {each.values["image id"]: each.id for each in computed if each.key.kind == Server.kind}
    return (*net, *(replace(each, used_by=users.get(each.id, "")) for each in images), *computed)
