"""MONITOR …: what the appliance does now: tunnels, users, connections, counters."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from lab.appliance import counters, devices, network, openvpn, programs, security_associations
from lab.appliance.errors import ProgramFailed
from lab.appliance.serverd import replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.replies import Refusal, Reply, Section
from sns.errors import ResolutionError
from sns.resolution import Resolver

_WAYS = (("in", "rx"), ("out", "tx"))
CONNECTIONS = ("conntrack", "--dump", "--output", "extended")


def rule_counters() -> dict[str, int]:
    """Packets by counter of the rule sets."""
    return {name: packets for name, (packets, _) in _counters().items()}


def _counters() -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for table in counters.TABLES:
        try:
            told = json.loads(programs.run(("nft", "-j", "list", "counters", "table", "ip", table)))
        except ProgramFailed:
            continue  # nothing was loaded yet
        for entry in told["nftables"]:
            if "counter" in entry:
                counter = entry["counter"]
                found[counter["name"]] = counter["packets"], counter["bytes"]
    return found


def _get_sa(_call: Call) -> Reply:
    lines = [
        {
            "type": "esp",
            "name": sa.connection,
            "state": "mature" if sa.established else sa.ike_state.lower(),
            "src": sa.local,
            "dst": sa.remote,
            "spi_in": sa.spi_in,
            "spi_out": sa.spi_out,
            "enc": sa.esp_proposal,
            "ike": sa.ike_proposal,
            "local": sa.local_selectors,
            "remote": sa.remote_selectors,
            "bytes_in": sa.bytes_in,
            "bytes_out": sa.bytes_out,
            "lifetime": sa.life,
            "age": sa.installed,
        }
        for sa in security_associations.security_associations()
    ]
    return replies.section_line({"Result": lines})


def _get_spd(call: Call) -> Reply:
    """The IPsec policy: a line for each tunnel and direction."""
    configuration = call.appliance.running()
    resolver = Resolver(configuration)
    lines: list[Section] = []
    for tunnel in configuration.vpn.tunnels:
        try:
            ends = [str(next(iter(resolver.addresses(name).networks()))) for name in (tunnel.local, tunnel.remote)]
        except (ResolutionError, StopIteration):
            continue
        for direction, (source, destination) in (("out", ends), ("in", reversed(ends))):
            lines.append(
                {"dir": direction, "src": source, "dst": destination, "proto": "any", "action": "ipsec", "peer": tunnel.peer}
            )
    return replies.section_line({"Result": lines})


def _openvpn_list(_call: Call) -> Reply:
    lines = [
        {"user": one.login, "transport": one.transport, "address": one.address, "origin": one.origin, "since": one.since}
        for one in openvpn.sessions()
    ]
    return replies.section_line({"Result": lines})


def _user(_call: Call) -> Reply:
    lines = [{"user": one.login, "ip": one.address, "method": "sslvpn", "since": one.since} for one in openvpn.sessions()]
    return replies.section_line({"Result": lines})


def _interface(call: Call) -> Reply:
    links, traffic = network.links(), _traffic()
    lines: list[Section] = []
    for interface in call.appliance.running().interfaces:
        device = devices.device(interface.section)
        link = links.get(device)
        if link is None:
            continue
        lines.append(
            {
                "name": interface.name,
                "ifname": interface.section,
                "state": int(link.up),
                "address": ",".join(str(address) for address in link.addresses),
                "mac": link.mac,
                "mtu": link.mtu,
                "protected": int(interface.protected),
                **traffic.get(device, {}),
            }
        )
    return replies.section_line({"Result": lines})


def _traffic() -> dict[str, dict[str, int]]:
    """Bytes and packets by device and way."""
    told: list[dict[str, Any]] = json.loads(programs.run(("ip", "-j", "-s", "link", "show")))
    return {
        one["ifname"]: {f"{what}_{way}": one["stats64"][kind][what] for way, kind in _WAYS for what in ("bytes", "packets")}
        for one in told
    }


def _filter(_call: Call) -> Reply:
    lines = [
        {"rule": counters.key(name), "packets": packets, "bytes": octets}
        for name, (packets, octets) in sorted(_counters().items())
    ]
    return replies.section_line({"Result": lines})


def _connection(_call: Call) -> Reply:
    return replies.section_line({"Result": list(_connections())})


def _connections() -> list[dict[str, str]]:
    try:
        return list(connections(programs.run(CONNECTIONS)))
    except ProgramFailed as failed:
        raise Refusal(failed.said) from failed


def connections(told: str) -> Iterator[dict[str, str]]:
    """The kernel's connections as :data:`CONNECTIONS` tells them: protocol, both ends, state."""
    for line in told.splitlines():
        words = line.split()
        tokens: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                tokens.setdefault(name, value)  # the first of each is the connection's own direction
        ends = {name: tokens.get(name, "") for name in ("src", "sport", "dst", "dport")}
        state = next((word.lower() for word in words if word.isupper() and word.isidentifier()), "")
        yield {"proto": words[2] if len(words) > 2 else "", **ends, "state": state}


def _stat(_call: Call) -> Reply:
    load = os.getloadavg()
    return replies.section(
        Result={
            "date": int(time.time()),
            "load": f"{load[0]:.2f}",
            "connections": len(_connections()),
            "sslvpn": len(openvpn.sessions()),
            "ipsec": sum(sa.established for sa in security_associations.security_associations()),
        }
    )


COMMANDS = (
    Command("MONITOR GETSA", _get_sa),
    Command("MONITOR GETSPD", _get_spd),
    Command("MONITOR OPENVPN LIST", _openvpn_list),
    Command("MONITOR USER", _user),
    Command("MONITOR INTERFACE", _interface),
    Command("MONITOR FILTER", _filter),
    Command("MONITOR CONNECTION", _connection),
    Command("MONITOR STAT", _stat),
)
