# mypy: ignore-errors
"""What OVHcloud's Neutron has and the upstream one has not: networks of type ``vrack``, VLAN 0 to 4000, and bound ports.

``Vrack`` is the type driver. ``Binding`` binds ports without an agent, and keeps the two addresses of each subnet with DHCP
that OVHcloud's DHCP service keeps.
"""

from __future__ import annotations

from typing import Any

from neutron.plugins.ml2.drivers import type_vlan
from neutron_lib import constants, exceptions
from neutron_lib.plugins import directory, utils
from neutron_lib.plugins.ml2 import api

TYPE = "vrack"
LAST_VLAN = 4000
DHCP_ADDRESSES = 2  # per subnet


class Vrack(type_vlan.VlanTypeDriver):
    """VLANs of one vRack. The database's table begins at 1 and a vRack at 0: VLAN n is kept as row n + 1."""

    def get_type(self) -> str:
        """Its name in ``provider:network_type``."""
        return TYPE

    def validate_provider_segment(self, segment: dict[str, Any]) -> None:
        """Any VLAN of the vRack, no physical network. Raises InvalidInput."""
        vlan = segment.get(api.SEGMENTATION_ID)
        if vlan is not None and not 0 <= int(vlan) <= LAST_VLAN:
            raise exceptions.InvalidInput(error_message=f"segmentation_id out of range (0 through {LAST_VLAN})")
        if segment.get(api.PHYSICAL_NETWORK) not in (None, TYPE):
            raise exceptions.InvalidInput(error_message="physical_network prohibited for vrack provider network")

    def reserve_provider_segment(self, context: Any, segment: dict[str, Any], filters: Any = None) -> dict[str, Any]:
        """Take the VLAN asked for, or any. Raises VlanIdInUse."""
        vlan = segment.get(api.SEGMENTATION_ID)
        row = {**segment, api.PHYSICAL_NETWORK: TYPE, api.SEGMENTATION_ID: None if vlan is None else int(vlan) + 1}
        try:
            return self._shown(super().reserve_provider_segment(context, row, filters))
        except exceptions.VlanIdInUse:
            raise exceptions.VlanIdInUse(vlan_id=vlan, physical_network=TYPE) from None

    def allocate_tenant_segment(self, context: Any, filters: Any = None) -> dict[str, Any] | None:
        """Any free VLAN."""
        taken = super().allocate_tenant_segment(context, filters)
        return taken and self._shown(taken)

    def release_segment(self, context: Any, segment: dict[str, Any]) -> None:
        """Give the VLAN back."""
        row = {**segment, api.PHYSICAL_NETWORK: TYPE, api.SEGMENTATION_ID: segment[api.SEGMENTATION_ID] + 1}
        super().release_segment(context, row)

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, api.NETWORK_TYPE: TYPE, api.SEGMENTATION_ID: row[api.SEGMENTATION_ID] - 1}


class Binding(api.MechanismDriver):
    """Ports become ACTIVE at once."""

    def initialize(self) -> None:
        """Nothing to prepare."""

    def bind_port(self, context: Any) -> None:
        """Bind to whatever segment there is."""
        segment = context.segments_to_bind[0]
        details = {"port_filter": False, "vrack_vlan": segment[api.SEGMENTATION_ID], "dhcp": _dhcp(context)}
        context.set_binding(segment[api.ID], "ovs", details, status="ACTIVE")

    def create_subnet_postcommit(self, context: Any) -> None:
        """Two ports for the DHCP service."""
        subnet = context.current
        if not subnet["enable_dhcp"]:
            return
        for number in range(DHCP_ADDRESSES):
            port = {
                "tenant_id": subnet["tenant_id"],
                "network_id": subnet["network_id"],
                "name": "",
                "device_owner": constants.DEVICE_OWNER_DHCP,
                "device_id": f"dhcp{number}-{subnet['network_id']}",
                "fixed_ips": [{"subnet_id": subnet["id"]}],
            }
            utils.create_port(directory.get_plugin(), context.plugin_context, {"port": port}, check_allow_post=False)


def _dhcp(context: Any) -> list[tuple[str, str]]:
    """The addresses of the DHCP service of a port's network, each with the hardware address of its port."""
    wanted = {"network_id": [context.current["network_id"]], "device_owner": [constants.DEVICE_OWNER_DHCP]}
    ports = directory.get_plugin().get_ports(context.plugin_context.elevated(), filters=wanted)
    return sorted((given["ip_address"], port["mac_address"]) for port in ports for given in port["fixed_ips"])
