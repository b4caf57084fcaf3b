"""What each host says on its wire, with the kernel's own times: a reader that is late loses nothing and shifts nothing.

Two members of a pair share their addresses and their MACs, so they are told apart by the fabric's port at which a frame
came in, never by what stands in the frame.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import namespace
from lab.capture import BUFFER, PACKET_STATISTICS, SO_TIMESTAMPNS, timestamp
from lab.fabric import Fabric
from lab.relay import PACKET_OUTGOING, SOL_PACKET

ARP, IPV4, VLAN = 0x0806, 0x0800, 0x8100
KEPT = 128  # bytes of each frame: headers, and a little of what they carry
_IGNORE_OUTGOING = 23  # PACKET_IGNORE_OUTGOING: what is sent to the host is not the host's
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_LOAD_HALF, _LOAD_BYTE, _EQUALS, _RETURN = 0x28, 0x30, 0x15, 0x06
_REQUEST, _REPLY = 1, 2


@dataclass(frozen=True, slots=True)
class Said:
    """A frame that a host sent. ``at`` is in seconds of the machine's monotonic clock; ``data`` its first bytes."""

    at: float
    host: str
    nic: str
    data: bytes

    @property
    def kind(self) -> int:
        """Its Ethernet type, below a VLAN tag if it has one."""
        return int.from_bytes(self.body[:2], "big")

    @property
    def body(self) -> bytes:
        """From the Ethernet type on, without a VLAN tag."""
        return self.data[16:] if self.data[12:14] == VLAN.to_bytes(2, "big") else self.data[12:]

    @property
    def claim(self) -> tuple[str, str] | None:
        """The address that it claims by ARP, and for which MAC: an answer, or an announcement that nobody asked for."""
        body = self.body
        if self.kind != ARP or len(body) < 30:
            return None
        operation, sender, target = int.from_bytes(body[8:10], "big"), body[16:20], body[26:30]
        if sender == bytes(4) or not (operation == _REPLY or (operation == _REQUEST and sender == target)):
            return None
        return socket.inet_ntoa(sender), body[10:16].hex(":")

    def __str__(self) -> str:
        return f"{self.host}:{self.nic} {self._described()}"

    def _described(self) -> str:
        body = self.body
        if (claim := self.claim) is not None:
            return f"ARP {claim[0]} is at {claim[1]}"
        if self.kind == IPV4 and len(body) >= 22:
            source, target, protocol = socket.inet_ntoa(body[14:18]), socket.inet_ntoa(body[18:22]), body[11]
            return f"IPv4 {source} -> {target} protocol {protocol}"
        return f"{self.data[6:12].hex(':')} -> {self.data[:6].hex(':')} type {self.kind:#06x}"


class Wire:
    """One host's end of a wire, read in one direction: what the host sends, or (``delivered``) what is sent to it."""

    def __init__(self, fabric: Fabric, host: str, nic: str, *, arp_only: bool = False, delivered: bool = False) -> None:
        self.host, self.nic = host, nic
        self.lost = 0
        self._delivered = delivered
        self._socket = namespace.packet_socket(fabric.pid, fabric.port(host, nic), buffer=BUFFER)
        self._socket.setblocking(False)
        self._socket.setsockopt(SOL_PACKET, _IGNORE_OUTGOING, not delivered)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        _shorten(self._socket, arp_only=arp_only)
        self.read()  # what came before the filter stood

    def read(self) -> list[Said]:
        """What was said since the last call. ``lost`` grows by the frames that the kernel had to drop."""
        said = []
        behind = time.time() - time.monotonic()
        while True:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(KEPT, 64)
            except BlockingIOError:
                break
            except OSError as why:
                if why.errno != errno.ENETDOWN:  # said once when the cable is pulled; the socket goes on
                    raise
                continue
            if (sender[2] == PACKET_OUTGOING) == self._delivered:
                said.append(Said(timestamp(ancillary) - behind, self.host, self.nic, data))
        self.lost += struct.unpack("=II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        return said

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def close_all(wires: Iterable[Wire]) -> None:
    """Stop listening, side by side: the kernel takes some 15 ms for each packet socket."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        list(pool.map(Wire.close, wires))


def _shorten(opened: socket.socket, *, arp_only: bool) -> None:
    """Have the kernel hand over only the beginning of frames, and of ARP alone when nothing else is wanted."""
    code = [(_RETURN, 0, 0, KEPT)]
    if arp_only:
        code = [
            (_LOAD_HALF, 0, 0, 12),
            (_EQUALS, 3, 0, ARP),
            (_EQUALS, 0, 3, VLAN),
            (_LOAD_HALF, 0, 0, 16),
            (_EQUALS, 0, 1, ARP),
            (_RETURN, 0, 0, KEPT),
            (_RETURN, 0, 0, 0),
        ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    opened.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(code), ctypes.addressof(program)))
