"""A host's IPv4 addresses, asked of its kernel: a process for that would take ten times as long."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Interface

from lab import namespace

_GET_ADDRESS, _NEW_ADDRESS, _DONE = 22, 20, 3  # RTM_GETADDR, RTM_NEWADDR, NLMSG_DONE
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER, _ABOUT, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")
_ERROR = struct.Struct("=i")  # an nlmsgerr's beginning: a negative errno
_LOCAL = 2  # IFA_LOCAL: of a point-to-point interface its own address, not the other end's
_GLOBAL = 0  # RT_SCOPE_UNIVERSE


def by_interface(pid: int, *, where: str = "") -> dict[str, list[IPv4Interface]]:
    """The addresses of global scope in the network namespace of a process, in the kernel's order. Raises HostGone."""
    return namespace.inside(pid, _read, where=where)


def _read() -> dict[str, list[IPv4Interface]]:
    found: dict[str, list[IPv4Interface]] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as opened:
        about = _ABOUT.pack(socket.AF_INET, 0, 0, 0, 0)
        opened.send(_HEADER.pack(_HEADER.size + len(about), _GET_ADDRESS, _DUMP, 1, 0) + about)
        while True:
            for kind, body in _messages(opened.recv(65536)):
                if kind == _DONE:
                    return found
                if kind != _NEW_ADDRESS:
                    raise OSError(-_ERROR.unpack_from(body)[0], "the kernel does not tell the addresses")
                _, prefix, _, scope, index = _ABOUT.unpack_from(body)
                if scope == _GLOBAL:
                    own = dict(_attributes(body[_ABOUT.size :]))[_LOCAL]
                    with suppress(OSError):  # an interface that has gone meanwhile, as a VPN user's does, has no address
                        found.setdefault(socket.if_indextoname(index), []).append(IPv4Interface((own, prefix)))


def _messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, at)
        yield kind, datagram[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _attributes(listed: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(listed):
        length, kind = _ATTRIBUTE.unpack_from(listed, at)
        yield kind, listed[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
