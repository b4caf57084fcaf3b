"""Netlink messages: what is packed is what is read, and what is cut off ends the reading."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterable

import pytest

from lab.appliance import netlink
from lab.appliance.netlink import Message, attribute, attributes, messages, request


def test_messages_of_any_length_are_read_one_after_the_other() -> None:
    bodies = [b"", b"a", b"four", b"seven .", bytes(1000)]
    sent = [request(20 + place, body, netlink.DUMP, number=place) for place, body in enumerate(bodies)]
    padded = b"".join(one + bytes(-len(one) % 4) for one in sent)

    assert [(told.kind, told.number, told.body) for told in messages(padded)] == [
        (20 + place, place, body) for place, body in enumerate(bodies)
    ]
    assert {told.flags for told in messages(padded)} == {netlink.DUMP | 0x1}, "each is a request"


def test_attributes_are_read_by_kind_whatever_flags_it_has() -> None:
    inner = attribute(1, b"abc") + attribute(2, b"")
    assert attributes(attribute(7 | netlink.NESTED, inner) + attribute(4, b"12345")) == {7: inner, 4: b"12345"}
    assert attributes(inner) == {1: b"abc", 2: b""}


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 31])
def test_what_is_cut_off_ends_the_reading(cut: int) -> None:
    whole = request(20, bytes(16))
    assert [told.kind for told in messages(whole + whole[:cut])] == [20] * (1 if cut < 16 else 2)


@pytest.mark.parametrize("read", [messages, attributes])
def test_a_length_of_nothing_ends_the_reading(read: Callable[[bytes], Iterable[object]]) -> None:
    assert list(read(bytes(64))) == []


@pytest.mark.parametrize(
    ("kind", "code", "meant"),
    [(netlink.ERROR, -errno.ENOENT, errno.ENOENT), (netlink.ERROR, 0, 0), (netlink.DONE, -errno.ENOENT, 0)],
    ids=["refused", "acknowledged", "no error"],
)
def test_only_an_error_is_a_refusal(kind: int, code: int, meant: int) -> None:
    assert Message(kind, 0, 1, struct.pack("=i", code) + bytes(16)).errno == meant
