"""What of a deployment is in a region: one look at all of it."""

from __future__ import annotations

from collections import defaultdict

from provisioning.cloud import computing, imaging, networking
from provisioning.cloud.patience import Patience
from provisioning.cloud.region import Region
from provisioning.cloud.resources import Found, Port


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
    servers = computing.found(
        region, {each.id: each.key.name for each in images}, {server: tuple(names) for server, names in ports.items()}
    )
    return (*net, *images, *servers)
