"""``ennetwork``: addresses, MACs, DHCP, routes and name servers as ``network``, ``route`` and ``dns`` say.

Only what differs is changed, so that applying the same files again disturbs nobody.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from lab.appliance import configuration as configurations
from lab.appliance import devices, filtering, leases, paths, programs, routes
from lab.appliance.errors import ApplianceError, Misused, Refused
from sns.errors import ResolutionError
from sns.ini import parse
from sns.model import Configuration, Finding, Interface, Severity
from sns.resolution import Resolver

_RESOLV_CONF = Path("/etc/resolv.conf")
_USAGE = "ennetwork"


@dataclass(frozen=True, slots=True)
class Link:
    """A kernel device as it is. ``addresses`` are IPv4, in the kernel's order."""

    mac: str
    mtu: int
    up: bool
    addresses: tuple[IPv4Interface, ...]


def main(arguments: list[str]) -> int:
    """``ennetwork``: apply the network files, and the running filter policy again when addresses changed by that."""
    if arguments:
        raise Misused(_USAGE)
    with configurations.exclusive():
        before = {name: link.addresses for name, link in links().items()}
        apply(configurations.load())
        changed = before != {name: link.addresses for name, link in links().items()}
        if changed and (paths.RUNNING / "Filter" / "slotinfo").exists():
            _filter_again()
    return 0


def _filter_again() -> None:
    """Rules name the firewall's own addresses: translate the policy that runs, not one that is being edited."""
    try:
        filtering.load(configurations.load(paths.RUNNING))
    except Refused as error:
        print(f"the filter policy is as it was, on the old addresses: run enfilter\n{error}", file=sys.stderr)


def apply(configuration: Configuration) -> None:
    """Apply interfaces, then routes, then name servers, and keep a copy of the files as the running ones.

    Raises Refused, with everything that is wrong, before anything is changed; ProgramFailed when DHCP gives no address.
    """
    present = check(configuration)
    _apply_interfaces(configuration, present)
    _ask_for_addresses(configuration)
    fresh = configurations.load()  # with the addresses that DHCP gave
    routes.apply(fresh)
    _apply_name_servers(fresh)
    configurations.record(*configurations.NETWORK_FILES)


def check(configuration: Configuration) -> Mapping[str, Link]:
    """The devices that there are. Raises Refused when this cannot be applied, with everything that is wrong."""
    configurations.check(configuration, lambda file: file in configurations.NETWORK_FILES)
    present = links()
    _refuse_missing_devices(configuration, present)
    return present


def links() -> Mapping[str, Link]:
    """The devices of this network namespace, by name."""
    listed: list[dict[str, Any]] = json.loads(programs.run(("ip", "-j", "-4", "address", "show")) or "[]")
    # With -4 ``ip`` leaves the MAC out of what it prints on some versions, so links are asked for themselves.
    bare: list[dict[str, Any]] = json.loads(programs.run(("ip", "-j", "link", "show")))
    addresses = {
        entry["ifname"]: tuple(
            IPv4Interface(f"{a['local']}/{a['prefixlen']}") for a in entry["addr_info"] if a.get("family") == "inet"
        )
        for entry in listed
        if entry
    }
    return {
        entry["ifname"]: Link(
            entry.get("address", ""), entry["mtu"], "UP" in entry["flags"], addresses.get(entry["ifname"], ())
        )
        for entry in bare
    }


def changes(interface: Interface, link: Link) -> Iterator[str]:
    """The ``ip -batch`` lines that make a device what its section says. Pure; DHCP addresses are not its affair."""
    name = devices.device(interface.section)
    if not interface.enabled:
        if link.up:
            yield f"link set dev {name} down"
        yield from (f"address delete {address} dev {name}" for address in link.addresses)
        return
    if interface.mac and interface.mac != link.mac:
        yield f"link set dev {name} address {interface.mac}"
    if interface.mtu and interface.mtu != link.mtu:
        yield f"link set dev {name} mtu {interface.mtu}"
    # Old addresses go first: taking away the first address of a network takes the others of that network with it.
    yield from (f"address delete {old} dev {name}" for old in link.addresses if old != interface.address)
    if interface.address is not None and interface.address not in link.addresses:
        yield f"address add {interface.address} broadcast + dev {name}"
    if not link.up:
        yield f"link set dev {name} up"


def _apply_interfaces(configuration: Configuration, present: Mapping[str, Link]) -> None:
    lines = ["link set dev lo up"]
    for interface in configuration.interfaces:
        name = devices.device(interface.section)
        if name in present:
            if not interface.dhcp:
                leases.forget(name)
            lines += changes(interface, present[name])
    programs.run(("ip", "-batch", "-"), given="\n".join(lines) + "\n")


def _ask_for_addresses(configuration: Configuration) -> None:
    for interface in configuration.interfaces:
        if interface.enabled and interface.dhcp and interface.address is None:
            name = devices.device(interface.section)
            address = leases.ask(name)
            programs.run(("ip", "address", "replace", str(address), "broadcast", "+", "dev", name))


def _refuse_missing_devices(configuration: Configuration, present: Mapping[str, Link]) -> None:
    missing = [
        Finding(
            Severity.ERROR,
            interface.location,
            f"[{interface.section}]",
            f"this appliance has no such interface ({devices.device(interface.section)})",
            "set State=0, or give the appliance that interface",
        )
        for interface in configuration.interfaces
        if interface.enabled and devices.device(interface.section) not in present
    ]
    if missing:
        raise Refused(missing)


def _apply_name_servers(configuration: Configuration) -> None:
    source = paths.CONFIG / "dns"
    if not source.exists():
        return
    servers = name_servers(source.read_text(), Resolver(configuration))
    _RESOLV_CONF.write_text("".join(f"nameserver {server}\n" for server in servers))


def name_servers(text: str, resolver: Resolver) -> list[IPv4Address]:
    """The addresses of ``dns [Servers]``, in order. Raises ApplianceError for one that is not a host object."""
    found = []
    for line in parse("dns", text, lambda *_: None).lines("Servers"):
        try:
            found.append(resolver.address(line.text))
        except ResolutionError as error:
            raise ApplianceError(f"{line.location}: Servers: {error}") from error
    return found
