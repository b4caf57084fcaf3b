"""Whether what was seen of a packet is what the configurations say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.matrix.trace import FIREWALL, Sighting, Trace
from provisioning.matrix.journeys import Journeys, Stage
from sns.paths import IPSEC, SSL_VPN
from sns.prediction import Flow, Prediction

_ANSWERS = {"tcp": frozenset({"opened", "reset"}), "icmp": frozenset({"echo"})}
"""What a firewall's own stack says to a packet that it takes. It says of other protocols, if anything, that nobody is there."""
_ECHO = 8


@dataclass(frozen=True, slots=True)
class Compared:
    """One packet: ``flow`` as it arrives at ``site``, what was predicted, what was seen, and how they disagree (if they do).

    ``counted`` are the rules that counted (``sbg7/Filter/05:14``) when a packet that disagrees was sent again alone.
    """

    site: str
    flow: Flow
    stages: tuple[Stage, ...]
    trace: Trace
    disagreements: tuple[str, ...]
    counted: tuple[str, ...] = ()

    @property
    def prediction(self) -> Prediction:
        """The last firewall's word."""
        return self.stages[-1].prediction


def compare(journeys: Journeys, site: str, flow: Flow, trace: Trace) -> Compared:
    """Compare; ``flow`` as it arrives at a site's firewall, which is another than where it was put in for one from a tunnel."""
    probe = trace.probe
    stages = journeys.of(probe.entry.partition(":")[0], probe.flow)
    found = () if trace.lost else tuple(_Judge(journeys, stages, trace).disagreements())
    return Compared(site, flow, stages, trace, found)


class _Judge:
    def __init__(self, journeys: Journeys, stages: Sequence[Stage], trace: Trace) -> None:
        self._journeys = journeys
        self._stages = stages
        self._trace = trace
        self._last = stages[-1]

    def disagreements(self) -> Iterator[str]:
        expected = [*self._expected()]
        # Whether a VPN user is connected no configuration says: that it was handed to the SSL VPN is what counts.
        seen = [(one.point, one.into) for one in self._trace.sightings if not _of_client(one.point)]
        if seen != expected:
            yield f"expected {_way(expected)}, seen {_way(seen)}"
        elif self._last.departure not in (None, FIREWALL) or (self._last.departure == FIREWALL and not self._last.proxied):
            yield from self._changed(self._trace.sightings[-1])
        yield from self._answered()
        yield from self._replied()
        if self._trace.strayed:
            yield f"what no connection expects came out at {_listed(self._trace.strayed)}"

    def _expected(self) -> Iterator[tuple[str, bool | None]]:
        """The points where it has to be seen, in order."""
        if _of_client(self._trace.probe.entry):
            yield f"{self._stages[0].site}:{SSL_VPN}", False
        for place, stage in enumerate(self._stages):
            if place:
                yield f"{stage.site}:{IPSEC}", False
            if stage.departure is None:
                return
            yield f"{stage.site}:{stage.departure}", True if stage.departure in (IPSEC, SSL_VPN) else None

    def _changed(self, last: Sighting) -> Iterator[str]:
        """Addresses and ports as translation should have left them."""
        expected, seen = self._last.prediction.translated, last.seen
        for name in ("source", "destination", "destination_port"):
            wanted, found = getattr(expected, name), getattr(seen, name)
            if wanted != found:
                yield f"its {name.replace('_', ' ')} came out as {found}, not {wanted}"
        if expected.source_port is not None and expected.source_port != seen.source_port:
            yield f"its source port came out as {seen.source_port}, not {expected.source_port}"
        elif expected.source_port is None and seen.source_port is not None:
            yield from self._drawn(seen.source_port)

    def _drawn(self, port: int) -> Iterator[str]:
        rule = self._last.prediction.nat_rule
        service = rule.translation.source_port if rule and rule.translation else None
        if service is None or not any(port in one for one in self._journeys.ports(self._last.site, service)):
            yield f"its source port came out as {port}, which is not of {service}"

    def _replied(self) -> Iterator[str]:
        entry = self._trace.probe.entry
        back = self._journeys.way_back(self._stages[0])
        expected = [] if back is None else [entry if back == SSL_VPN else f"{self._stages[0].site}:{back}"]
        of_client = self._last.departure == SSL_VPN
        if self._trace.replied not in (None, expected) and back != IPSEC and not of_client:
            yield f"its reply came out at {_listed(self._trace.replied)}, not at {_listed(expected)}"

    def _answered(self) -> Iterator[str]:
        """What stacks said: of what is refused nothing at all, of what is reset that, of what the firewall takes its answer."""
        said, protocol = set(self._trace.answers), self._last.flow.protocol
        if self._last.prediction.verdict == "reset":
            if protocol == "tcp" and said != {"reset"}:
                yield f"answered with {_said(said)}, not a reset"
        elif self._last.departure == FIREWALL:
            wanted = _ANSWERS.get(protocol)
            if wanted and not said & wanted and self._speaks():
                yield f"taken by the firewall and answered with {_said(said)}"
        elif said:
            yield f"answered with {_said(said)} although the firewall does not take it"

    def _speaks(self) -> bool:
        """Whether the firewall's stack answers what it takes: a question of another, to its own address."""
        flow = self._last.flow
        if flow.arrival == FIREWALL or (flow.protocol == "icmp" and flow.icmp_type != _ECHO):
            return False
        return self._journeys.answers(self._last)


def _of_client(point: str) -> bool:
    return ":client-" in point


def _said(answers: set[str]) -> str:
    return " and ".join(sorted(answers)) or "nothing"


def _listed(points: Sequence[str] | None) -> str:
    return " and ".join(points or ()) or "no point"


def _way(points: Sequence[tuple[str, bool | None]]) -> str:
    words = {True: "into ", False: "out of ", None: ""}
    return ", ".join(f"{words[into]}{point}" for point, into in points) or "nowhere"
