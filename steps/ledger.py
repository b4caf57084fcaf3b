"""What a failover cost each flow, from what the instrument saw and the members wrote: an entry of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab import phases
from lab.cluster import Cluster
from lab.flows.instrument import Instrument, Lane
from lab.flows.silence import Seen
from reports.entries import Failover
from reports.ledger import Direction, Scheduling, distribution
from reports.ledger import Lane as LaneEntry
from reports.ledger import Phase as PhaseEntry

GOING_ON = 60_000_000
"""Nanoseconds without a message after which a flow is not taken to go on: thirty messages that are due."""

_DIRECTIONS: tuple[Direction, Direction] = ("there", "back")


@dataclass(frozen=True, slots=True)
class Watched:
    """One failover as it was watched: times in ns of the monotonic clock, noise in ms and the lane that had it."""

    kind: str
    number: int
    moment: int
    begin: int
    end: int
    noise: float
    noisiest: str
    seen: Mapping[Lane, Seen]

    def since_moment(self, at: float) -> float:
        """A time (ns) as milliseconds from the event."""
        return round((at - self.moment) / 1e6, 1)


def entry(
    watched: Watched, instrument: Instrument, cluster: Cluster, budgets: Mapping[str, int], instance: str, step: int
) -> Failover:
    """The entry of one failover. ``budgets`` are the longest gaps accepted (ms), by class of flow."""
    told = phases.phases(phases.events(cluster, watched.moment / 1e9), watched.moment / 1e9)
    late = distribution(one / 1e6 for one in instrument.lateness(watched.begin, watched.end))
    ha = cluster.members[0].configuration().ha
    return Failover(
        instance=instance,
        step=step,
        kind=watched.kind,
        number=watched.number,
        phases=tuple(
            PhaseEntry(name=one.name, begin=watched.since_moment(one.begin * 1e9), end=watched.since_moment(one.end * 1e9))
            for one in told
        ),
        lanes=tuple(_lane(watched, lane, seen, instrument, budgets) for lane, seen in watched.seen.items()),
        resolution=instrument.resolution_ms,
        noise=watched.noise,
        noisiest=watched.noisiest,
        scheduling=Scheduling(median=round(late.median, 3), p95=round(late.p95, 3), max=round(late.max, 3)),
        drawn=(watched.since_moment(watched.begin), watched.since_moment(watched.end)),
        tokens={"TokenTimeout": ha.token_timeout, "PingInterval": ha.ping_interval, "NbPing": ha.ping_count},
        predicted=float(max(ha.token_timeout, ha.ping_interval * ha.ping_count)) if watched.kind == "member killed" else None,
    )


def _lane(watched: Watched, lane: Lane, seen: Seen, instrument: Instrument, budgets: Mapping[str, int]) -> LaneEntry:
    silences = seen.longer_than(max(instrument.resolution_ms, watched.noise) * 1e6)
    begin, end = seen.longest or (watched.moment, watched.moment)
    flow = lane.flow
    return LaneEntry(
        name=flow.name,
        flow_class=flow.flow_class,
        direction="round trip" if flow.kind == "shell" else _DIRECTIONS[lane.direction],
        sent=seen.sent,
        lost=seen.lost,
        duplicated=seen.duplicated,
        reordered=seen.reordered,
        gap=round((end - begin) / 1e6, 1),
        gap_begin=watched.since_moment(begin),
        back_after=None if seen.silent_for > GOING_ON else watched.since_moment(silences[-1][1]) if silences else 0.0,
        survived=not instrument.broken(flow, watched.begin, watched.end) if flow.connection else None,
        budget=budgets[flow.flow_class],
        silences=tuple((watched.since_moment(one), watched.since_moment(other)) for one, other in silences),
    )


def lost_to(failover: Failover, lane: LaneEntry) -> str:
    """Which phases a lane's longest gap consists of, in words."""
    found = [phases.Phase(one.name, one.begin / 1000, one.end / 1000) for one in failover.phases]
    return phases.eaten_by(found, lane.gap_begin / 1000, (lane.gap_begin + lane.gap) / 1000)
