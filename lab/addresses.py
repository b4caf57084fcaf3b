"""A host's IPv4 addresses, asked of its kernel: a process for that would take ten times as long."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from ipaddress import IPv4Interface

from lab import namespace
from lab.appliance import netlink

_GET_ADDRESS = 22  # RTM_GETADDR
_ABOUT = struct.Struct("=BBBBI")  # struct ifaddrmsg
_LOCAL = 2  # IFA_LOCAL: of a point-to-point interface its own address, not the other end's
_GLOBAL = 0  # RT_SCOPE_UNIVERSE


def by_interface(pid: int, *, where: str = "") -> dict[str, list[IPv4Interface]]:
    """The addresses of global scope in the network namespace of a process, in the kernel's order. Raises HostGone."""
    return namespace.inside(pid, _read, where=where)


def _read() -> dict[str, list[IPv4Interface]]:
    found: dict[str, list[IPv4Interface]] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as opened:
        opened.send(netlink.request(_GET_ADDRESS, _ABOUT.pack(socket.AF_INET, 0, 0, 0, 0), netlink.DUMP))
        while True:
            for told in netlink.messages(opened.recv(65536)):
                if told.kind == netlink.DONE:
                    return found
                if told.errno:
                    raise OSError(told.errno, f"the kernel does not tell the addresses: {os.strerror(told.errno)}")
                _, prefix, _, scope, index = _ABOUT.unpack_from(told.body)
                if scope == _GLOBAL:
                    own = netlink.attributes(told.body[_ABOUT.size :])[_LOCAL]
                    with suppress(OSError):  # an interface that has gone meanwhile, as a VPN user's does, has no address
                        found.setdefault(socket.if_indextoname(index), []).append(IPv4Interface((own, prefix)))
