"""The counters of an appliance's rules, asked of the kernel itself: a tenth of what a process in the appliance costs.

Every counter object of the network namespace is dumped over netlink (include/uapi/linux/netfilter/nf_tables.h).
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.appliance import counters, netlink
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.host import LabHost

_GET_OBJECT, _NEW_OBJECT = 10 << 8 | 19, 10 << 8 | 18
_TABLE, _NAME, _TYPE, _DATA = 1, 2, 3, 4
_COUNTER, _BYTES, _PACKETS = 1, 1, 2
_IPV4 = 2
_ANSWERS_WITHIN = 5.0  # s; the kernel answers at once
_ATTEMPTS = 5  # a policy that is applied in the middle makes a dump void


@dataclass(frozen=True, slots=True)
class Counter:
    """How often a rule matched."""

    packets: int
    bytes: int


class Reader:
    """Asks one host again and again, by one socket that is never closed before its reader is gone.

    Closing a netlink socket makes the kernel wait with the ruleset locked. The lease of the HA gate is not renewed in that
    time, and runs out when it is long: seven of two thousand packets were lost by thirty readings.
    """

    def __init__(self, host: LabHost) -> None:
        self._host = host.name
        self._lock = threading.Lock()
        self._asked = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETFILTER)
        self._asked.settimeout(_ANSWERS_WITHIN)
        self._number = 0
        self._told: dict[bytes, dict[str, Counter]] = {}
        weakref.finalize(self, self._asked.close)

    def read(self) -> dict[str, Counter]:
        """Every counter by its place (``Filter/05:14``) or implicit name. Raises LabError when the kernel refuses."""
        with self._lock:
            for _ in range(_ATTEMPTS):
                self._number += 1
                if (told := _dump(self._asked, self._number, self._host)) is not None:
                    # Most rules counted nothing since the last time: the kernel says the same bytes of them.
                    self._told = {body: self._told.get(body) or _counter(body) for body in told}
                    return {place: counter for one in self._told.values() for place, counter in one.items()}
        raise LabError(f"{self._host}: its rules changed each time their counters were read")


def _dump(asked: socket.socket, number: int, host: str) -> list[bytes] | None:
    """What the kernel says of each object; None when the rules changed while they were told."""
    asked.send(netlink.request(_GET_OBJECT, netlink.netfilter(_IPV4, 0), netlink.DUMP, number))
    found: list[bytes] = []
    whole = True
    while True:
        for told in netlink.messages(asked.recv(1 << 18)):
            if told.number != number:  # the rest of what an earlier question was not told in time
                continue
            whole = whole and not told.flags & netlink.INTERRUPTED
            if told.errno:
                raise LabError(f"{host}: the kernel does not tell the rules' counters: {os.strerror(told.errno)}")
            if told.kind == netlink.DONE:
                return found if whole else None
            if told.kind == _NEW_OBJECT:
                found.append(told.body[4:])  # before it stands how often anything changed, which the HA gate does all the time


def _counter(body: bytes) -> dict[str, Counter]:
    told = netlink.attributes(body)
    if int.from_bytes(told[_TYPE], "big") != _COUNTER or _text(told[_TABLE]) not in counters.TABLES:
        return {}
    values = netlink.attributes(told[_DATA])
    return {
        counters.key(_text(told[_NAME])): Counter(
            int.from_bytes(values[_PACKETS], "big"), int.from_bytes(values[_BYTES], "big")
        )
    }


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode()
