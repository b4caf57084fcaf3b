"""Questions that are asked all along: so that there are answers to see, and that a wire which stands still is noticed.

Each question carries a number behind its ARP body, in the padding of the frame. A bystander's port shows when the switch
delivered it: a switch that got no CPU parts the members as a pulled cable would, and that is the machine's fault.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab import namespace
from lab.host import LabHost
from lab.invariants.violation import Stretch
from lab.invariants.wires import ARP, Said

ASKED_EVERY = 0.100  # s between two questions for each address
_BROADCAST = b"\xff" * 6
_NUMBER = slice(42, 46)  # of the frame: behind 14 bytes of Ethernet and 28 of ARP
_LOST = 2.0  # s after which a question that was not delivered counts as lost, after so long
_FORGOTTEN = 60.0  # s after which a question is of no interest any more


@dataclass(frozen=True, slots=True)
class Question:
    """Who has ``address``? Asked of a whole segment from an interface of a host, in nobody's name (RFC 5227).

    ``witness`` is the host and interface of another bystander, whose port shows that it was delivered; without one nobody
    knows.
    """

    host: LabHost
    nic: str
    address: IPv4Address
    witness: tuple[str, str] | None


class Asker:
    """Keeps asking. ``unasked`` are the times when it did not come to it."""

    def __init__(self, questions: Collection[Question]) -> None:
        self._sockets = [
            (namespace.packet_socket(one.host.pid, one.nic), _probe(one), one.witness is not None) for one in questions
        ]
        self._asked = time.monotonic()
        self._number = 0
        self._under_way: dict[bytes, float] = {}
        self._delivered: list[tuple[float, float]] = []
        self.unasked: list[Stretch] = []

    def ask(self, now: float) -> None:
        """Ask every question, when it is time to."""
        if now - self._asked < ASKED_EVERY:
            return
        if now - self._asked > 3 * ASKED_EVERY:
            self.unasked.append(Stretch(self._asked, now, "nobody asked for the addresses: the observer itself was late"))
        self._asked = now
        for number in [number for number, sent in self._under_way.items() if now - sent > _LOST]:
            self._delivered.append((self._under_way.pop(number), _LOST))
        for opened, frame, witnessed in self._sockets:
            self._number += 1
            number = struct.pack("!I", self._number)
            with suppress(OSError):  # the neighbour's own cable is pulled: nobody can ask from there
                if witnessed:
                    self._under_way[number] = time.monotonic()
                opened.send(frame + number + bytes(14))

    def delivered(self, said: Said) -> None:
        """A frame that was delivered to a witness: one of ours, or any other."""
        sent = self._under_way.pop(said.data[_NUMBER], None) if said.kind == ARP else None
        if sent is not None:
            self._delivered.append((sent, said.at - sent))
            while self._delivered[0][0] < sent - _FORGOTTEN:
                self._delivered.pop(0)

    def longest_way(self, began: float, ended: float) -> float:
        """How long (s) the slowest question of a time was on its way; one that has not arrived is until now."""
        now = time.monotonic()
        on_its_way = [(sent, now - sent) for sent in self._under_way.values()]
        return max(
            (took for sent, took in (*self._delivered, *on_its_way) if sent < ended and sent + took > began), default=0.0
        )

    def close(self) -> None:
        """Stop asking."""
        for opened, _, _ in self._sockets:
            opened.close()


def _probe(one: Question) -> bytes:
    own = bytes.fromhex(one.host.nic(one.nic).mac.replace(":", ""))
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + bytes(4) + bytes(6) + socket.inet_aton(str(one.address))
    return _BROADCAST + own + ARP.to_bytes(2, "big") + body
