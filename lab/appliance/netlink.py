"""What the kernel is asked and what it tells over netlink: messages, and the attributes in them.

RFC 3549, section 2.3; include/uapi/linux/netlink.h and nfnetlink.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

NETFILTER = 12  # NETLINK_NETFILTER
ACKNOWLEDGE, DUMP, CREATE, INTERRUPTED = 0x4, 0x300, 0x400, 0x10  # flags
ERROR, DONE = 2, 3  # kinds of message
NESTED = 0x8000  # of an attribute's kind: its value is attributes

_REQUEST = 0x1
_KIND = 0x3FFF  # of an attribute's kind, whose other bits are flags
_HEADER, _ATTRIBUTE, _ERROR = struct.Struct("=IHHII"), struct.Struct("=HH"), struct.Struct("=i")


class Message(NamedTuple):
    """One message. ``number`` is that of the question which it answers."""

    kind: int
    flags: int
    number: int
    body: bytes

    @property
    def errno(self) -> int:
        """Why the kernel refuses; 0 when this is no error, or one that says that all went well."""
        return -int(_ERROR.unpack_from(self.body)[0]) if self.kind == ERROR else 0


def request(kind: int, body: bytes, flags: int = 0, number: int = 0) -> bytes:
    """A question to the kernel."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, number, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes as the next one must begin."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def netfilter(family: int, resource: int, attributes: bytes = b"") -> bytes:
    """The body of a question to a part of netfilter (struct nfgenmsg)."""
    return struct.pack("!BBH", family, 0, resource) + attributes


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages of what one call received."""
    at = 0
    while at + _HEADER.size <= len(datagram):
        length, kind, flags, number, _ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size:
            return
        yield Message(kind, flags, number, datagram[at + _HEADER.size : at + length])
        at += length + 3 & ~3


def attributes(listed: bytes) -> dict[int, bytes]:
    """Attributes by kind."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(listed):
        length, kind = _ATTRIBUTE.unpack_from(listed, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _KIND] = listed[at + _ATTRIBUTE.size : at + length]
        at += length + 3 & ~3
    return found
