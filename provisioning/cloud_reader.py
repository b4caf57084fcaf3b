"""From the ``cloud`` tables of ``deployment.toml`` to what OpenStack is asked for; what is wrong goes to the findings."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from provisioning.cloud_plan import (
    DISK_FORMATS,
    LONGEST_MTU,
    ApplianceImage,
    Cloud,
    CloudAppliances,
    CloudNetwork,
    CloudServers,
    CloudVpnClient,
)
from provisioning.toml_table import Table

NO_GATEWAY = "none"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SMALLEST_MTU = 1280  # bytes


def read_cloud(table: Table | None, deployment: str) -> Cloud | None:
    """The ``[cloud]`` table; None when the plan has none."""
    if table is None:
        return None
    cloud = Cloud(
        tag=table.text("tag", default=f"rempart-{deployment}"),
        key=table.text("key"),
        public_key=table.text("public_key"),
        mtu=table.integer("mtu", _SMALLEST_MTU, LONGEST_MTU) if table.has("mtu") else None,
        appliances=_appliances(table.table("appliances")),
        servers=_servers(table.table("servers")),
        vpn_client=_vpn_client(table.optional_table("vpn_client")),
        place=table.place,
    )
    table.close()
    return cloud


def _appliances(table: Table) -> CloudAppliances:
    appliances = CloudAppliances(
        image=_image(table.table("image")),
        flavor=table.text("flavor"),
        anti_affinity=table.flag("anti_affinity", default=False),
        first_boot=table.flag("first_boot", default=False),
        place=table.place,
    )
    table.close()
    return appliances


def _image(table: Table) -> ApplianceImage:
    sha256 = table.text("sha256", default="").lower()
    if sha256 and not _SHA256.fullmatch(sha256):
        table.findings.add(table.at("sha256"), "is no SHA-256", "write the 64 digits that sha256sum prints")
    image = ApplianceImage(
        name=table.text("name"),
        file=table.text("file"),
        disk_format=table.choice("disk_format", DISK_FORMATS),
        sha256=sha256,
        protected=table.flag("protected", default=False),
        place=table.place,
    )
    table.close()
    return image


def _servers(table: Table) -> CloudServers:
    servers = CloudServers(table.text("image"), table.text("flavor"), table.place)
    table.close()
    return servers


def _vpn_client(table: Table | None) -> CloudVpnClient | None:
    if table is None:
        return None
    client = CloudVpnClient(
        instance=table.text("instance", default="vpn-client"),
        region=table.text("region", default=""),
        network=table.text("network", default="Ext-Net"),
        image=table.text("image"),
        flavor=table.text("flavor"),
        place=table.place,
    )
    table.close()
    return client


def read_cloud_network(table: Table | None, name: str) -> CloudNetwork | None:
    """The ``cloud`` table of a network; None when it has none."""
    if table is None:
        return None
    pool = table.addresses("pool")
    if pool and (len(pool) != 2 or pool[0] > pool[1]):
        table.findings.add(table.at("pool"), "a pool has a first and a last address", 'write ["FIRST", "LAST"]')
        pool = ()
    network = CloudNetwork(
        name=table.text("name", default=name),
        gateway=_gateway(table),
        gateway_chosen=table.has("gateway"),
        port_security=table.flag("port_security", default=True),
        pool=(pool[0], pool[1]) if pool else None,
        dns=table.addresses("dns"),
        place=table.place,
    )
    table.close()
    return network


def _gateway(table: Table) -> IPv4Address | None:
    if not table.has("gateway") or table.text("gateway") == NO_GATEWAY:
        return None
    return table.address("gateway")
