"""A member's data segments as the agent uses them: beacons out and in, gratuitous ARP, carrier.

Sockets are opened once and kept: closing a packet socket costs tens of milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from itertools import product
from pathlib import Path

from lab.appliance import ha_wire, netlink

_EVERY_PROTOCOL = 3  # ETH_P_ALL
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the classic BPF: ld [k], jeq #k, ret #k
_PACKET, _QDISC_BYPASS, _IGNORE_OUTGOING = 263, 20, 23  # SOL_PACKET, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING
_BROADCAST = b"\xff" * 6
_HEADER = 14
_RTMGRP_LINK = 1
_NEW_LINK, _DELETE_LINK = 16, 17
_LINK = struct.Struct("=4xiI")  # of struct ifinfomsg: the interface's index and flags
_LOWER_UP = 0x10000
_GROUP = b"\x03SNS"  # multicast, locally administered; two more bytes follow


class Segment:
    """One data segment, where only the beacons of the ``peer`` of this serial are heard.

    Raises OSError when its device does not exist.
    """

    def __init__(self, device: str, peer: str) -> None:
        self.device = device
        self.mac = bytes.fromhex(Path(f"/sys/class/net/{device}/address").read_text().strip().replace(":", ""))
        self.carrier = _carrier(device)
        self.index = socket.if_nametoindex(device)
        self.socket = _packet_socket(device, peer)
        self._past_gate = _socket_past_gate(device)
        self._destination = _BROADCAST
        self._count = os.open(f"/sys/class/net/{device}/statistics/rx_packets", os.O_RDONLY | os.O_CLOEXEC)

    def renew_destination(self) -> None:
        """Send the beacons of this activity to a group of their own.

        A flow-caching switch (Open vSwitch) looks at source addresses only when it meets a flow for the first time; the
        same beacon as before would pass by its cache and leave the shared MAC at the other member's port for up to a second.
        """
        self._destination = _GROUP + os.urandom(2)

    def move(self) -> None:
        """Make the switch look for the shared MAC here, before the gate opens.

        Else the first packet that passes may be asked for by ARP, and answered, where the MAC was until now: that cost one
        takeover in three the time until ARP asks again. Raises OSError when the device is down.
        """
        self._past_gate.send(self._destination + self.mac + struct.pack("!H", ha_wire.ETHERTYPE) + bytes(46))

    def beacon(self, message: bytes) -> None:
        """Send a report. Raises OSError when the device is down."""
        self.socket.send(self._destination + self.mac + struct.pack("!H", ha_wire.ETHERTYPE) + message)

    def announce(self, addresses: Iterable[IPv4Address]) -> None:
        """Gratuitous ARP for these addresses. Raises OSError when the device is down."""
        for address in addresses:
            self._who_has(address, address)

    def ask(self, addresses: Iterable[IPv4Address], neighbours: Iterable[IPv4Address]) -> None:
        """Ask these neighbours, as the one who has these addresses. Raises OSError when the device is down."""
        for address, neighbour in product(addresses, neighbours):
            self._who_has(neighbour, address)

    def _who_has(self, wanted: IPv4Address, tell: IPv4Address) -> None:
        about = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac + tell.packed + bytes(6) + wanted.packed
        self.socket.send(_BROADCAST + self.mac + b"\x08\x06" + about)

    def received(self) -> int:
        """How many frames have come in so far, the gate or not. Raises OSError when the device is gone."""
        return int(os.pread(self._count, 32, 0))

    def receive(self) -> Iterator[bytes]:
        """The beacons that arrived since the last call."""
        while True:
            try:
                frame = self.socket.recv(2048)
            except OSError:
                return
            yield frame[_HEADER:]

    def close(self) -> None:
        """Give the sockets back."""
        self.socket.close()
        self._past_gate.close()
        os.close(self._count)


class Carriers:
    """Tells when a link is lost or comes back: the kernel says so within a millisecond."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._segments = tuple(segments)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self.socket.bind((0, _RTMGRP_LINK))
        self.socket.setblocking(False)

    def refresh(self) -> None:
        """Bring every segment's ``carrier`` up to date with what the kernel told since the last call."""
        by_index = {segment.index: segment for segment in self._segments}
        while True:
            try:
                datagram = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:  # it told more than the buffer holds
                self._look()
                continue
            for told in netlink.messages(datagram):
                if told.kind not in (_NEW_LINK, _DELETE_LINK):
                    continue
                index, flags = _LINK.unpack_from(told.body)
                if index in by_index:
                    by_index[index].carrier = told.kind == _NEW_LINK and bool(flags & _LOWER_UP)

    def _look(self) -> None:
        for segment in self._segments:
            segment.carrier = _carrier(segment.device)

    def close(self) -> None:
        """Give the socket back."""
        self.socket.close()


def _carrier(device: str) -> bool:
    try:
        return Path(f"/sys/class/net/{device}/carrier").read_text().strip() == "1"
    except OSError:  # the device is down, or gone
        return False


def _packet_socket(device: str, peer: str) -> socket.socket:
    """A packet socket that hears the peer's beacons only.

    It takes all protocols, filtered in the kernel: only such sockets see a frame before the closed gate drops it.
    """
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    hear_only(opened, peer)
    opened.setsockopt(_PACKET, _IGNORE_OUTGOING, 1)
    opened.bind((device, _EVERY_PROTOCOL))
    opened.setblocking(False)
    return opened


def hear_only(opened: socket.socket, peer: str) -> None:
    """Have the kernel keep all other frames than the beacons of the member of this serial from a socket.

    All pairs of a network hear one another: N of them would be woken N times at each beat, for nothing.
    """
    wanted = struct.pack("!H", ha_wire.ETHERTYPE) + ha_wire.beginning(peer)
    words = [(_HEADER - 2 + 4 * place, word) for place, (word,) in enumerate(struct.iter_unpack("!I", wanted))]
    code = []  # of each word: load it; unless it is equal, go to the last line
    for left, (at, word) in zip(range(len(words), 0, -1), words, strict=True):
        code += [(_LOAD, 0, 0, at), (_EQUAL, 0, 2 * left - 1, word)]
    code += [(_RETURN, 0, 0, 0xFFFF), (_RETURN, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    opened.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(code), ctypes.addressof(program)))


def _socket_past_gate(device: str) -> socket.socket:
    """A packet socket whose frames go straight to the driver: the gate's hook is not on their way. It hears nothing."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(_PACKET, _QDISC_BYPASS, 1)
    opened.bind((device, 0))
    opened.setblocking(False)
    return opened
