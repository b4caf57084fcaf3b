"""Where numbered packets are put in and seen: the wires of a firewall, and the devices of its tunnels."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab import namespace
from lab.matrix import packets
from lab.matrix.packets import Answered, Seen
from lab.relay import PACKET_OUTGOING, SOL_PACKET

if TYPE_CHECKING:
    from lab.host import LabHost

OUR_MAC = bytes.fromhex("02524d000001")  # of the hosts that the lab does not have and packets are sent to all the same

_BUFFER = 64 << 20  # bytes of kernel queue
_PACKET_STATISTICS, _ATTACH_FILTER, _GET_MAC = 6, 26, 0x8927  # SO_ATTACH_FILTER, SIOCGIFHWADDR
_IPV4, _ARP = b"\x08\x00", b"\x08\x06"
_ARP_REQUEST, _ARP_REPLY = b"\x00\x01\x08\x00\x06\x04\x00\x01", b"\x00\x01\x08\x00\x06\x04\x00\x02"
_LONGEST = 2048  # bytes: no frame of a lab's Ethernet is longer


class Wire:
    """The wire at one interface of a firewall, seen from its other end: what is sent here arrives there, past any switch.

    For hosts that a lab does not have it answers the firewall's questions: ``absent`` says for which.
    """

    def __init__(self, host: LabHost, nic: str, name: str, present: Collection[IPv4Address]) -> None:
        """``present`` are the addresses on this wire that have a host, which answers for itself."""
        self.name = name
        self._present = {address.packed for address in present}
        self._socket = _packet_socket(host.fabric.pid, host.fabric.port(host.name, nic))
        self._header = hardware_address(host.pid, nic) + OUR_MAC + _IPV4
        self._buffer = bytearray(_LONGEST)

    def send(self, packet: bytes) -> None:
        """Put an IPv4 packet on the wire, for the firewall."""
        self._socket.send(self._header + packet)

    def look(self) -> Iterator[Seen | Answered]:
        """What the firewall has sent here since the last look, of what concerns us."""
        view = memoryview(self._buffer)
        while True:
            try:
                size, address = self._socket.recvfrom_into(self._buffer)
            except BlockingIOError:
                return
            if address[2] == PACKET_OUTGOING:
                continue  # towards the firewall
            kind = self._buffer[12:14]
            if kind == _IPV4:
                if (found := packets.read(bytes(view[14:size]))) is not None:
                    yield found
            elif kind == _ARP:
                self._answer_for_absent(bytes(view[:size]))

    def _answer_for_absent(self, question: bytes) -> None:
        """ARP (RFC 826): say that we are who is asked for, unless the lab has a host there, or the firewall asks for itself."""
        asked, asker = question[38:42], question[28:32]
        if question[14:22] == _ARP_REQUEST and asked not in self._present and asked != asker:
            reply = _ARP_REPLY + OUR_MAC + asked + question[22:28] + asker
            self._socket.send(question[6:12] + OUR_MAC + _ARP + reply)

    def close(self) -> None:
        """Let go of the wire."""
        self._socket.close()


class Device:
    """A tunnel's device in a host: what the host hands to the tunnel, and what the tunnel hands to it."""

    def __init__(self, host: LabHost, nic: str, name: str) -> None:
        self.name = name
        self._nic = nic
        self._socket = _packet_socket(host.pid, nic)

    def send(self, packet: bytes) -> None:
        """Hand an IPv4 packet to the tunnel; nothing is sent by one that is gone, which counts and controls tell."""
        with suppress(OSError):
            self._socket.sendto(packet, (self._nic, 0x0800))

    def look(self) -> Iterator[tuple[Seen | Answered, bool]]:
        """What concerns us since the last look; with each, whether the host handed it to the tunnel."""
        while True:
            try:
                data, address = self._socket.recvfrom(_LONGEST)
            except OSError as why:
                if why.errno in (errno.EAGAIN, errno.ENETDOWN):
                    return  # nothing more; or the tunnel's program has ended, which the controls will tell
                raise
            if (found := packets.read(data)) is not None:
                yield found, address[2] == PACKET_OUTGOING

    def close(self) -> None:
        """Let go of the device."""
        self._socket.close()


class Arrivals:
    """Counts the packets of ours, as they are sent, that arrive at an interface of a host: before its filter looks at them."""

    def __init__(self, pid: int, nic: str) -> None:
        """``pid`` is a process of the host."""
        self._nic = nic
        self._socket = namespace.packet_socket(pid, nic, buffer=0)
        self._take(_marked_at(nic))
        self.count()

    def only(self, identification: int) -> None:
        """From now on, count those alone whose IPv4 header has this identification; begin with :meth:`count`."""
        self._take(_marked_at(self._nic, identification))

    def _take(self, program: ctypes.Array[ctypes.c_char]) -> None:
        attached = struct.pack("HL", len(program) // 8, ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, attached)

    def count(self) -> int:
        """How many there were since the last count."""
        told = self._socket.getsockopt(SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", told)[0])  # those that found no room, as all of them, included

    def close(self) -> None:
        """Count no more."""
        self._socket.close()


def _packet_socket(pid: int, interface: str) -> socket.socket:
    opened = namespace.packet_socket(pid, interface, buffer=_BUFFER)
    opened.setblocking(False)
    return opened


def hardware_address(pid: int, nic: str) -> bytes:
    """The MAC address of an interface of a host, one of whose processes is ``pid``."""

    def told() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            return fcntl.ioctl(asked, _GET_MAC, struct.pack("256s", nic.encode()))[18:24]

    return namespace.inside(pid, told)


def _marked_at(nic: str, identification: int | None = None) -> ctypes.Array[ctypes.c_char]:
    """A classic BPF program that takes one byte of incoming IPv4 packets with our time to live, and nothing else.

    With an ``identification``, of those that have it.
    """
    link = 0 if nic.startswith(("tun", "ipsec")) else 14
    load_byte, load_half, equal, give = 0x30, 0x28, 0x15, 0x06
    packet_type = 0xFFFFF000 + 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
    wanted = [(load_half, 0x0800, 12) if link else (load_byte, 0x45, 0), (load_byte, packets.TTL, link + 8)]
    if identification is not None:
        wanted.append((load_half, identification, link + 4))
    refuse = 2 * len(wanted) + 3  # the place of the last step
    program = [(load_byte, 0, 0, packet_type), (equal, refuse - 2, 0, PACKET_OUTGOING)]
    for load, value, place in wanted:
        program += [(load, 0, 0, place), (equal, 0, refuse - len(program) - 2, value)]
    program += [(give, 0, 0, 1), (give, 0, 0, 0)]
    return ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program), 8 * len(program))
