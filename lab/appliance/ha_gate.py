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

from lab.appliance import programs

TABLE = "sns_ha"
_SET = "lease"

_NETLINK_NETFILTER = 12
_NFNL_BATCH_BEGIN, _NFNL_BATCH_END = 0x10, 0x11
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_NEW_ELEMENT, _DELETE_ELEMENT = 12, 14
_FAMILY = 5  # NFPROTO_NETDEV
_REQUEST, _ACK, _CREATE = 0x1, 0x4, 0x400
_NESTED = 0x8000
_ERROR = 2
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
        self._shut = _batch(_elements(_DELETE_ELEMENT, _ACK))
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.settimeout(1.0)

    def open(self, seconds: float) -> None:
        """Let packets through for so long, from now; said again, it counts anew."""
        # Emptied and filled in one transaction: no packet sees the set empty, and it works on every kernel, while
        # renewing an element in place needs 6.12.
        elements = _elements(_NEW_ELEMENT, _ACK | _CREATE, self._indices, int(seconds * 1000))
        self._transact(_batch(_elements(_DELETE_ELEMENT), elements))

    def shut(self) -> None:
        """Let nothing through, now."""
        self._transact(self._shut)

    def close(self) -> None:
        """Give the socket back; the gate stays as it is until its lease ends."""
        self._socket.close()

    def _transact(self, batch: bytes) -> None:
        self._socket.send(batch)
        answer = self._socket.recv(65536)
        kind, code = struct.unpack_from("=4xH", answer)[0], struct.unpack_from("=i", answer, 16)[0]
        if kind == _ERROR and code != 0:
            raise OSError(-code, f"gate {TABLE}: {os.strerror(-code)}")


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + b"\0" * (-length % 4)


def _message(kind: int, flags: int, family: int, resource: int, attributes: bytes = b"") -> bytes:
    body = struct.pack("=BB", family, 0) + struct.pack("!H", resource) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, flags | _REQUEST, 0, 0) + body


def _elements(operation: int, flags: int = 0, indices: Sequence[int] = (), milliseconds: int = 0) -> bytes:
    """Elements to add, or (none given) the request to empty the set."""
    attributes = _attribute(_LIST_TABLE, TABLE.encode() + b"\0") + _attribute(_LIST_SET, _SET.encode() + b"\0")
    listed = b"".join(
        _attribute(
            1 | _NESTED,
            _attribute(_ELEMENT_KEY | _NESTED, _attribute(1, struct.pack("=I", index)))
            + _attribute(_ELEMENT_TIMEOUT, struct.pack("!Q", milliseconds)),
        )
        for index in indices
    )
    if listed:
        attributes += _attribute(_LIST_ELEMENTS | _NESTED, listed)
    return _message((_SUBSYSTEM << 8) | operation, flags, _FAMILY, 0, attributes)


def _batch(*messages: bytes) -> bytes:
    begin = _message(_NFNL_BATCH_BEGIN, 0, 0, _SUBSYSTEM)
    return begin + b"".join(messages) + _message(_NFNL_BATCH_END, 0, 0, _SUBSYSTEM)
