"""Nova's share: key pairs, server groups and servers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from provisioning.cloud.region import Names, Region
from provisioning.cloud.resources import Found, Image, KeyPair, Port, Server, ServerGroup

FIRST_BOOT = "rempart_first_boot"
"""The metadata key that remembers which first-boot script a server was given."""


def found(region: Region, images: Names, ports: dict[str, tuple[str, ...]]) -> Iterator[Found]:
    """All of the project's servers and server groups, and the one key pair that concerns us.

    ``images`` are names by id, ``ports`` the names of the ports of each server by its id.
    """
    compute = region.cloud.compute
    pair = compute.find_keypair(region.key_pair, ignore_missing=True)
    if pair is not None:
        ours = pair.name.startswith(region.mark.tag)
        yield Found(region.key(KeyPair.kind, pair.name), pair.name, ours, {"public key": _bare(pair.public_key)})
    for group in compute.server_groups():
        policy = group.policy or ", ".join(group.policies or ())
        key, ours = region.key(ServerGroup.kind, group.name), region.mark.names(group.name)
        yield Found(key, group.id, ours, {"policy": policy}, used_by=next(iter(group.member_ids or ()), ""))
    flavors = cache(lambda: {each.id: each.name for each in compute.flavors()})
    for server in compute.servers(details=True):
        yield _server(region, server, flavors, images, ports)


def _server(
    region: Region, server: Any, flavors: Callable[[], Names], images: Names, ports: dict[str, tuple[str, ...]]
) -> Found:
    metadata = server.metadata or {}
    flavor, image = server.flavor or {}, (server.image or {}).get("id") or ""
    values = {
        "flavor": flavor.get("original_name") or flavors().get(flavor.get("id") or "", flavor.get("name") or ""),
        "image": images.get(image, image),
        "image id": image,
        "key pair": server.key_name,
        "ports": tuple(sorted(ports.get(server.id, ()))),
        "first boot": metadata.get(FIRST_BOOT, ""),
        "status": server.status,
    }
    return Found(
        region.key(Server.kind, server.name),
        server.id,
        metadata.get("rempart") == region.mark.tag,
        values,
        server.created_at or "",
        unfinished=f"it is in ERROR: {fault_of(server)}" if server.status == "ERROR" else "",
        growing=server.status == "BUILD",
        used_by="" if server.status == "ERROR" else server.id,
    )


def fault_of(server: Any) -> str:
    """Why Nova gave up on a server."""
    return str((server.fault or {}).get("message") or "Nova gives no reason")


def create_key_pair(region: Region, wanted: KeyPair) -> str:
    """A key pair, of which OpenStack gets the public key only."""
    return str(region.cloud.compute.create_keypair(name=wanted.name, public_key=wanted.public_key).name)


def create_group(region: Region, wanted: ServerGroup) -> str:
    """A server group."""
    return str(region.cloud.compute.create_server_group(name=wanted.name, policies=[wanted.policy]).id)


def create_server(region: Region, wanted: Server, fill: Callable[[str], str]) -> str:
    """Ask for a server; that it starts has to be waited for. ``fill`` puts secrets in the place of their references."""
    compute = region.cloud.compute
    optional: dict[str, Any] = {}
    if wanted.first_boot:
        optional["user_data"] = base64.b64encode(fill(wanted.first_boot).encode()).decode()
        optional["config_drive"] = True  # which way the appliance looks for it is not documented: it gets both
    if wanted.group:
        optional["scheduler_hints"] = {"group": region.id_of(ServerGroup.kind, wanted.group)}
    made = compute.create_server(
        name=wanted.name,
        flavor_id=region.offered("flavor", wanted.flavor, compute.flavors),
        image_id=region.id_of(Image.kind, wanted.image),
        key_name=wanted.key_pair,
        networks=[{"port": region.id_of(Port.kind, name)} for name in wanted.ports],
        metadata={**region.mark.metadata, **({FIRST_BOOT: wanted.digest} if wanted.digest else {})},
        **optional,
    )
    return str(made.id)


def start(region: Region, identifier: str) -> None:
    """Start a server that is off."""
    region.cloud.compute.start_server(identifier)


def delete(region: Region, each: Found) -> None:
    """Delete one of ours; that it is gone already is well. That a server is gone has to be waited for."""
    compute = region.cloud.compute
    {
        KeyPair.kind: compute.delete_keypair,
        ServerGroup.kind: compute.delete_server_group,
        Server.kind: compute.delete_server,
    }[each.key.kind](each.id, ignore_missing=True)


def _bare(public_key: str) -> str:
    return " ".join(public_key.split()[:2])
