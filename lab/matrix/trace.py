"""What is sent, and what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.matrix.packets import Seen
from sns.prediction import Flow

FIREWALL = "firewall"
"""The part of a firewall's points that stands for the firewall itself: what it sends, what it takes for itself."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The first packet of a connection, and the point where it is put in (``sbg7:out``, see :class:`lab.matrix.stand.Stand`).

    ``protocol`` is the number of the flow's protocol.
    """

    entry: str
    flow: Flow
    protocol: int

    def __str__(self) -> str:
        return f"{self.flow} at {self.entry}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet at a point. ``into`` a tunnel's device, or out of it (None: the point is no tunnel)."""

    point: str
    seen: Seen
    into: bool | None = None

    def __str__(self) -> str:
        ends = [
            f"{address}:{port}" if port is not None else str(address)
            for address, port in (
                (self.seen.source, self.seen.source_port),
                (self.seen.destination, self.seen.destination_port),
            )
        ]
        way = {True: "into ", False: "out of ", None: ""}[self.into]
        return f"{way}{self.point} as {ends[0]} -> {ends[1]}"


@dataclass(slots=True)
class Trace:
    """What was seen of one probe: the packet in order, what a firewall's stack answered, the replies that came back.

    ``replied`` and ``strayed`` are where the reply to it, and a packet like a reply that belongs to no connection, came out;
    None when none was sent. ``lost`` says why nothing is known of it, "" when something is.
    """

    probe: Probe
    sightings: list[Sighting] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    replied: list[str] | None = None
    strayed: list[str] | None = None
    lost: str = ""

    def saw(self, sighting: Sighting) -> None:
        """Take in where it was seen, each router on its way having taken one off its time to live."""
        self.sightings.append(sighting)
        self.sightings.sort(key=_progress)

    @property
    def last(self) -> Sighting | None:
        """Where it was last seen; None when it never left the firewall at which it was put in."""
        return self.sightings[-1] if self.sightings else None


def _progress(sighting: Sighting) -> tuple[int, int]:
    return -sighting.seen.ttl, {True: 0, False: 1, None: 2}[sighting.into]


@dataclass(frozen=True, slots=True)
class Batch:
    """Probes that were put in at one point together, and how often each rule of each firewall counted meanwhile.

    ``counted`` are packets by firewall and place (``Filter/05:14``), those of the ``controls`` among them.
    """

    entry: str
    traces: tuple[Trace, ...]
    controls: tuple[Probe, ...]
    counted: Mapping[str, Mapping[str, int]]
    seconds: float
