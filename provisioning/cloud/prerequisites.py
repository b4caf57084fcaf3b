"""What a cloud must have before anything is created on it: quota, flavors, images, networks of its own. All gaps at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from provisioning.cloud import networking
from provisioning.cloud.difference import Action, Change
from provisioning.cloud.errors import CloudError
from provisioning.cloud.region import Region
from provisioning.cloud.resources import Image, KeyPair, Network, Port, Resource, Server, Subnet

_UNLIMITED = -1


def gaps(region: Region, wanted: Sequence[Resource], told: Sequence[Change]) -> list[str]:
    """What is missing in a region for what is still to be created there, one line each."""
    return list(_gaps(region, wanted, told))


def _gaps(region: Region, wanted: Sequence[Resource], told: Sequence[Change]) -> Iterator[str]:
    new = [
        change.resource
        for change in told
        if change.action == Action.CREATE and change.resource is not None and change.key.region == region.name
    ]
    servers = [each for each in new if isinstance(each, Server)]
    if servers:
        flavors = {each.name: each for each in region.cloud.compute.flavors()}
        yield from _not_offered(region, "flavor", {each.flavor for each in servers}, flavors)
        ours = {each.name for each in wanted if isinstance(each, Image) and each.region == region.name}
        for name in sorted({each.image for each in servers} - ours):
            yield from _refusal(partial(region.one, "image", name, region.cloud.image.images(name=name)))
        yield from _compute_quota(region, [flavors[each.flavor] for each in servers if each.flavor in flavors])
    yield from _network_quota(region, Counter(each.kind for each in new))
    planned = {each.name for each in wanted if isinstance(each, Network) and each.region == region.name}
    for name in sorted({each.network for each in new if isinstance(each, Port)} - planned):
        yield from _refusal(partial(networking.network_of, region, name))
    for each in new:
        if isinstance(each, KeyPair) and not each.name.startswith(region.mark.tag):
            yield (
                f"{each.key}: it is not there, and its name does not begin with {region.mark.tag!r}: make it yourself"
                " (openstack keypair create), or choose such a name in cloud.key, and it comes and goes with the rest"
            )


def _not_offered(region: Region, what: str, names: set[str], offered: dict[str, Any]) -> Iterator[str]:
    for name in sorted(names - offered.keys()):
        yield f"{region.name}: no {what} {name!r}; there is {', '.join(sorted(offered)) or 'none'}"


def _refusal(ask: Callable[[], object]) -> Iterator[str]:
    try:
        ask()
    except CloudError as why:
        yield str(why)


def _compute_quota(region: Region, flavors: Sequence[Any]) -> Iterator[str]:
    limits = region.cloud.compute.get_limits().absolute
    for what, unit, need, limit, used in (
        ("instances", "", len(flavors), limits.instances, limits.instances_used),
        ("vCPU", "", sum(each.vcpus for each in flavors), limits.total_cores, limits.total_cores_used),
        ("memory", " MB", sum(each.ram for each in flavors), limits.total_ram, limits.total_ram_used),
    ):
        yield from _short(region, what, unit, need, limit, used or 0)


def _network_quota(region: Region, new: Counter[str]) -> Iterator[str]:
    if not {Network.kind, Subnet.kind, Port.kind} & new.keys():
        return
    quota = region.cloud.network.get_quota(region.project, details=True)
    for what, kind in (("networks", Network.kind), ("subnets", Subnet.kind), ("ports", Port.kind)):
        have = getattr(quota, what)
        if isinstance(have, dict):
            yield from _short(region, what, "", new[kind], have["limit"], have["used"] + have.get("reserved", 0))


def _short(region: Region, what: str, unit: str, need: int, limit: int, used: int) -> Iterator[str]:
    if limit != _UNLIMITED and used + need > limit:
        yield (
            f"{region.name}: {what}: {need}{unit} more are needed, the quota is {limit}{unit} and {used}{unit} are in use:"
            " have it raised"
        )
