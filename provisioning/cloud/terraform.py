"""The plan as Terraform, for teams who keep their infrastructure so: the same resources, with the ``openstack`` provider.

Attribute names are those of terraform-provider-openstack 3.x. Secrets become sensitive variables; no state is read or written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from provisioning.cloud.region import Mark
from provisioning.cloud.resources import (
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
from provisioning.secrets import REFERENCE

_HEAD = """\
# Written by 'rempart cloud plan --terraform' from {plan}: change that, and write this again.
# What carries the tag {tag} belongs to it.

terraform {{
  required_version = ">= 1.3"
  required_providers {{
    openstack = {{
      source  = "terraform-provider-openstack/openstack"
      version = ">= 3.0.0, < 4.0.0"
    }}
  }}
}}

variable "cloud" {{
  description = "The cloud's name in clouds.yaml"
  type        = string
}}
"""


class Reference(str):
    """An expression, written without quotes."""

    __slots__ = ()


def files(wanted: Sequence[Resource], tag: str, plan: str, folder: Path) -> dict[str, str]:
    """File texts by name, below ``folder``."""
    writing = _Writing(wanted, tag, folder)
    blocks = [block for resource in wanted for block in writing.blocks(resource)]
    templates = writing.templates
    secrets = sorted({name for text in templates.values() for name in REFERENCE.findall(text)})
    head = _HEAD.format(plan=plan, tag=tag)
    head += "".join(f"\n{_block(('variable', name), {'type': Reference('string'), 'sensitive': True})}" for name in secrets)
    regions = sorted({resource.region for resource in wanted})
    head += "".join(
        f"\n{_block(('provider', 'openstack'), {'alias': _slug(name), 'cloud': Reference('var.cloud'), 'region': name})}"
        for name in regions
    )
    return {
        "main.tf": head,
        "resources.tf": "\n".join([*writing.data, *blocks]),
        **{name: REFERENCE.sub(r"${\1}", text) for name, text in templates.items()},
    }


class _Writing:
    """One writing: what is planned, and what of the cloud's own is referred to."""

    def __init__(self, wanted: Sequence[Resource], tag: str, folder: Path) -> None:
        self._mark = Mark(tag)
        self._folder = folder
        self._planned = {resource.key for resource in wanted}
        self._data: dict[str, str] = {}
        self.templates = {
            _template(server): server.first_boot for server in wanted if isinstance(server, Server) and server.first_boot
        }

    @property
    def data(self) -> list[str]:
        """What the cloud offers and the resources refer to."""
        return list(self._data.values())

    def blocks(self, resource: Resource) -> Iterator[str]:
        """A resource in HCL: one block, or several."""
        match resource:
            case KeyPair():
                yield self._resource("compute_keypair_v2", resource, {"public_key": resource.public_key})
            case Image():
                yield self._resource("images_image_v2", resource, self._image(resource))
            case ServerGroup():
                yield self._resource("compute_servergroup_v2", resource, {"policies": [resource.policy]})
            case SecurityGroup():
                yield self._resource("networking_secgroup_v2", resource, self._marked({}))
                yield from self._rules(resource)
            case Network():
                yield self._resource("networking_network_v2", resource, self._network(resource))
            case Subnet():
                yield self._resource("networking_subnet_v2", resource, self._subnet(resource))
            case Port():
                yield self._resource("networking_port_v2", resource, self._port(resource))
            case Server():
                yield self._resource("compute_instance_v2", resource, self._server(resource))

    def _marked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"description": self._mark.description, **values, "tags": [self._mark.tag]}

    def _resource(self, kind: str, resource: Resource, values: Mapping[str, Any]) -> str:
        head = {"provider": Reference(f"openstack.{_slug(resource.region)}"), "name": resource.name}
        return _block(("resource", f"openstack_{kind}", _label(resource.region, resource.name)), {**head, **values})

    def _image(self, image: Image) -> dict[str, Any]:
        return {
            "local_file_path": Reference(f'"${{path.module}}/{relpath(image.file, self._folder)}"'),
            "disk_format": image.disk_format,
            "container_format": "bare",
            "protected": image.protected,
            "tags": [self._mark.tag],
        }

    def _network(self, network: Network) -> dict[str, Any]:
        provider = {"provider:network_type": "vrack", "provider:segmentation_id": str(network.vlan)}
        return self._marked(
            {
                "port_security_enabled": network.port_security,
                **({"mtu": network.mtu} if network.mtu else {}),
                "value_specs": provider,
            }
        )

    def _subnet(self, subnet: Subnet) -> dict[str, Any]:
        gateway = {"gateway_ip": subnet.gateway} if subnet.gateway else {"no_gateway": True}
        return self._marked(
            {
                "network_id": self._id("networking_network_v2", subnet.region, subnet.network),
                "cidr": subnet.addresses,
                **gateway,
                "enable_dhcp": subnet.dhcp,
                "dns_nameservers": list(subnet.dns),
                "allocation_pool": [{"start": first, "end": last} for first, last in subnet.pools],
            }
        )

    def _port(self, port: Port) -> dict[str, Any]:
        ours = any(key[0] == port.region and key[1:] == (Network.kind, port.network) for key in self._planned)
        network = (
            self._id("networking_network_v2", port.region, port.network)
            if ours
            else self._offered("networking_network_v2", port.region, port.network)
        )
        values: dict[str, Any] = {"network_id": network, "port_security_enabled": port.port_security}
        if port.groups:
            values["security_group_ids"] = [self._id("networking_secgroup_v2", port.region, name) for name in port.groups]
        else:
            values["no_security_groups"] = True
        if ours:
            subnet = {"subnet_id": self._id("networking_subnet_v2", port.region, port.network)}
            values["fixed_ip"] = [subnet | ({"ip_address": port.address} if port.address else {})]
        return self._marked(values)

    def _rules(self, group: SecurityGroup) -> Iterator[str]:
        for protocol, port in group.admits:
            values: dict[str, Any] = {
                "provider": Reference(f"openstack.{_slug(group.region)}"),
                "security_group_id": self._id("networking_secgroup_v2", group.region, group.name),
                "direction": "ingress",
                "ethertype": "IPv4",
            }
            if protocol != "any":
                values |= {"protocol": protocol, "port_range_min": port, "port_range_max": port}
            label = f"{_label(group.region, group.name)}_{protocol}_{port}"
            yield _block(("resource", "openstack_networking_secgroup_rule_v2", label), values)

    def _server(self, server: Server) -> dict[str, Any]:
        image_planned = any(key[0] == server.region and key[1:] == (Image.kind, server.image) for key in self._planned)
        image = (
            self._id("images_image_v2", server.region, server.image)
            if image_planned
            else self._offered("images_image_v2", server.region, server.image)
        )
        values: dict[str, Any] = {
            "flavor_name": server.flavor,
            "image_id": image,
            "key_pair": Reference(f"openstack_compute_keypair_v2.{_label(server.region, server.key_pair)}.name"),
            "metadata": dict(self._mark.metadata),
        }
        if server.first_boot:
            secrets = ", ".join(f"{name} = var.{name}" for name in sorted(set(REFERENCE.findall(server.first_boot))))
            values["user_data"] = Reference(f'templatefile("${{path.module}}/{_template(server)}", {{ {secrets} }})')
            values["config_drive"] = True
        values["network"] = [{"port": self._id("networking_port_v2", server.region, name)} for name in server.ports]
        if server.group:
            values["scheduler_hints"] = [{"group": self._id("compute_servergroup_v2", server.region, server.group)}]
        return values

    def _id(self, kind: str, region: str, name: str) -> Reference:
        return Reference(f"openstack_{kind}.{_label(region, name)}.id")

    def _offered(self, kind: str, region: str, name: str) -> Reference:
        """What the cloud has of its own, looked up by name."""
        label = _label(region, name)
        values = {"provider": Reference(f"openstack.{_slug(region)}"), "name": name}
        self._data[f"{kind}.{label}"] = _block(("data", f"openstack_{kind}", label), values)
        return Reference(f"data.openstack_{kind}.{label}.id")


def _template(server: Server) -> str:
    return f"first-boot-{_label(server.region, server.name)}.sh.tftpl"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _label(region: str, name: str) -> str:
    return f"{_slug(region)}_{_slug(name)}"


def _block(words: Sequence[str], values: Mapping[str, Any]) -> str:
    head = " ".join([words[0], *(f'"{word}"' for word in words[1:])])
    return f"{head} {{\n{_body(values, '  ')}}}\n"


def _body(values: Mapping[str, Any], indent: str) -> str:
    """Attributes in Terraform's own layout: signs of equality below one another, nested blocks after them."""
    plain = {name: value for name, value in values.items() if not _is_blocks(value)}
    width = max(map(len, plain), default=0)
    lines = [f"{indent}{name.ljust(width)} = {_value(value, indent)}\n" for name, value in plain.items()]
    for name, value in values.items():
        if _is_blocks(value):
            lines += [f"\n{indent}{name} {{\n{_body(each, indent + '  ')}{indent}}}\n" for each in value]
    return "".join(lines)


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value: Any, indent: str) -> str:
    match value:
        case Reference():
            return str(value)
        case list():
            return f"[{', '.join(_value(each, indent) for each in value)}]"
        case dict():
            width = max(len(_name(name)) for name in value)
            lines = (f"{indent}  {_name(name).ljust(width)} = {_value(each, indent)}\n" for name, each in value.items())
            return f"{{\n{''.join(lines)}{indent}}}"
        case bool():
            return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _name(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else json.dumps(name)
