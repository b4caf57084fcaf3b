"""A deployment as the drivers take it: the lab's own topology as JSON, with all services or with wires and addresses alone."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.roles.boot import ip_batch
from lab.running import SYSCTLS

if TYPE_CHECKING:
    from lab.topology import Host, Topology
    from provisioning.deployment import Deployment
    from provisioning.deployment_model import Member, Site


def topology_of(deployment: Deployment) -> Topology:
    """The deployment's topology, with secrets made for it and kept nowhere."""
    from provisioning.secrets import Secrets
    from provisioning.topology import topology

    with tempfile.TemporaryDirectory(prefix="rempart-bench-") as folder:
        return topology(deployment, Secrets(deployment.secrets, deployment.folder, store=Path(folder) / "secrets.json"))


def probe(deployment: Deployment) -> dict[str, str]:
    """Whose ping to whom tells that a lab is ready: the last site's web server, through its firewall, to the Internet."""
    last = list(deployment.sites.values())[-1]
    return {"from": last.hosts_of("web")[0].id, "to": str(deployment.internet.public)}


def as_json(deployment: Deployment, topology: Topology, *, services: bool) -> str:
    """What a peer's driver reads."""
    vlans = {segment.name: segment.vlan for segment in topology.segments}

    def data(host: Host) -> dict[str, Any]:
        nics = [
            {
                "name": nic.name,
                "mac": nic.mac,
                "vlan": vlans[nic.segment],
                # Untagged frames of a trunk belong to VLAN 0, as in lab.fabric.
                "trunk": sorted({0, *nic.trunk}) if nic.trunk else [],
                "address": str(nic.address) if nic.address else "",
            }
            for nic in host.nics
        ]
        return {
            "name": host.name,
            "nics": nics,
            "files": {path: (base64.b64encode(content).decode(), mode) for path, (content, mode) in host.files.items()},
            "boot": host.boot,
            "order": host.order,
            "sysctls": {**SYSCTLS, **host.sysctls},
            "arp_retry_ms": host.arp_retry_ms,
        }

    clusters = [[member.id for member in site.firewall.members] for site in deployment.sites.values()]
    whole = {
        "services": services,
        "hosts": [data(host) for host in topology.hosts],
        "clusters": [members for members in clusters if len(members) > 1],
        "probe": probe(deployment),
    }
    return json.dumps(whole)


def wires_only(deployment: Deployment, topology: Topology) -> Topology:
    """The same hosts on the same wires with static addresses and routes, and nothing that runs.

    Of a cluster the first member has the addresses. The bare-metal server, which tags for itself by a switch of its own,
    is put on an access port. Nothing translates addresses: the gateways know the ways to private networks.
    """
    lines = dict(_lines(deployment))
    hosts = tuple(_bare(host, lines.get(host.name, [])) for host in topology.hosts)
    return replace(topology, hosts=hosts)


def _bare(host: Host, lines: list[str]) -> Host:
    nics = tuple(replace(nic, trunk=()) for nic in host.nics)
    boot = "".join(f"{line}\n" for line in ("fail() { exit 1; }", *ip_batch(lines)))
    return replace(host, nics=nics, files={}, boot=boot, order=0, code=False, logs=())


def _lines(deployment: Deployment) -> Iterator[tuple[str, list[str]]]:
    """By host: the ``ip`` commands that its services would have seen to."""
    sites = list(deployment.sites.values())
    internet = deployment.internet
    prefix = internet.network.prefixlen
    ways = [
        f"route replace {network} via {site.gateway_internet}"
        for site in sites
        for network in (site.block, site.network_of("private").subnet)
    ]
    for site in sites:
        yield from _site(deployment, site)
        private = site.network_of("private").subnet
        others = [way for way in ways if not way.endswith(f" {site.gateway_internet}")]
        back = f"route replace {private} via {deployment.public_address(site.name)}"
        yield f"gw-{site.name}", [back, *others]
    addresses = dict.fromkeys((internet.public, internet.mirror, internet.resolver))
    yield "public", [*(f"address replace {address}/{prefix} dev eth0" for address in addresses), *ways]
    for name in ("admin", "stranger", "vpn-client"):
        yield name, ways


def _site(deployment: Deployment, site: Site) -> Iterator[tuple[str, list[str]]]:
    gateway = deployment.private_address(site.name)
    for host in site.hosts.values():
        lines = [f"address replace {site.host_interface(host)} dev eth0", f"route replace default via {gateway}"]
        yield host.id, lines
    for number, member in enumerate(site.firewall.members):
        yield member.id, list(_member(deployment, site, member, active=number == 0))
    offered = [network for network in site.networks.values() if network.dhcp]
    yield (
        f"dhcp-{site.name}",
        [
            f"address replace {own}/{network.subnet.prefixlen} dev eth{place}"
            for place, network in enumerate(offered)
            for own in network.dhcp
        ],
    )


def _member(deployment: Deployment, site: Site, member: Member, *, active: bool) -> Iterator[str]:
    for place, name in enumerate(site.firewall.nics):
        network = site.networks[name]
        if network.role == "ha":
            yield f"address replace {member.ha_address}/{network.subnet.prefixlen} dev eth{place}"
        elif active and network.role == "external":
            yield f"address replace {deployment.public_address(site.name)}/{site.block.prefixlen} dev eth{place}"
        elif active:
            address = deployment.private_address(site.name, name)
            yield f"address replace {address}/{network.subnet.prefixlen} dev eth{place}"
    if active:
        yield f"route replace default via {site.gateway}"
