"""All that an agent has open for one configuration: the HA link, the data segments and the hand on their gate."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from lab.appliance import ha_gate, ha_wire
from lab.appliance.ha_cluster import Place
from lab.appliance.ha_gate import Gate
from lab.appliance.ha_lease import Lease
from lab.appliance.ha_segments import Carriers, Segment

_IP_FREEBIND = 15


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is open at a member's place; ``segments`` are those of its data networks, by section."""

    listener: ha_wire.Listener
    link: socket.socket
    segments: Mapping[str, Segment]
    carriers: Carriers
    lease: Lease

    def close(self) -> None:
        """Give all back, which takes tens of milliseconds; the gate stays as it is until its lease ends."""
        self.lease.close()
        self.link.close()
        self.carriers.close()
        for segment in self.segments.values():
            segment.close()


def lay(place: Place, *, new_gate: bool = False) -> Wiring:
    """Open the wires of a place, beside those of another that may still be open, and the gate last, if it is a new one.

    Raises OSError when a device is missing, ApplianceError when nft refuses the gate; then nothing is open, and the gate that
    was there is there as before.
    """
    devices = tuple(place.data.values())
    with ExitStack() as opened:
        segments = {}
        for section, device in place.data.items():
            segments[section] = Segment(device, place.peer.serial)
            opened.callback(segments[section].close)
        carriers = Carriers(segments.values())
        opened.callback(carriers.close)
        link = opened.enter_context(_link_socket(place))
        gate = Gate(devices)
        opened.callback(gate.close)
        if new_gate:
            ha_gate.install(devices)
        opened.pop_all()
    return Wiring(ha_wire.Listener(place.peer.serial, place.secret), link, segments, carriers, Lease(gate, place.timers.lease))


def _link_socket(place: Place) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # Never by another way than the HA link, and also before it has its address: a member without one must not stand still.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, place.link.encode())
        opened.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the one of the former place is still open
        opened.bind((str(place.own.address), ha_wire.PORT))
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened
