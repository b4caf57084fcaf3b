"""Nothing of the lab outside the lab: the machine's own network shows none of it, and no packet gets there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from pytest_bdd import then, when

from lab import namespace, probe
from lab.host import LabHost
from steps.eventually import watch
from steps.frames import broadcast
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

OUTSIDE = IPv4Address("192.0.2.1")  # TEST-NET-1 (RFC 5737): nobody's address, in the lab or anywhere
ARRIVES_WITHIN = 0.3  # s: twenty times the longest way through the lab
ETH_P_ALL = 3
QUEUE = 16 << 20  # bytes: a busy machine's own packets must not push ours out before they are read


@dataclass(frozen=True, slots=True)
class Network:
    """What one network namespace has: interface names, hardware addresses, addresses, and routed networks."""

    names: frozenset[str]
    macs: frozenset[str]
    addresses: frozenset[str]
    routes: frozenset[str]


def network_of(run: Callable[..., str]) -> Network:
    """The network that ``ip`` sees where ``run`` runs it."""
    links: list[dict[str, Any]] = json.loads(run("ip", "-json", "address", "show"))
    routes: list[dict[str, Any]] = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    real = [link for link in links if link["ifname"] != "lo"]
    return Network(
        names=frozenset(link["ifname"] for link in real),
        macs=frozenset(link["address"] for link in real if link.get("address")),
        addresses=frozenset(entry["local"] for link in real for entry in link["addr_info"] if entry["family"] == "inet"),
        routes=frozenset(route["dst"] for route in routes if route.get("dev") != "lo" and "/" in route["dst"]),
    )


def _here(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@when("the machine's own interfaces, addresses and routes are listed", target_fixture="own")
def _list_own() -> Network:
    return network_of(_here)


@then("none of them belongs to the lab")
def _none_of_the_lab(scene: Scene, own: Network, record: ScenarioRecorder) -> None:
    lab = scene.environment.lab
    parts = [network_of(host.must) for host in lab.hosts.values()]
    wires = frozenset(_wires(scene))
    record.observe("interfaces of the lab, by hardware address", expected=[],
                   observed=sorted(own.macs & frozenset().union(*(part.macs for part in parts))))  # fmt: skip
    record.observe("wires of the lab, by name", expected=[], observed=sorted(own.names & wires))
    record.observe("addresses of the lab", expected=[],
                   observed=sorted(own.addresses & frozenset().union(*(part.addresses for part in parts))))  # fmt: skip
    record.observe("networks of the lab that are routed", expected=[],
                   observed=sorted(own.routes & frozenset().union(*(part.routes for part in parts))))  # fmt: skip


def _wires(scene: Scene) -> list[str]:
    fabric, topology = scene.environment.lab.fabric, scene.environment.lab.topology
    ends = [fabric.port(host.name, nic.name) for host in topology.hosts for nic in host.nics]
    return [*ends, *(fabric.bridge(segment.name) for segment in topology.segments if segment.vlan is None)]


# Packets ------------------------------------------------------------------------------------------------------------


class Watch:
    """A socket on every interface of a network namespace, which counts the packets that carry a token."""

    def __init__(self, born: Callable[[], socket.socket], token: bytes) -> None:
        self._socket, self._token, self.seen = born(), token, 0
        self._socket.setblocking(False)

    def count(self) -> int:
        """How many came so far."""
        while True:
            try:
                self.seen += self._token in self._socket.recv(65535)
            except BlockingIOError:
                return self.seen

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _everything() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.setsockopt(socket.SOL_SOCKET, namespace.SO_RCVBUFFORCE, QUEUE)
    return opened


@dataclass(frozen=True, slots=True)
class Escape:
    """How many of the packets sent to the outside were seen inside the lab, and how many on the machine."""

    inside: int
    outside: int


@when("every host of the lab sends packets to an address outside the lab", target_fixture="escape")
def _send_outside(scene: Scene) -> Escape:
    token = os.urandom(12)
    hosts = list(scene.environment.lab.hosts.values())
    with ExitStack() as stack:
        own = Watch(_everything, token)
        stack.callback(own.close)
        inside = [Watch(lambda host=host: host.inside(_everything), token) for host in hosts]  # type: ignore[misc]
        for one in inside:
            stack.callback(one.close)
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda host: _send(host, token), hosts))
        watch(own.count, until=lambda _: False, within=ARRIVES_WITHIN)
        return Escape(sum(one.count() for one in inside), own.count())


def _send(host: LabHost, token: bytes) -> None:
    """A datagram by its routes, and a broadcast on each of its wires; without a route, or by a closed gate, neither."""
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened, suppress(OSError):
        opened.sendto(token, (str(OUTSIDE), 9))
    for nic in host.spec.nics:
        with suppress(OSError):
            probe.inject(host, nic.name, [broadcast(nic.mac, (), token)])


@then("they are seen inside the lab")
def _seen_inside(escape: Escape, record: ScenarioRecorder) -> None:
    record.observe("packets seen by hosts of the lab", expected="some", observed=escape.inside, holds=escape.inside > 0)


@then("none of them is seen on the machine's own interfaces")
def _not_outside(escape: Escape, record: ScenarioRecorder) -> None:
    record.observe("packets seen on the machine's own interfaces", expected=0, observed=escape.outside)
