"""The data-plane gate of a member: closed, no packet enters or leaves its data interfaces, not even an ARP answer.

Two chains stay hooked to the data interfaces for good (hooking and unhooking waits for all CPUs: 20 to 45 ms). What
switches is a set of interfaces that may pass, whose elements live for one *lease* and are renewed by the agent: when the agent
is frozen or dead, the kernel itself shuts the gate. A switch is one netlink transaction, 0.05 ms; libnftables, which parses
text and rereads the ruleset for each, needs 0.35 ms for the same.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.appliance import netlink, programs
from lab.appliance.netlink import NESTED, attribute

TABLE = "sns_ha"
_SET = "lease"

_NFNL_BATCH_BEGIN, _NFNL_BATCH_END = 0x10, 0x11
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_NEW_ELEMENT, _DELETE_ELEMENT = 12, 14
_FAMILY = 5  # NFPROTO_NETDEV
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS = 1, 2, 3
_ELEMENT_KEY, _ELEMENT_TIMEOUT = 1, 4


def ruleset(devices: Sequence[str]) -> str:
    """The table as nft reads it, the gate closed. The devices must exist; one that disappears takes its hook with it."""
    hooked = ", ".join(f'"{device}"' for device in devices)
    return (
        f"table netdev {TABLE} {{}}\n"
        f"delete table netdev {TABLE}\n"
        f"table netdev {TABLE} {{\n"
        f"  set {_SET} {{ type iface_index; flags timeout; }}\n"
        f"  chain arriving {{ type filter hook ingress devices = {{ {hooked} }} priority -500; policy drop;\n"
        f"    iif @{_SET} accept\n  }}\n"
        f"  chain leaving {{ type filter hook egress devices = {{ {hooked} }} priority -500; policy drop;\n"
        f"    oif @{_SET} accept\n  }}\n"
        "}\n"
    )


def install(devices: Sequence[str]) -> None:
    """Put the closed gate on these devices: at boot before they are up, so that not one packet escapes.

    Raises ProgramFailed when nft refuses, for instance because a device does not exist.
    """
    programs.run(["nft", "-f", "-"], given=ruleset(devices))


def remove() -> None:
    """Take the gate away: the appliance stands alone. Nothing to do when there is none. Raises ProgramFailed."""
    programs.run(["nft", "-f", "-"], given=f"table netdev {TABLE} {{}}\ndelete table netdev {TABLE}\n")


@dataclass(slots=True)
class Gate:
    """The hand on an installed gate. Raises OSError when the kernel refuses (gate not installed)."""

    devices: tuple[str, ...]
    _socket: socket.socket = field(init=False, repr=False)
    _indices: list[int] = field(init=False, repr=False)
    _shut: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._indices = [socket.if_nametoindex(device) for device in self.devices]
        self._shut = _batch(_elements(_DELETE_ELEMENT, netlink.ACKNOWLEDGE))
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, netlink.NETFILTER)
        self._socket.bind((0, 0))
        self._socket.settimeout(1.0)

    def open(self, seconds: float) -> None:
        """Let packets through for so long, from now; said again, it counts anew."""
        # Emptied and filled in one transaction: no packet sees the set empty, and it works on every kernel, while
        # renewing an element in place needs 6.12.
        elements = _elements(_NEW_ELEMENT, netlink.ACKNOWLEDGE | netlink.CREATE, self._indices, int(seconds * 1000))
        self._transact(_batch(_elements(_DELETE_ELEMENT), elements))

    def shut(self) -> None:
        """Let nothing through, now."""
        self._transact(self._shut)

    def close(self) -> None:
        """Give the socket back; the gate stays as it is until its lease ends."""
        self._socket.close()

    def _transact(self, batch: bytes) -> None:
        self._socket.send(batch)
        for told in netlink.messages(self._socket.recv(65536)):
            if told.errno:
                raise OSError(told.errno, f"gate {TABLE}: {os.strerror(told.errno)}")


def _elements(operation: int, flags: int = 0, indices: Sequence[int] = (), milliseconds: int = 0) -> bytes:
    """Elements to add, or (none given) the request to empty the set."""
    attributes = attribute(_LIST_TABLE, TABLE.encode() + b"\0") + attribute(_LIST_SET, _SET.encode() + b"\0")
    listed = b"".join(
        attribute(
            1 | NESTED,
            attribute(_ELEMENT_KEY | NESTED, attribute(1, struct.pack("=I", index)))
            + attribute(_ELEMENT_TIMEOUT, struct.pack("!Q", milliseconds)),
        )
        for index in indices
    )
    if listed:
        attributes += attribute(_LIST_ELEMENTS | NESTED, listed)
    return netlink.request(_SUBSYSTEM << 8 | operation, netlink.netfilter(_FAMILY, 0, attributes), flags)


def _batch(*messages: bytes) -> bytes:
    begin, end = (netlink.request(kind, netlink.netfilter(0, _SUBSYSTEM)) for kind in (_NFNL_BATCH_BEGIN, _NFNL_BATCH_END))
    return begin + b"".join(messages) + end
