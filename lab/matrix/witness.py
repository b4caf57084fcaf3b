"""Packets that a firewall takes for itself, told by its own kernel after the last rule; and its sessions of ours, to end them.

A table of its own beside the policy's: what is numbered and has passed everything is reported over a netfilter log group
(include/uapi/linux/netfilter/nfnetlink_log.h), and the sessions of numbered packets get a mark that no rule looks at.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.appliance import netlink
from lab.appliance.netlink import attribute
from lab.errors import LabError
from lab.matrix import packets
from lab.matrix.packets import Seen
from lab.namespace import SO_RCVBUFFORCE

if TYPE_CHECKING:
    from lab.host import LabHost

_TABLE = "rempart_witness"
_GROUP = 47  # 1 is the filter log's
_MARK = 0x2000000  # bit 25: the policy's use ends with bit 24 (lab.appliance.marks)
_ULOG_PACKET, _ULOG_CONFIG, _CT_DELETE = 4 << 8, 4 << 8 | 1, 1 << 8 | 2
_CFG_COMMAND, _CFG_MODE, _CFG_TIMEOUT, _CFG_THRESHOLD = 1, 2, 4, 5
_BIND, _COPY_PACKET, _PAYLOAD = 1, 2, 9
_CT_MARK, _CT_MARK_MASK = 8, 21
_SNAPSHOT = 128  # bytes of each packet: headers and number
_BUFFER = 32 << 20

_SEEN = f"ip ttl {packets.MARKED.start}-{packets.MARKED.stop - 1}"
_SCRIPT = f"""
table ip {_TABLE} {{}}
delete table ip {_TABLE}
table ip {_TABLE} {{
    chain taken {{
        type filter hook input priority 300; policy accept;
        {_SEEN} ct mark set ct mark | {_MARK:#x}
        {_SEEN} log group {_GROUP} snaplen {_SNAPSHOT} queue-threshold 64
        {_SEEN} ip protocol != {{ tcp, icmp }} drop
    }}
    chain passed_on {{
        type filter hook postrouting priority 300; policy accept;
        {_SEEN} ct mark set ct mark | {_MARK:#x}
    }}
}}
"""


class Witness:
    """Stands in one firewall until it is closed. Of what it has seen only TCP and ICMP go on, to be answered by the kernel."""

    def __init__(self, host: LabHost) -> None:
        """Raises LabError."""
        self._host = host
        self._socket = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER)
        self._ask(_ULOG_CONFIG, _GROUP, attribute(_CFG_COMMAND, struct.pack("B", _BIND)))
        self._ask(_ULOG_CONFIG, _GROUP, attribute(_CFG_MODE, struct.pack("!IBB", _SNAPSHOT, _COPY_PACKET, 0)))
        self._ask(_ULOG_CONFIG, _GROUP, attribute(_CFG_TIMEOUT, struct.pack("!I", 1)))  # hundredths of a second
        self._socket.setblocking(False)
        host.must("nft", "-f", "-", stdin=_SCRIPT.encode())

    def look(self) -> Iterator[Seen]:
        """The numbered packets that the firewall has taken for itself since the last look. Raises LabError when any is lost."""
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as why:
                raise LabError(f"{self._host.name}: what it took was not told in full: {why.strerror}") from None
            for told in netlink.messages(data):
                if told.kind == _ULOG_PACKET:
                    seen = packets.read(netlink.attributes(told.body[4:]).get(_PAYLOAD, b""))
                    if isinstance(seen, Seen):
                        yield seen

    def end_sessions(self) -> None:
        """End every session of numbered packets, at once. Raises LabError."""
        with self._host.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETFILTER) as asked:
            marks = attribute(_CT_MARK, struct.pack("!I", _MARK)) + attribute(_CT_MARK_MASK, struct.pack("!I", _MARK))
            _exchange(asked, _CT_DELETE, socket.AF_INET, 0, marks, self._host.name)

    def _ask(self, kind: int, group: int, attributes: bytes) -> None:
        _exchange(self._socket, kind, socket.AF_UNSPEC, group, attributes, self._host.name)

    def close(self) -> None:
        """Leave the firewall as it was."""
        self.end_sessions()
        self._socket.close()
        self._host.must("nft", f"delete table ip {_TABLE}")


def _exchange(asked: socket.socket, kind: int, family: int, group: int, attributes: bytes, where: str) -> None:
    asked.send(netlink.request(kind, netlink.netfilter(family, group, attributes), netlink.ACKNOWLEDGE))
    for told in netlink.messages(asked.recv(1 << 16)):
        if told.errno:
            raise LabError(f"{where}: its kernel refuses a witness: {os.strerror(told.errno)}")
