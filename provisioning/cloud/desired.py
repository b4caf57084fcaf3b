"""From a deployment to what OpenStack is asked for: a list of resources, without a cloud in sight."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from provisioning.cloud import first_boot
from provisioning.cloud.errors import PlanIncomplete
from provisioning.cloud.resources import (
    KINDS,
    Image,
    KeyPair,
    Network,
    Port,
    Resource,
    SecurityGroup,
    Server,
    ServerGroup,
    Subnet,
)
from provisioning.cloud_plan import Cloud
from provisioning.deployment import Deployment
from provisioning.deployment_model import Member, PrivateHost, Site
from provisioning.deployment_model import Network as PlannedNetwork

_BLOCK = 1 << 20  # bytes read at a time
_QCOW2 = b"QFI\xfb"  # how such a file begins


def resources(deployment: Deployment) -> tuple[Resource, ...]:
    """All of them, each after those that it needs. Raises PlanIncomplete, with everything that is missing."""
    cloud = deployment.cloud
    if cloud is None:
        raise PlanIncomplete(f"{deployment.plan}: there is no [cloud]: nothing says what OpenStack is asked for")
    _complete(deployment)
    wanted = [resource for site in deployment.sites.values() for resource in _of_site(deployment, cloud, site)]
    wanted += _vpn_client(deployment, cloud)
    for region in dict.fromkeys(resource.region for resource in wanted):
        wanted += _of_region(deployment, cloud, region)
    _told_apart(deployment, wanted)
    return tuple(sorted(wanted, key=lambda resource: KINDS.index(resource.kind)))


def regions(wanted: Iterable[Resource]) -> tuple[str, ...]:
    """The regions that have to do with it."""
    return tuple(sorted({resource.region for resource in wanted}))


def _complete(deployment: Deployment) -> None:
    missing = [
        f"{deployment.plan}: sites.{site.name}.networks.{network.name} has no 'cloud' table: say how OpenStack is asked for it"
        for site in deployment.sites.values()
        for network in site.networks.values()
        if network.cloud is None
    ]
    if missing:
        raise PlanIncomplete("\n".join(missing))


def _told_apart(deployment: Deployment, wanted: list[Resource]) -> None:
    twice = [key for key, number in Counter(resource.key for resource in wanted).items() if number > 1]
    if twice:
        lines = (f"{deployment.plan}: two of one name, {key}: name them apart" for key in twice)
        raise PlanIncomplete("\n".join(lines))


def _of_region(deployment: Deployment, cloud: Cloud, region: str) -> Iterator[Resource]:
    """What every region needs for itself."""
    yield KeyPair(region, cloud.key, _public_key(deployment, cloud))
    if any(site.region == region for site in deployment.sites.values()):
        image = cloud.appliances.image
        file = _path(deployment, image.file)
        yield Image(region, image.name, file, image.disk_format, image.protected, image.sha256)


def _of_site(deployment: Deployment, cloud: Cloud, site: Site) -> Iterator[Resource]:
    for network in site.networks.values():
        assert network.cloud is not None  # noqa: S101 - _complete has looked
        name = network.cloud.name
        yield Network(site.region, name, network.vlan, cloud.mtu, network.cloud.port_security)
        yield Subnet(
            site.region,
            name,
            network=name,
            addresses=str(network.subnet),
            gateway=_gateway(network),
            dhcp=bool(network.dhcp),
            dns=tuple(str(address) for address in network.cloud.dns),
            pools=pools(network, _fixed(site, network)),
        )
    if site.firewall.is_cluster and cloud.appliances.anti_affinity:
        yield ServerGroup(site.region, f"{cloud.tag}/{site.name}")
    for member in site.firewall.members:
        yield from _member(deployment, cloud, site, member)
    hosts = site.hosts_of("web")
    if hosts:
        yield SecurityGroup(site.region, f"{cloud.tag}/{site.name}", (("any", 0),))  # the firewall decides what reaches them
    for host in hosts:
        yield from _host(cloud, site, host)


def _gateway(network: PlannedNetwork) -> str | None:
    if network.cloud is not None and network.cloud.gateway_chosen:
        return str(network.cloud.gateway) if network.cloud.gateway else None
    return str(network.subnet[1])


def _member(deployment: Deployment, cloud: Cloud, site: Site, member: Member) -> Iterator[Resource]:
    ports = []
    for nic in site.firewall.nics:
        planned = site.networks[nic].cloud
        assert planned is not None  # noqa: S101 - _complete has looked
        address = member.ports.get(nic)
        # A pair shares addresses and MACs, and forwards for others: anti-spoofing would stop both.
        yield Port(
            site.region, f"{member.instance}-{nic}", planned.name, str(address) if address else None, port_security=False
        )
        ports.append(f"{member.instance}-{nic}")
    script = first_boot.script(site, member, deployment.internet) if cloud.appliances.first_boot else ""
    group = f"{cloud.tag}/{site.name}" if site.firewall.is_cluster and cloud.appliances.anti_affinity else None
    yield Server(
        site.region, member.instance, cloud.appliances.flavor, cloud.appliances.image.name, cloud.key, tuple(ports),
        group=group, first_boot=script, digest=first_boot.digest(script) if script else "",
    )  # fmt: skip


def _host(cloud: Cloud, site: Site, host: PrivateHost) -> Iterator[Resource]:
    planned = site.networks[host.network].cloud
    assert planned is not None  # noqa: S101 - _complete has looked
    port, guarded = f"{host.instance}-{host.network}", planned.port_security
    groups = (f"{cloud.tag}/{site.name}",) if guarded else ()
    yield Port(site.region, port, planned.name, str(host.address), guarded, groups)
    yield Server(site.region, host.instance, cloud.servers.flavor, cloud.servers.image, cloud.key, (port,))


def _vpn_client(deployment: Deployment, cloud: Cloud) -> Iterator[Resource]:
    client = cloud.vpn_client
    if client is None:
        return
    region = client.region or next(iter(deployment.sites.values())).region
    group, port = f"{cloud.tag}/{client.instance}", f"{client.instance}-{client.network}"
    yield SecurityGroup(region, group, (("tcp", 22),))
    yield Port(region, port, client.network, None, port_security=True, groups=(group,))
    yield Server(region, client.instance, client.flavor, client.image, cloud.key, (port,))


def _fixed(site: Site, network: PlannedNetwork) -> set[IPv4Address]:
    """Addresses that belong to somebody already, so that Neutron must not hand them out."""
    taken = {member.ports[network.name] for member in site.firewall.members if network.name in member.ports}
    taken |= {host.address for host in site.hosts.values() if host.network == network.name}
    gateway = _gateway(network)
    if gateway:
        taken.add(IPv4Address(gateway))
    if network.subnet == site.block:
        taken.add(site.gateway)
    return {address for address in taken if address in network.subnet}


def pools(network: PlannedNetwork, fixed: set[IPv4Address]) -> tuple[tuple[str, str], ...]:
    """What Neutron may hand out by itself: the plan's pool, or the whole subnet, without the addresses that are fixed."""
    subnet = network.subnet
    pool = network.cloud.pool if network.cloud else None
    first, last = pool or (subnet[1], subnet[-2])
    found: list[tuple[str, str]] = []
    start = int(first)
    for taken in [*sorted(int(address) for address in fixed if first <= address <= last), int(last) + 1]:
        if start < taken:
            found.append((str(IPv4Address(start)), str(IPv4Address(taken - 1))))
        start = taken + 1
    return tuple(found)


def _path(deployment: Deployment, written: str) -> Path:
    return deployment.folder / Path(written).expanduser()


def _public_key(deployment: Deployment, cloud: Cloud) -> str:
    path = _path(deployment, cloud.public_key)
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as why:
        raise PlanIncomplete(f"{deployment.plan}: cloud.public_key: {path} cannot be read: {_reason(why)}") from None
    if len(words) < 2 or "PRIVATE" in words[:3]:
        raise PlanIncomplete(f"{deployment.plan}: cloud.public_key: {path} is no OpenSSH public key")
    return " ".join(words[:2])


def _reason(why: Exception) -> str:
    return why.strerror or str(why) if isinstance(why, OSError) else "it is no text"


def examined(image: Image) -> Image:
    """The image with its file's SHA-512, which Glance computes too. Raises PlanIncomplete for another file."""
    known, whole = hashlib.sha256(), hashlib.sha512()
    try:
        with image.file.open("rb") as file:
            begin = file.read(len(_QCOW2))
            file.seek(0)
            while block := file.read(_BLOCK):
                known.update(block)
                whole.update(block)
    except OSError as why:
        raise PlanIncomplete(f"image {image.name}: {image.file} cannot be read: {why.strerror}") from None
    if (begin == _QCOW2) != (image.disk_format == "qcow2"):
        holds = "is a qcow2 file" if begin == _QCOW2 else "is none"
        raise PlanIncomplete(
            f"image {image.name}: cloud.appliances.image.disk_format is {image.disk_format!r} and {image.file} {holds}:"
            " Nova refuses to boot such an image"
        )
    if image.sha256 not in ("", known.hexdigest()):
        raise PlanIncomplete(
            f"image {image.name}: {image.file} is not the file that the plan means: its SHA-256 is {known.hexdigest()}"
        )
    return replace(image, sha512=whole.hexdigest())
