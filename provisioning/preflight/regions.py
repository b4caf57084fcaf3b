"""Rules that a cloud must settle, region by region. Without one, what it would be asked is told as information."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from provisioning.cloud_plan import Cloud
from provisioning.deployment_model import Site
from provisioning.preflight.cloud_facts import CredentialsRefused, RegionFacts
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt, Severity
from provisioning.toml_lines import Place


@dataclass
class Wanted:
    """What the plan will make in one region. ``servers`` are names with their flavors; ``place`` is where it is named."""

    region: str
    place: Place
    sites: list[Site] = field(default_factory=list)
    servers: dict[str, str] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)  # that the cloud offers
    ports: int = 0
    has_client: bool = False


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them; without ``[cloud]`` there is nothing to ask for."""
    cloud = ground.deployment.cloud
    if cloud is None:
        return
    wanted = list(_wanted(ground, cloud))
    if ground.cloud is None:
        for one in wanted:
            yield from _not_asked(ground, cloud, one)
        return
    try:
        regions = ground.cloud.regions()
        for one in wanted:
            if one.region not in regions:
                message = f"the cloud has no region {one.region!r} ({', '.join(sorted(regions))})"
                yield ground.in_plan("V6" if one.has_client and not one.sites else "O23", one.place, message)
                continue
            facts = ground.cloud.region(one.region)
            yield from _room(ground, one, facts)
            yield from _networks(ground, cloud, one, facts)
            yield from _made_from(ground, cloud, one, facts)
            yield from _key(ground, cloud, one, facts)
    except CredentialsRefused as why:
        yield ground.in_plan("O24", cloud.place, f"the cloud refuses: {why}", Severity.ERROR)


def _wanted(ground: Ground, cloud: Cloud) -> Iterator[Wanted]:
    by_region: dict[str, Wanted] = {}
    for site in ground.sites:
        one = by_region.setdefault(site.region, Wanted(site.region, (*site.place, "region")))
        one.sites.append(site)
        one.servers |= {f"{site.name}/{member.instance}": cloud.appliances.flavor for member in site.firewall.members}
        one.ports += len(site.firewall.members) * len(site.firewall.nics)
        for host in site.hosts.values():
            if not host.trunk:
                one.servers[f"{site.name}/{host.instance}"] = cloud.servers.flavor
                one.images.add(cloud.servers.image)
                one.ports += 1
    client = cloud.vpn_client
    if client is not None and client.region:
        one = by_region.setdefault(client.region, Wanted(client.region, (*client.place, "region")))
        one.has_client = True
        one.servers[f"/{client.instance}"] = client.flavor
        one.images.add(client.image)
        one.ports += 1
    yield from by_region.values()


def _not_asked(ground: Ground, cloud: Cloud, one: Wanted) -> Iterator[Doubt]:
    """What is left open without a cloud."""
    note = Severity.INFORMATION
    sizes = ", ".join(f"{number} × {flavor}" for flavor, number in Counter(one.servers.values()).items())
    yield ground.in_plan(
        "O12", (*cloud.place, "appliances", "flavor"), f"{one.region}: {sizes} not compared with the quota", note
    )
    for site in one.sites:
        vlans = ", ".join(str(network.vlan) for network in site.networks.values())
        yield ground.in_plan("O14", site.place, f"{one.region}: VLANs {vlans} not compared with those in use", note)
    for image in sorted(one.images):
        place = (*cloud.servers.place, "image")
        yield ground.in_plan("O29", place, f"{image!r} was not looked for in {one.region}", note)


def _room(ground: Ground, one: Wanted, facts: RegionFacts) -> Iterator[Doubt]:
    """What is still to be made against what the quota leaves."""
    there = {server.name for server in facts.servers if server.ours}
    missing = {name: flavor for name, flavor in one.servers.items() if name.partition("/")[2] not in there}
    known = [facts.flavors[flavor] for flavor in missing.values() if flavor in facts.flavors]
    networks = [network for site in one.sites for network in site.networks.values() if network.cloud is not None]
    made = {network.name for network in facts.networks if network.ours}
    new = [network for network in networks if network.cloud is not None and network.cloud.name not in made]
    for what, needed, left in (
        ("instances", len(missing), facts.room.instances),
        ("vCPU", sum(flavor.vcpus for flavor in known), facts.room.vcpus),
        ("MB of memory", sum(flavor.ram for flavor in known), facts.room.ram),
        ("networks", len(new), facts.room.networks),
        ("subnets", len(new), facts.room.subnets),
        ("ports", one.ports + 2 * len(new) if missing else 0, facts.room.ports),
    ):
        if left is not None and needed > left:
            message = f"{one.region}: {needed} {what} to be made, the quota leaves {left}"
            yield ground.in_plan("O12", one.place, message)


def _networks(ground: Ground, cloud: Cloud, one: Wanted, facts: RegionFacts) -> Iterator[Doubt]:
    for site in one.sites:
        for network in site.networks.values():
            if network.cloud is None:
                continue
            place = (*network.cloud.place, "name")
            others = [seen for seen in facts.networks if not seen.ours]
            own = [seen for seen in facts.networks if seen.ours and seen.name == network.cloud.name]
            named = [seen for seen in others if seen.name == network.cloud.name]
            if named or len(own) > 1:
                number = len(named) + len(own)
                message = f"{one.region} has {number} of the name {network.cloud.name} already, {len(own)} of them this plan's"
                yield ground.in_plan("O15", place, message)
            for seen in others:
                if seen.vlan == network.vlan:
                    message = f"VLAN {network.vlan} is that of {seen.name} in {one.region}"
                    yield ground.in_plan("O14", (*network.place, "vlan"), message)
            for seen in own:
                if cloud.mtu and seen.mtu and seen.mtu != cloud.mtu:
                    message = f"{seen.name} in {one.region} has {seen.mtu} bytes, the plan says {cloud.mtu}"
                    yield ground.in_plan("O30", (*cloud.place, "mtu"), message)


def _made_from(ground: Ground, cloud: Cloud, one: Wanted, facts: RegionFacts) -> Iterator[Doubt]:
    client = cloud.vpn_client
    images = Counter(image.name for image in facts.images)
    for image in sorted(one.images):
        if images[image] != 1:
            alone = client is not None and client.image == image and not one.sites
            place = (*(client.place if alone and client else cloud.servers.place), "image")
            message = f"{one.region} has {images[image] or 'no'} image of the name {image!r}"
            yield ground.in_plan("V6" if alone else "O29", place, message)
    own = cloud.appliances.image
    foreign = [image for image in facts.images if image.name == own.name and not image.ours]
    if one.sites and (foreign or images[own.name] > 1):
        message = f"{one.region} has {images[own.name]} image of the name {own.name!r}, {len(foreign)} of them not this plan's"
        yield ground.in_plan("O15", (*own.place, "name"), message)
    for flavor in sorted(set(one.servers.values()) - set(facts.flavors)):
        if client is not None and one.has_client and client.flavor == flavor and not one.sites:
            yield ground.in_plan("V6", (*client.place, "flavor"), f"{one.region} has no {flavor}")
        else:
            place = (*cloud.appliances.place, "flavor")
            place = place if flavor == cloud.appliances.flavor else (*cloud.servers.place, "flavor")
            yield ground.in_plan("O20", place, f"{one.region} has no {flavor}", Severity.ERROR)
    if client is not None and one.has_client and client.network not in {seen.name for seen in facts.networks if seen.external}:
        yield ground.in_plan("V6", (*client.place, "network"), f"{one.region} has no public network {client.network}")


def _key(ground: Ground, cloud: Cloud, one: Wanted, facts: RegionFacts) -> Iterator[Doubt]:
    """A key that the plan can bring along need not be there yet."""
    if cloud.key in facts.keys or ground.file(cloud.public_key).is_file():
        return
    message = f"{one.region} has no key pair {cloud.key}, and {cloud.public_key} is not here to make it from"
    yield ground.in_plan("V6" if not one.sites else "O21", (*cloud.place, "key"), message)
