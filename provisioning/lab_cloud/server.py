"""A server as Nova's virt driver tells of it: the file ``server.json`` in a folder of its own (the lab's ``servers/ID``).

The driver (:mod:`lab.control_plane.services.booting`) writes it; nothing here asks OpenStack for anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

FILE = "server.json"
PROCESS = "process"
"""The identity of the server's first process; there once the server is."""
CONSOLE = "console.log"


@dataclass(frozen=True, slots=True)
class Vif:
    """An interface, as its port and subnet say. ``vlan`` is None on the provider's public network.

    ``dhcp`` are the addresses of the subnet's DHCP service, with the hardware address of each; empty where it has none.
    """

    port: str
    mac: str
    vlan: int | None
    network: str
    address: IPv4Interface
    gateway: IPv4Address | None
    nameservers: tuple[IPv4Address, ...]
    routes: tuple[tuple[IPv4Network, IPv4Address], ...]
    dhcp: tuple[tuple[IPv4Address, str], ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A server. ``hostname`` is what Nova makes of its ``name``: letters, digits, hyphens.

    ``distribution`` is its image's ``os_distro``, empty for an image that does not say, as an appliance's.
    """

    folder: Path
    name: str
    hostname: str
    region: str
    distribution: str
    key: str
    user_data: bytes = field(repr=False)
    vifs: tuple[Vif, ...]


def read(folder: Path) -> Server:
    """The server of a folder. Raises OSError, and ValueError or KeyError for what is no server."""
    told: Mapping[str, Any] = json.loads((folder / FILE).read_text())
    return Server(
        folder=folder,
        name=told["name"],
        hostname=told["hostname"],
        region=told["region"],
        distribution=told["distribution"],
        key=told["key"],
        user_data=bytes.fromhex(told["user_data"]),
        vifs=tuple(_vif(each) for each in told["vifs"]),
    )


def those_that_run(servers: Path) -> Iterator[Server]:
    """All that were created and are not deleted, switched on or off."""
    for folder in sorted(servers.iterdir()) if servers.is_dir() else ():
        if (folder / PROCESS).exists():
            yield read(folder)


def _vif(told: Mapping[str, Any]) -> Vif:
    return Vif(
        port=told["port"],
        mac=told["mac"],
        vlan=told["vlan"],
        network=told["network"],
        address=IPv4Interface(told["address"]),
        gateway=IPv4Address(told["gateway"]) if told["gateway"] else None,
        nameservers=tuple(map(IPv4Address, told["nameservers"])),
        routes=tuple((IPv4Network(to), IPv4Address(via)) for to, via in told["routes"]),
        dhcp=tuple((IPv4Address(address), mac) for address, mac in told["dhcp"]),
    )
