"""A deployment's plan as plain data, for a record: sites, segments, hosts with their planned addresses, tunnels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from provisioning.deployment import Deployment
from provisioning.deployment_model import Network, Site

INTERNET = "internet"

Row = dict[str, Any]


def outline(deployment: Deployment) -> dict[str, list[Row]]:
    """The plan's ``sites``, ``segments``, ``hosts`` and ``tunnels``, as ``reports.entries.Topology`` has them."""
    sites = deployment.sites.values()
    vlans = sorted({(network.vlan, network.segment) for site in sites for network in site.networks.values()})
    return {
        "sites": [
            {
                "name": one.name,
                "region": one.region,
                "distance_ms": one.distance_ms,
                "pools": [pool.protocol for pool in one.pools],
            }
            for one in sites
        ],
        "segments": [{"name": INTERNET, "vlan": None}, *({"name": name, "vlan": vlan} for vlan, name in vlans)],
        "hosts": [*(host for site in sites for host in _site(deployment, site)), *_internet(deployment)],
        "tunnels": [{"sites": list(one.sites), "networks": list(one.networks)} for one in deployment.tunnels],
    }


def _site(deployment: Deployment, site: Site) -> Iterator[Row]:
    external = site.network_of("external")
    yield _host(
        f"gw-{site.name}",
        "gateway",
        site.name,
        _interface("eth0", external.segment, [IPv4Interface(f"{site.gateway}/{site.block.prefixlen}")]),
        _interface("eth1", INTERNET, [site.gateway_internet]),
    )
    for member in site.firewall.members:
        networks = [site.networks[name] for name in site.firewall.nics]
        held = [member.ha_address] if member.ha_address else []
        yield _host(
            member.id,
            "appliance",
            site.name,
            *(
                _interface(f"eth{place}", one.segment, held if one.role == "ha" else _firewall(deployment, site, one))
                for place, one in enumerate(networks)
            ),
        )
    for host in site.hosts.values():
        network = site.networks[host.network]
        plugged = _interface("eth0", network.segment, [site.host_interface(host)], host.trunk)
        yield _host(host.id, "baremetal" if host.trunk else host.role, site.name, plugged)
    served = [network for network in site.networks.values() if network.dhcp]
    plugs = (_interface(f"eth{place}", one.segment, one.dhcp) for place, one in enumerate(served))
    yield _host(f"dhcp-{site.name}", "dhcp", site.name, *plugs)


def _firewall(deployment: Deployment, site: Site, network: Network) -> list[IPv4Interface]:
    found = deployment.interface(site.name, network.name)
    return [found.address] if found is not None and found.address is not None else []


def _internet(deployment: Deployment) -> Iterator[Row]:
    internet = deployment.internet
    public = dict.fromkeys((internet.public, internet.mirror, internet.resolver))
    yield _host("public", "public", "", _interface("eth0", INTERNET, public))
    for name, address in (("admin", internet.admin), ("stranger", internet.stranger), ("vpn-client", internet.vpn_client)):
        yield _host(name, name, "", _interface("eth0", INTERNET, [address]))


def _host(name: str, role: str, site: str, *interfaces: Row) -> Row:
    return {"name": name, "role": role, "site": site, "interfaces": list(interfaces)}


def _interface(name: str, segment: str, addresses: Iterable[IPv4Address | IPv4Interface], vlans: tuple[int, ...] = ()) -> Row:
    return {"name": name, "segment": segment, "vlans": list(vlans), "addresses": [str(one) for one in addresses]}
