"""Nothing of the lab outside the lab: the machine's own network shows none of it, and no packet gets there."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from pytest_bdd import then, when

from lab import namespace, probe
from lab.host import LabHost
from lab.topology import Topology
from steps.eventually import watch
from steps.frames import broadcast
from steps.patience import lasting
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

OUTSIDE = IPv4Address("192.0.2.1")  # TEST-NET-1 (RFC 5737): nobody's address, in the lab or anywhere
ARRIVES_WITHIN = 0.3  # s for those inside the lab: twenty times the longest way through it
AT_ONCE = 4  # hosts that are asked, or send, side by side
ETH_P_ALL = 3
CLOSED, NO_WAY, ALONE = "passive, its gate is closed", "it knows no way there", "nobody else is on its network"
QUEUE = 16 << 20  # bytes: a busy machine's own packets must not push ours out before they are read

_END = b"\0"  # of what a packet says


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
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        parts = list(pool.map(lambda host: network_of(host.must), lab.hosts.values()))
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
    """A socket on every interface of a network namespace, which counts the packets that carry a token, by who sent them."""

    def __init__(self, born: Callable[[], socket.socket], token: bytes) -> None:
        self._socket, self._token = born(), token
        self._seen: Counter[str] = Counter()
        self._socket.setblocking(False)

    def seen(self) -> Counter[str]:
        """What came so far."""
        while True:
            try:
                data = self._socket.recv(65535)
            except BlockingIOError:
                return self._seen
            _, token, rest = data.partition(self._token)
            if token:
                self._seen[rest.partition(_END)[0].decode()] += 1

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _everything() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.setsockopt(socket.SOL_SOCKET, namespace.SO_RCVBUFFORCE, QUEUE)
    return opened


@dataclass(frozen=True, slots=True)
class Escape:
    """Who sent packets to the outside (a host by its routes, or one of its interfaces), and who of them was seen where.

    ``exempt`` says of whom nobody can have seen any, and why. ``inside`` counts, by sender, those that another host saw.
    """

    senders: tuple[str, ...]
    exempt: Mapping[str, str]
    inside: Mapping[str, int]
    outside: int

    @property
    def unseen(self) -> list[str]:
        """Who was not seen by anybody else, and is not exempt."""
        return [sender for sender in self.senders if not self.inside.get(sender) and sender not in self.exempt]


@when("every host of the lab sends packets to an address outside the lab", target_fixture="escape")
def _send_outside(scene: Scene) -> Escape:
    token = os.urandom(12)
    hosts = scene.environment.lab.hosts
    with ExitStack() as stack:
        own = Watch(_everything, token)
        stack.callback(own.close)
        watches = {name: Watch(lambda host=host: host.inside(_everything), token) for name, host in hosts.items()}  # type: ignore[misc]
        for one in watches.values():
            stack.callback(one.close)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            sent = {sender: why for told in pool.map(lambda host: _send(host, token), hosts.values()) for sender, why in told}
        exempt = {sender: why for sender, why in sent.items() if why} | dict.fromkeys(_behind_gates(scene), CLOSED)
        exempt |= dict.fromkeys(alone(scene.environment.lab.topology), ALONE)

        def escape() -> Escape:
            inside: Counter[str] = Counter()
            for name, one in watches.items():
                inside.update({who: count for who, count in one.seen().items() if who.partition(":")[0] != name})
            return Escape(tuple(sent), exempt, inside, own.seen().total())

        inside = watch(escape, until=lambda seen: not seen.unseen, within=ARRIVES_WITHIN)
        watch(own.seen, until=lambda _: False, within=lasting(inside.seconds))
        return escape()


def _send(host: LabHost, token: bytes) -> list[tuple[str, str]]:
    """A datagram by its routes, and a broadcast on each of its wires; with each sender, why it can have sent none."""
    why = ""
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        try:
            opened.sendto(_marked(token, host.name), (str(OUTSIDE), 9))
        except OSError as refused:
            why = NO_WAY if refused.errno == errno.ENETUNREACH else ""
    told = [(host.name, why)]
    for nic in host.spec.nics:
        sender = f"{host.name}:{nic.name}"
        with suppress(OSError):  # what does not leave, nobody sees
            probe.inject(host, nic.name, [broadcast(nic.mac, (), _marked(token, sender))])
        told.append((sender, ""))
    return told


def _marked(token: bytes, sender: str) -> bytes:
    return token + sender.encode() + _END


def _behind_gates(scene: Scene) -> Iterator[str]:
    """The senders of passive members: all but their interfaces between the members."""
    for site in scene.deployment.sites.values():
        active = scene.environment.firewall(site.name).name
        for name in {member.id for member in site.firewall.members} - {active}:
            yield name
            for place, network in enumerate(site.firewall.nics):
                if site.networks[network].role != "ha":
                    yield f"{name}:eth{place}"


def alone(topology: Topology) -> Iterator[str]:
    """The interfaces whose broadcasts no other host can hear: a firewall's on a network that has nothing else yet."""
    place = {one.name: one.name if one.vlan is None else one.vlan for one in topology.segments}
    ends = [(host.name, nic) for host in topology.hosts for nic in host.nics]
    hears = [(name, {0, *nic.trunk} if nic.trunk else {place[nic.segment]}) for name, nic in ends]
    for name, nic in ends:
        network = 0 if nic.trunk else place[nic.segment]  # what is untagged on a trunk is on the untagged network
        if all(other == name or network not in networks for other, networks in hears):
            yield f"{name}:{nic.name}"


@then("they are seen inside the lab")
def _seen_inside(escape: Escape, record: ScenarioRecorder) -> None:
    able = [sender for sender in escape.senders if sender not in escape.exempt]
    record.observe("senders that another host can hear", expected="some", observed=len(able), holds=bool(able))
    exempt = [f"{who} ({why})" for who, why in sorted(escape.exempt.items())]
    record.observe("senders whose packets no other host sees", expected=f"none but {', '.join(exempt)}" if exempt else "none",
                   observed=", ".join(escape.unseen) or "none", holds=not escape.unseen)  # fmt: skip


@then("none of them is seen on the machine's own interfaces")
def _not_outside(escape: Escape, record: ScenarioRecorder) -> None:
    record.observe("packets seen on the machine's own interfaces", expected=0, observed=escape.outside)
