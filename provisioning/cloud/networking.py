"""Neutron's share: networks, subnets, security groups and ports."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

from provisioning.cloud.region import Region
from provisioning.cloud.resources import Found, Network, Port, SecurityGroup, Subnet

ANYTHING = ("any", 0)


def found(region: Region) -> Iterator[Found]:
    """All of the project's, ours or not. Neutron's own ports (DHCP, routers) are nobody's."""
    network = region.cloud.network
    names: dict[str, str] = {}
    for each in network.networks():
        names[each.id] = each.name
        if each.project_id == region.project:
            values = {
                "vlan": each.provider_segmentation_id,
                "mtu": each.mtu,
                "port security": each.is_port_security_enabled,
            }
            yield _found(region, Network.kind, each, values)
    for each in network.subnets(project_id=region.project):
        yield _found(region, Subnet.kind, each, _subnet(each, names))
    groups = {each.id: each for each in network.security_groups(project_id=region.project)}
    group_names = {each.id: each.name for each in groups.values()}
    users: dict[str, str] = {}
    for each in network.ports(project_id=region.project):
        users |= dict.fromkeys(each.security_group_ids or (), each.id)
        if not str(each.device_owner or "").startswith("network:"):
            yield _found(region, Port.kind, each, _port(each, names, group_names), each.device_id or "")
    for each in groups.values():
        values = {"admits": _admitted(each.security_group_rules)}
        yield _found(region, SecurityGroup.kind, each, values, users.get(each.id, ""))


def _found(region: Region, kind: str, each: Any, values: dict[str, Any], used_by: str = "") -> Found:
    return Found(
        region.key(kind, each.name or each.id),
        each.id,
        region.mark.on(each),
        values,
        each.created_at or "",
        marked=region.mark.tag in (each.tags or ()),
        used_by=used_by,
    )


def _subnet(each: Any, names: dict[str, str]) -> dict[str, Any]:
    pools = [(pool["start"], pool["end"]) for pool in each.allocation_pools or ()]
    return {
        "network": names.get(each.network_id, each.network_id),
        "addresses": each.cidr,
        "gateway": each.gateway_ip,
        "dhcp": each.is_dhcp_enabled,
        "dns": tuple(each.dns_nameservers or ()),
        "pools": tuple(sorted(pools, key=lambda pool: IPv4Address(pool[0]))),
    }


def _port(each: Any, names: dict[str, str], groups: dict[str, str]) -> dict[str, Any]:
    addresses = [fixed["ip_address"] for fixed in each.fixed_ips or ()]
    return {
        "network": names.get(each.network_id, each.network_id),
        "port security": each.is_port_security_enabled,
        "security groups": tuple(sorted(groups.get(group, group) for group in each.security_group_ids or ())),
        "address": addresses[0] if len(addresses) == 1 else tuple(addresses),
        "mac": each.mac_address,
    }


def _admitted(rules: Any) -> tuple[tuple[str, int], ...]:
    return tuple(
        sorted(
            (rule.get("protocol") or "any", rule.get("port_range_min") or 0)
            for rule in rules or ()
            if rule["direction"] == "ingress" and rule["ethertype"] == "IPv4" and not rule.get("remote_group_id")
        )
    )


def create_network(region: Region, wanted: Network) -> str:
    """A network of the vRack."""
    made = region.cloud.network.create_network(
        name=wanted.name,
        description=region.mark.description,
        provider_network_type="vrack",
        provider_segmentation_id=wanted.vlan,
        is_port_security_enabled=wanted.port_security,
        **({"mtu": wanted.mtu} if wanted.mtu else {}),
    )
    return _tagged(region, made)


def update_network(region: Region, wanted: Network, identifier: str) -> None:
    """All but the VLAN can change. The tag comes first, here and below: then each request is a step that stays."""
    network = region.cloud.network
    _tagged(region, network.get_network(identifier))
    network.update_network(
        identifier, is_port_security_enabled=wanted.port_security, **({"mtu": wanted.mtu} if wanted.mtu else {})
    )


def create_subnet(region: Region, wanted: Subnet) -> str:
    """A subnet of a network of ours."""
    made = region.cloud.network.create_subnet(
        name=wanted.name,
        description=region.mark.description,
        network_id=region.id_of(Network.kind, wanted.network),
        ip_version=4,
        cidr=wanted.addresses,
        **_settings(wanted),
    )
    return _tagged(region, made)


def update_subnet(region: Region, wanted: Subnet, identifier: str) -> None:
    """All but network and addresses can change."""
    _tagged(region, region.cloud.network.get_subnet(identifier))
    region.cloud.network.update_subnet(identifier, **_settings(wanted))


def _settings(wanted: Subnet) -> dict[str, Any]:
    return {
        "gateway_ip": wanted.gateway,
        "is_dhcp_enabled": wanted.dhcp,
        "dns_nameservers": list(wanted.dns),
        "allocation_pools": [{"start": first, "end": last} for first, last in wanted.pools],
    }


def create_group(region: Region, wanted: SecurityGroup) -> str:
    """A security group with its rules."""
    made = region.cloud.network.create_security_group(name=wanted.name, description=region.mark.description)
    _tagged(region, made)
    _admit(region, made, wanted)
    return str(made.id)


def update_group(region: Region, wanted: SecurityGroup, identifier: str) -> None:
    """The rules become those that are wanted."""
    made = region.cloud.network.get_security_group(identifier)
    _tagged(region, made)
    for rule in made.security_group_rules or ():
        if rule["direction"] == "ingress" and not set(_admitted([rule])) <= set(wanted.admits):
            region.cloud.network.delete_security_group_rule(rule["id"])
    _admit(region, made, wanted)


def _admit(region: Region, group: Any, wanted: SecurityGroup) -> None:
    for protocol, port in sorted(set(wanted.admits) - set(_admitted(group.security_group_rules))):
        what = {} if (protocol, port) == ANYTHING else {"protocol": protocol, "port_range_min": port, "port_range_max": port}
        region.cloud.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ether_type="IPv4", **what
        )


def create_port(region: Region, wanted: Port) -> str:
    """A port with its address, on a network of ours or on one that the cloud offers."""
    made = region.cloud.network.create_port(
        name=wanted.name,
        description=region.mark.description,
        network_id=network_of(region, wanted.network),
        **_protection(region, wanted),
        **({"fixed_ips": [{"ip_address": wanted.address}]} if wanted.address else {}),
    )
    return _tagged(region, made)


def network_of(region: Region, name: str) -> str:
    """The id of the only network of that name that is ours or not the project's. Raises CloudError."""

    def ask() -> list[Any]:
        named = region.cloud.network.networks(name=name)
        return [each for each in named if each.project_id != region.project or region.mark.on(each)]

    return region.offered("network", name, ask)


def update_port(region: Region, wanted: Port, identifier: str) -> None:
    """All but the network can change; a server that has the port is told nothing of another address."""
    on = {"is_port_security_enabled": True} if wanted.port_security else {}
    _tagged(region, region.cloud.network.get_port(identifier))
    region.cloud.network.update_port(
        identifier,
        **on,
        **_protection(region, wanted),
        **({"fixed_ips": [{"ip_address": wanted.address}]} if wanted.address else {}),
    )


def _protection(region: Region, wanted: Port) -> dict[str, Any]:
    """Who does not own the network may not speak of port security, not even to leave it on."""
    groups = [region.id_of(SecurityGroup.kind, name) for name in wanted.groups]
    off = {} if wanted.port_security else {"is_port_security_enabled": False}
    return {**off, "security_group_ids": groups}


def _tagged(region: Region, made: Any) -> str:
    if region.mark.tag not in (made.tags or ()):
        region.cloud.network.set_tags(made, [*(made.tags or ()), region.mark.tag])
    return str(made.id)


def delete(region: Region, each: Found) -> None:
    """Delete one of ours; that it is gone already is well."""
    network = region.cloud.network
    {
        Network.kind: network.delete_network,
        Subnet.kind: network.delete_subnet,
        SecurityGroup.kind: network.delete_security_group,
        Port.kind: network.delete_port,
    }[each.key.kind](each.id, ignore_missing=True)
