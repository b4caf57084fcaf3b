"""What must hold between the values of a ``deployment.toml``: addresses in networks, names known, nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from pathlib import Path

from provisioning.deployment_model import Internet, Member, Network, SecretReference, Site, Tunnel
from provisioning.toml_lines import Place
from provisioning.toml_table import NO_ADDRESS, NO_NETWORK, Findings

ALWAYS_NEEDED = "admin_password"
"""The secret that every deployment has: the password of ``admin`` on the appliances."""

LONGEST_CLUSTER = 2  # SNS high availability is active/passive with two members
# What becomes part of host names: two of them and a few letters fit into the 63 that a host name may have.
_NAME = re.compile(r"(?=.{1,28}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME_RULE = "use lower-case letters, digits and '-', 28 at most"
_DEPLOYMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")  # it becomes part of folder names
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_SMALLEST_BLOCK = 30  # an Additional IP block has at least 4 addresses
_SMALLEST_POOL = 28  # the product refuses a smaller SSL VPN client network


def check_name(name: str, findings: Findings) -> None:
    """The deployment's own name."""
    if name and not _DEPLOYMENT_NAME.fullmatch(name):
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        findings.add(("name",), f"{shown!r} is no name", "use letters, digits, '-', '_' and '.', 60 at most")


def check_site(site: Site, findings: Findings) -> None:
    """What one site must respect on its own."""
    if not _NAME.fullmatch(site.name):
        findings.add(site.place, f"{site.name!r} is no site name", _NAME_RULE)
    _check_block(site, findings)
    for network in site.networks.values():
        _check_network(network, findings)
    _check_firewall(site, findings)
    _check_hosts(site, findings)
    _check_services(site, findings)


def _check_block(site: Site, findings: Findings) -> None:
    if site.block == NO_NETWORK:
        return
    if site.block.prefixlen > _SMALLEST_BLOCK:
        findings.add((*site.place, "block"), f"{site.block} is too small", "an Additional IP block is a /30 or larger")
    for place, address in [
        ((*site.place, "gateway"), site.gateway),
        *(((*site.place, "released", number), address) for number, address in enumerate(site.released)),
    ]:
        _check_inside(place, address, site.block, "the site's block", findings)


def _check_inside(place: Place, address: IPv4Address, network: IPv4Network, what: str, findings: Findings) -> None:
    """An address must be a usable one of its network; values that could not be read were already reported."""
    if address == NO_ADDRESS or network == NO_NETWORK:
        return
    if address not in network:
        findings.add(place, f"{address} is outside {what} {network}", f"choose an address of {network}")
    elif network.prefixlen < 31 and address in (network.network_address, network.broadcast_address):
        findings.add(place, f"{address} is the network or broadcast address of {network}", "choose one between them")


def _check_network(network: Network, findings: Findings) -> None:
    if not _NAME.fullmatch(network.name):
        findings.add(network.place, f"{network.name!r} is no network name", _NAME_RULE)
    if network.role == "external" and network.vlan != 0:
        findings.add((*network.place, "vlan"), f"VLAN {network.vlan} on an external network", "public blocks live on VLAN 0")
    if network.role != "external" and network.vlan == 0:
        findings.add((*network.place, "vlan"), f"VLAN 0 on a network of role {network.role}", "write 1 to 4094")
    for number, address in enumerate(network.dhcp):
        _check_inside((*network.place, "dhcp", number), address, network.subnet, "the subnet", findings)
    if network.cloud is not None:
        for number, address in enumerate(network.cloud.pool or ()):
            _check_inside((*network.cloud.place, "pool", number), address, network.subnet, "the subnet", findings)
        if network.cloud.gateway is not None:
            _check_inside((*network.cloud.place, "gateway"), network.cloud.gateway, network.subnet, "the subnet", findings)


def _check_firewall(site: Site, findings: Findings) -> None:
    firewall = site.firewall
    nics_place = (*firewall.place, "nics")
    for number, nic in enumerate(firewall.nics):
        if nic not in site.networks:
            known = ", ".join(site.networks) or "none"
            findings.add((*nics_place, number), f"unknown network {nic!r}", f"networks of {site.name}: {known}")
    roles = [site.networks[nic].role for nic in firewall.nics if nic in site.networks]
    for role in ("external", "private"):
        if role not in roles:
            findings.add(nics_place, f"no {role} network among the firewall's", f"list a network of role {role!r}")
    if not 1 <= len(firewall.members) <= LONGEST_CLUSTER:
        findings.add((*firewall.place, "members"), f"{len(firewall.members)} members", "a firewall is one appliance, or a pair")
    if firewall.is_cluster and "ha" not in roles:
        findings.add(nics_place, "a cluster without an HA network", 'list a network of role "ha"')
    ha = next((site.networks[n] for n in firewall.nics if n in site.networks and site.networks[n].role == "ha"), None)
    for member in firewall.members:
        place = (*member.place, "ha_address")
        if member.ha_address is not None and ha is None:
            findings.add(place, "an HA address without an HA network", "remove it, or add the network to nics")
        elif member.ha_address is None and ha is not None:
            findings.add(member.place, "no ha_address", f"give the member an address of {ha.subnet}")
        elif member.ha_address is not None and ha is not None:
            _check_inside(place, member.ha_address, ha.subnet, "the subnet", findings)
        _check_ports(site, member, findings)
        if len(member.macs) != len(firewall.nics):
            findings.add((*member.place, "macs"), f"{len(member.macs)} MACs for {len(firewall.nics)} NICs", "one each")


def _check_ports(site: Site, member: Member, findings: Findings) -> None:
    for name, address in member.ports.items():
        place = (*member.place, "ports", name)
        if name not in site.firewall.nics:
            findings.add(place, f"the firewall is not on {name!r}", f"its networks: {', '.join(site.firewall.nics)}")
        elif name in site.networks and site.networks[name].role != "ha":
            _check_inside(place, address, site.networks[name].subnet, "the subnet", findings)


def _check_hosts(site: Site, findings: Findings) -> None:
    for host in site.hosts.values():
        if not _NAME.fullmatch(host.name):
            findings.add(host.place, f"{host.name!r} is no host name", _NAME_RULE)
        network = site.networks.get(host.network)
        if network is None:
            if host.network:
                known = ", ".join(site.networks) or "none"
                findings.add((*host.place, "network"), f"unknown network {host.network!r}", f"known: {known}")
            continue
        _check_inside((*host.place, "address"), host.address, network.subnet, "the subnet", findings)
        if host.role == "bare-metal" and not host.trunk:
            findings.add(host.place, "a bare-metal server without trunk", f"write trunk = [{network.vlan}]")
        if host.trunk and network.vlan not in host.trunk:
            findings.add((*host.place, "trunk"), f"VLAN {network.vlan} of {network.name} is not on the trunk", "add it")
        for number, vlan in enumerate(host.trunk):
            if not 1 <= vlan <= 4094:
                findings.add((*host.place, "trunk", number), f"{vlan} is out of range", "a tag is 1 to 4094")


def _check_services(site: Site, findings: Findings) -> None:
    for service in site.published:
        if service.host and service.host not in site.hosts:
            known = ", ".join(site.hosts) or "none"
            findings.add((*service.place, "host"), f"unknown host {service.host!r}", f"hosts of {site.name}: {known}")
    for pool in site.pools:
        place = (*pool.place, "network")
        if pool.network != NO_NETWORK and pool.network.prefixlen > _SMALLEST_POOL:
            findings.add(place, f"{pool.network} is too small", "an SSL VPN client network is a /28 or larger")
        for network in site.networks.values():
            _check_apart(place, pool.network, network.subnet, f"{site.name}.{network.name}", findings)
    if site.pools and not site.people:
        findings.add((*site.place, "pools"), "SSL VPN pools, and nobody to use them", "add [[people]] to the site")
    _check_unique((((*pool.place, "protocol"), pool.protocol) for pool in site.pools), "protocol", findings)
    _check_unique((((*entry.place, "name"), entry.name) for entry in site.published), "name", findings)
    _check_unique((((*entry.place, "port"), f"{entry.protocol} {entry.port}") for entry in site.published), "port", findings)


def _check_apart(place: Place, ours: IPv4Network, theirs: IPv4Network, what: str, findings: Findings) -> None:
    if NO_NETWORK not in (ours, theirs) and ours.overlaps(theirs):
        findings.add(place, f"{ours} overlaps {what} ({theirs})", "choose networks apart: packets could go either way")


def check_between_sites(sites: Mapping[str, Site], internet: Internet, findings: Findings) -> None:
    """What the sites must respect together: the vRack and the Internet are shared by all."""
    first = next(iter(sites.values()), None)
    if first is not None and first.distance_ms:
        findings.add((*first.place, "distance_ms"), "the first site is where distances count from", "write 0")
    _check_unique(_machine_macs(sites.values(), findings), "MAC", findings)
    _check_unique(_machine_addresses(sites.values(), internet), "address", findings)
    _check_unique(
        (((*member.place, "serial"), member.serial) for site in sites.values() for member in site.firewall.members),
        "serial",
        findings,
    )
    distances: dict[str, float] = {}
    for site in sites.values():
        if distances.setdefault(site.region, site.distance_ms) != site.distance_ms:
            findings.add((*site.place, "distance_ms"), f"another distance for region {site.region}", "one region, one distance")
    for one, other in combinations(sites.values(), 2):
        _check_apart((*other.place, "block"), other.block, one.block, f"the block of {one.name}", findings)
        for ours in other.networks.values():
            for theirs in one.networks.values():
                if ours.vlan == theirs.vlan:
                    what = f"{one.name}.{theirs.name} on the same VLAN {ours.vlan}"
                    _check_apart((*ours.place, "subnet"), ours.subnet, theirs.subnet, what, findings)


def _machine_macs(sites: Iterable[Site], findings: Findings) -> Iterator[tuple[Place, str]]:
    """Every MAC with the VLAN it is on: two machines may share one only where they can never meet.

    Those that follow from an address come first and once: two that are alike are a finding about the address.
    """
    derived: dict[str, Place] = {}
    written: list[tuple[Place, str]] = []
    for site in sites:
        for place, mac, network, follows in _site_macs(site):
            if not _MAC.fullmatch(mac):
                findings.add(place, f"{mac!r} is not a MAC address", "write it as 02:00:0a:c8:00:0a")
            elif int(mac[:2], 16) & 1:
                findings.add(place, f"{mac} is a multicast address", "begin it with 02")
            elif network in site.networks and follows:
                derived.setdefault(f"{mac} on VLAN {site.networks[network].vlan}", place)
            elif network in site.networks:
                written.append((place, f"{mac} on VLAN {site.networks[network].vlan}"))
    yield from ((place, mac) for mac, place in derived.items())
    yield from written


def _site_macs(site: Site) -> Iterator[tuple[Place, str, str, bool]]:
    """Place, MAC, network, and whether the MAC follows from an address."""
    for host in site.hosts.values():
        yield (*host.place, "mac"), host.mac, host.network, not host.mac_written
    for member in site.firewall.members:
        macs = zip(member.macs, site.firewall.nics, strict=False)  # another count is a finding of its own
        for number, (mac, nic) in enumerate(macs):
            yield (*member.place, "macs", number), mac, nic, not member.macs_written


def _machine_addresses(sites: Iterable[Site], internet: Internet) -> Iterator[tuple[Place, str]]:
    """Every address that one machine holds alone, with the VLAN it is on: the same private network may exist twice."""
    for name in ("resolver", "admin", "stranger", "vpn_client"):
        yield (*internet.place, name), f"{getattr(internet, name)}"
    yield (*internet.place, "public", "address"), f"{internet.public}"
    yield (*internet.place, "mirror", "address"), f"{internet.mirror}"
    for site in sites:
        yield (*site.place, "gateway"), f"{site.gateway}"
        yield (*site.place, "gateway_internet"), f"{site.gateway_internet}"
        yield from (((*site.place, "released", n), f"{address}") for n, address in enumerate(site.released))
        for network in site.networks.values():
            suffix = f" on VLAN {network.vlan}"
            yield from (((*network.place, "dhcp", n), f"{address}{suffix}") for n, address in enumerate(network.dhcp))
            if network.role == "ha":
                for member in site.firewall.members:
                    if member.ha_address is not None:
                        yield (*member.place, "ha_address"), f"{member.ha_address}{suffix}"
            else:
                for member in site.firewall.members:
                    if network.name in member.ports:
                        yield (*member.place, "ports", network.name), f"{member.ports[network.name]}{suffix}"
            for host in site.hosts.values():
                if host.network == network.name:
                    yield (*host.place, "address"), f"{host.address}{suffix}"


def _check_unique(values: Iterable[tuple[Place, str]], what: str, findings: Findings) -> None:
    """Each value once; the finding stands at the second and names the first."""
    seen: dict[str, Place] = {}
    for place, value in values:
        if not value or value.startswith(str(NO_ADDRESS)):
            continue
        if value in seen:
            findings.add(place, f"{what} {value} is already at {findings.where(seen[value])}", "give each its own")
        else:
            seen[value] = place


def check_tunnels(tunnels: Iterable[Tunnel], sites: Mapping[str, Site], findings: Findings) -> None:
    """Both ends of each tunnel exist, differ, and have networks that can be told apart."""
    for tunnel in tunnels:
        ends = []
        for number, (site, network) in enumerate(zip(tunnel.sites, tunnel.networks, strict=True)):
            place = (*tunnel.place, "between", number)
            if site and site not in sites:
                findings.add(place, f"unknown site {site!r}", f"sites: {', '.join(sites) or 'none'}")
            elif site and network not in sites[site].networks:
                known = ", ".join(sites[site].networks) or "none"
                findings.add(place, f"unknown network {network!r}", f"networks of {site}: {known}")
            elif site:
                ends.append(sites[site].networks[network])
        if len(ends) == 2:
            place = (*tunnel.place, "between")
            if tunnel.sites[0] == tunnel.sites[1]:
                findings.add(place, "both ends are the same site", "name two sites")
            else:
                name = f"{tunnel.sites[0]}.{tunnel.networks[0]}"
                _check_apart(place, ends[1].subnet, ends[0].subnet, name, findings)
    _check_unique((((*tunnel.place, "between"), tunnel.id) for tunnel in tunnels), "tunnel", findings)


def check_internet(internet: Internet, findings: Findings, sites: Iterable[Site]) -> None:
    """Everyone on the lab's Internet has an address of its network; allowed and refused names differ."""
    for name in ("resolver", "admin", "stranger", "vpn_client"):
        place = (*internet.place, name)
        _check_inside(place, getattr(internet, name), internet.network, "the Internet network", findings)
    for part, address in (("public", internet.public), ("mirror", internet.mirror)):
        place = (*internet.place, part, "address")
        _check_inside(place, address, internet.network, "the Internet network", findings)
    for site in sites:
        place = (*site.place, "gateway_internet")
        _check_inside(place, site.gateway_internet, internet.network, "the Internet network", findings)
        _check_apart((*site.place, "block"), site.block, internet.network, "the Internet network", findings)
    for number, name in enumerate(internet.refused):
        if name in internet.allowed:
            place = (*internet.place, "public", "refused", number)
            findings.add(place, f"{name} is also to be allowed", "refuse another name")


def check_secrets(
    folder: Path,
    secrets: Mapping[str, SecretReference],
    used: Iterable[tuple[Place, str]],
    findings: Findings,
) -> None:
    """Every secret that the plan names has a source, and every file named as a source is there."""
    for place, name in ((("secrets",), ALWAYS_NEEDED), *used):
        if name and name not in secrets:
            findings.add(place, f"unknown secret {name!r}", f'add {name} = "generate" (or env:, file:) to [secrets]')
    for reference in secrets.values():
        if reference.kind == "file" and not _is_file(folder / reference.source):
            findings.add(reference.place, f"no file {reference.source!r}", "make it, relative to this folder")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no permission to look, or a name that no file can have
        return False


def check_folders(folder: Path, sites: Iterable[Site], findings: Findings) -> None:
    """Each site has its configuration beside the plan."""
    for site in sites:
        try:
            is_there = (folder / site.name / "ConfigFiles").is_dir()
        except OSError as error:
            findings.add(site.place, f"{site.name}/ConfigFiles cannot be read: {error.strerror}", "make it readable")
            continue
        if not is_there:
            findings.add(
                site.place,
                f"no folder {site.name}/ConfigFiles",
                "export the appliance's configuration there, or copy one of deployments/guide",
            )
