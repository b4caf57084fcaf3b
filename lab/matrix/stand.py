"""A lab's firewalls with everything that is needed to put numbered packets in and to see them come out.

Points are named by the firewall's site and what of it they are: ``sbg7:out`` (the wire at an interface, by the interface's
user name), ``sbg7:ipsec`` and ``sbg7:sslvpn`` (what goes into a tunnel or comes out of it), ``sbg7:firewall`` (what the
firewall sends and takes itself), ``sbg7:client-udp`` (a VPN user's device).
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from lab.errors import LabError
from lab.matrix import packets
from lab.matrix.packets import Answered, Seen
from lab.matrix.points import Arrivals, Device, Wire
from lab.matrix.trace import FIREWALL, Sighting
from lab.matrix.witness import Witness

if TYPE_CHECKING:
    from lab.fabric import Fabric
    from lab.host import LabHost

Event: TypeAlias = "Sighting | tuple[str, Answered]"


class _Closable(Protocol):
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=_Closable)

_FLOWS = "cookie=0x52454d50"  # of the switch, ours


@dataclass(frozen=True, slots=True)
class Firewall:
    """The member of a site's firewall that is measured. ``nics`` are kernel devices by interface (user name).

    ``present`` are the addresses on each interface's wire that have a host. ``tunnels`` are devices by ``ipsec`` or ``sslvpn``.
    """

    site: str
    host: LabHost
    nics: Mapping[str, str]
    present: Mapping[str, Collection[IPv4Address]]
    tunnels: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """A connected VPN user: the host, its tunnel's device, and the firewall's device at the other end."""

    site: str
    transport: str
    host: LabHost
    device: str
    firewall_device: str

    @property
    def point(self) -> str:
        """The name of its point."""
        return f"{self.site}:client-{self.transport}"


class Stand:
    """Open until it is closed; meanwhile no numbered packet reaches a host. Raises LabError."""

    def __init__(self, fabric: Fabric, firewalls: Sequence[Firewall], clients: Sequence[Client] = ()) -> None:
        self.firewalls = {firewall.site: firewall for firewall in firewalls}
        self._fabric = fabric
        self._number = 0
        self._wires: dict[str, Wire] = {}
        self._devices: list[tuple[Device, bool]] = []  # and whether it is at a client's end
        self._senders: dict[str, Device | _Own] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._witnesses: dict[str, Witness] = {}
        self._opened: list[_Closable] = []
        self._closing = ExitStack()
        self._closing.callback(self._close_opened)
        try:
            with ThreadPoolExecutor() as pool:  # side by side: a kernel lets rules wait for what uses those before
                opening = [pool.submit(self._open, firewall) for firewall in firewalls]
                for one in (pool.submit(self._stop_at_the_switch), *opening):
                    one.result()
            for client in clients:
                self._connect(client)
        except OSError as why:
            self.close()
            raise LabError(f"the firewalls cannot be measured, one of their tunnels went away: {why.strerror}") from None
        except BaseException:
            self.close()
            raise

    def _open(self, firewall: Firewall) -> None:
        host, site = firewall.host, firewall.site
        for interface, nic in firewall.nics.items():
            name = f"{site}:{interface}"
            self._wires[name] = self._kept(Wire(host, nic, name, firewall.present[interface]))
            self._arrivals[name] = self._kept(Arrivals(host.pid, nic))
        for tunnel, devices in firewall.tunnels.items():
            self._devices += [(self._kept(Device(host, device, f"{site}:{tunnel}")), False) for device in devices]
        self._senders[f"{site}:{FIREWALL}"] = self._kept(_Own(host))
        self._witnesses[site] = self._kept(Witness(host))

    def _connect(self, client: Client) -> None:
        self._mute(client)
        device = self._kept(Device(client.host, client.device, client.point))
        self._devices.append((device, True))
        self._senders[client.point] = device
        self._arrivals[client.point] = self._kept(Arrivals(self.firewalls[client.site].host.pid, client.firewall_device))

    def _mute(self, client: Client) -> None:
        """Have the VPN user's own stack take nothing that is numbered: it would answer."""
        table = f"rempart_mute_{client.transport}"
        taken = f'iifname "{client.device}" ip ttl {packets.MARKED.start}-{packets.MARKED.stop - 1}'
        chain = f"chain taken {{\ntype filter hook input priority 0; policy accept;\n{taken} drop\n}}"
        client.host.must("nft", "-f", "-", stdin=f"table ip {table} {{\n{chain}\n}}\n".encode())
        self._closing.callback(client.host.must, "nft", f"delete table ip {table}")

    def _kept(self, opened: Opened) -> Opened:
        self._opened.append(opened)
        return opened

    def _close_opened(self) -> None:
        """All side by side: the kernel lets no socket for packets go before every CPU has done without it."""
        with ThreadPoolExecutor(max_workers=max(1, len(self._opened))) as pool:
            for closed in [pool.submit(opened.close) for opened in self._opened]:
                closed.result()

    def _stop_at_the_switch(self) -> None:
        """Have the switch drop what is numbered: it has been seen, and no host shall answer it."""
        switches = {self._fabric.switch_bridge(region) for region in self._fabric.topology.regions}
        drop = [f"{_FLOWS},priority=70,ip,nw_ttl={ttl},actions=drop" for ttl in packets.MARKED]
        self._kept(_Dropping(self._fabric, switches))
        self._fabric.change_rules(dict.fromkeys(switches, drop))

    # Use

    @property
    def entries(self) -> Collection[str]:
        """The points where packets can be put in."""
        return [*self._wires, *self._senders]

    def next_number(self) -> int:
        """The number for the next packet: none that was sent here, by whomever, is taken for another one."""
        self._number = (self._number + 1) % packets.MOST
        return self._number

    def send(self, entry: str, packet: bytes) -> None:
        """Put an IPv4 packet in at a point."""
        wire = self._wires.get(entry)
        if wire is not None:
            wire.send(packet)
        else:
            self._senders[entry].send(packet)

    def look(self) -> Iterator[Event]:
        """What came out somewhere since the last look; answers of stacks with the point where they did. Raises LabError."""
        for wire in self._wires.values():
            for found in wire.look():
                yield Sighting(wire.name, found) if isinstance(found, Seen) else (wire.name, found)
        for device, of_client in self._devices:
            for found, leaving in device.look():
                if not of_client and isinstance(found, Seen):
                    yield Sighting(device.name, found, leaving)
                elif of_client and not leaving:
                    yield Sighting(device.name, found) if isinstance(found, Seen) else (device.name, found)
        for site, witness in self._witnesses.items():
            for seen in witness.look():
                yield Sighting(f"{site}:{FIREWALL}", seen)

    def arrived(self, entry: str) -> int | None:
        """How many numbered packets arrived at the firewall from this point since the last count; None for its own."""
        counter = self._arrivals.get(entry)
        return counter.count() if counter else None

    def end_sessions(self) -> None:
        """End all sessions of numbered packets. Raises LabError."""
        for witness in self._witnesses.values():
            witness.end_sessions()

    def close(self) -> None:
        """Leave the lab as it was."""
        self._closing.close()


class _Dropping:
    """What switches drop meanwhile."""

    def __init__(self, fabric: Fabric, switches: Collection[str]) -> None:
        self._fabric = fabric
        self._switches = switches

    def close(self) -> None:
        self._fabric.change_rules({switch: [f"delete {_FLOWS}/-1"] for switch in self._switches})


class _Own:
    """Packets that a firewall itself sends."""

    def __init__(self, host: LabHost) -> None:
        self._socket = host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def send(self, packet: bytes) -> None:
        with suppress(OSError):  # refused by its own rules, or no way: it is seen nowhere
            self._socket.sendto(packet, (str(IPv4Address(packet[16:20])), 0))

    def close(self) -> None:
        self._socket.close()
