"""Measure what becomes of packets, a batch at a time: sent, looked for at every point, answered, taken back.

Nothing tells a refused packet from a lost one but this: all of the batch arrived at the firewall (counted there), a control
got through before it and after it by the same way, and everything in flight had its time. All refusals of a batch cost that
time once. A batch that does not prove itself is sent again; what stays unproven is called lost, never refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from lab import rule_counters
from lab.matrix import packets
from lab.matrix.packets import Kind
from lab.matrix.stand import Stand
from lab.matrix.trace import FIREWALL, Batch, Probe, Sighting, Trace

MOST = 4096  # probes of a batch: their sessions fit any table, a quarter of them come back without being read
BURST = 64  # packets sent between two looks: those that wait for an ARP answer fit the kernel's queue
QUIET = 0.03  # s without news after which what is outside any tunnel has come out
IN_TUNNEL = 0.25  # s that a packet in a tunnel has: ten times the longest way, through two programs
CONTROL_WITHIN = 1.0  # s
ATTEMPTS = 3
_PAUSE = 0.0005  # s between two looks


class Measurement:
    """Measures on one stand. ``controls`` get through: one packet each before and after every batch at their entry.

    An entry without a control of its own is watched by all of them.
    """

    def __init__(self, stand: Stand, controls: Sequence[Probe]) -> None:
        self._stand = stand
        self._readers = {site: rule_counters.Reader(firewall.host) for site, firewall in stand.firewalls.items()}
        self._controls = controls
        self._traces: dict[int, Trace] = {}
        self._news = 0.0

    def batches(self, probes: Iterable[Probe]) -> Iterator[Batch]:
        """Measure probes, those of one entry together, in their order. Raises LabError."""
        for entry, together in groupby(sorted(probes, key=lambda probe: probe.entry), key=lambda probe: probe.entry):
            waiting = list(together)
            for first in range(0, len(waiting), MOST):
                yield self._batch(entry, waiting[first : first + MOST])

    def _batch(self, entry: str, probes: Sequence[Probe]) -> Batch:
        begun = time.monotonic()
        for _ in range(ATTEMPTS):
            before = self._counters()
            traces, lost = self._attempt(entry, probes)
            counted = self._counters()
            if not lost:
                break
        for trace in traces:
            trace.lost = lost
        grown = {
            site: {place: number - before[site].get(place, 0) for place, number in places.items()}
            for site, places in counted.items()
        }
        controls = (*self._watching(entry),) * 2  # before and after
        return Batch(entry, tuple(traces), controls, grown, time.monotonic() - begun)

    def _watching(self, entry: str) -> Sequence[Probe]:
        """The controls of an entry."""
        return [one for one in self._controls if one.entry == entry] or self._controls

    def _counters(self) -> dict[str, dict[str, int]]:
        return {
            site: {place: counter.packets for place, counter in reader.read().items()} for site, reader in self._readers.items()
        }

    def _attempt(self, entry: str, probes: Sequence[Probe]) -> tuple[list[Trace], str]:
        """Once through; the traces, and what makes them void ("" when nothing does)."""
        controls = self._watching(entry)
        self._traces.clear()
        try:
            if silent := self._control(controls):
                return [Trace(probe) for probe in probes], f"before the batch, {silent} did not come through"
            self._stand.arrived(entry)
            traces = self._send(entry, probes)
            arrived = self._arrived(entry, len(probes))
            if silent := self._control(controls):
                return traces, f"after the batch, {silent} did not come through"
            self._settle(traces)
            if arrived is not None and arrived != len(probes):
                return traces, f"{arrived} of {len(probes)} packets arrived at the firewall"
            self._reply(traces)
        finally:
            self._stand.end_sessions()
        return traces, ""

    def _arrived(self, entry: str, wanted: int) -> int | None:
        """How many arrived at the firewall, once all have or their time is over: by a VPN they take a while."""
        found, deadline = self._stand.arrived(entry), time.monotonic() + CONTROL_WITHIN
        while found is not None and found < wanted and time.monotonic() < deadline:
            self._look()
            time.sleep(_PAUSE)
            found += self._stand.arrived(entry) or 0
        return found

    def _send(self, entry: str, probes: Sequence[Probe]) -> list[Trace]:
        traces = []
        for place, probe in enumerate(probes):
            trace, packet = self._numbered(probe)
            traces.append(trace)
            self._stand.send(entry, packet)
            if place % BURST == BURST - 1:
                self._await_out_of_tunnels(traces[-BURST:])
        self._look()
        return traces

    def _await_out_of_tunnels(self, traces: Sequence[Trace]) -> None:
        """Look until these have left the tunnels that they went into: two programs and a switch queue a few hundred at most."""
        deadline = time.monotonic() + IN_TUNNEL
        self._look()
        while any(map(_in_tunnel, traces)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            self._look()

    def _numbered(self, probe: Probe) -> tuple[Trace, bytes]:
        number = self._stand.next_number()
        trace = self._traces[number] = Trace(probe)
        return trace, packets.first(probe.flow, number, probe.protocol)

    # Watching

    def _look(self) -> None:
        for event in self._stand.look():
            self._news = time.monotonic()
            if isinstance(event, Sighting):
                self._sighted(event)
                continue
            _, answer = event
            trace = self._traces.get(answer.number)
            if trace is not None and answer.destination == trace.probe.flow.source:
                trace.answers.append(answer.how)
                if answer.how == "opened":
                    self._stand.send(trace.probe.entry, packets.closing(trace.probe.flow, answer.number))

    def _sighted(self, sighting: Sighting) -> None:
        trace = self._traces.get(sighting.seen.number)
        if trace is None:
            return
        match sighting.seen.kind:
            case Kind.FIRST:
                trace.saw(sighting)
            case Kind.REPLY if trace.replied is not None and sighting.into is None:
                trace.replied.append(sighting.point)
            case Kind.STRAY if trace.strayed is not None and sighting.into is not False:
                trace.strayed.append(sighting.point)

    def _control(self, controls: Sequence[Probe]) -> str:
        """Send controls and await them; those that did not come out, "" when all did."""
        sent = []
        for control in controls:
            trace, packet = self._numbered(control)
            sent.append(trace)
            self._stand.send(control.entry, packet)
        deadline = time.monotonic() + CONTROL_WITHIN
        while (silent := [trace for trace in sent if not _came_out(trace)]) and time.monotonic() < deadline:
            self._look()
            time.sleep(_PAUSE)
        return "; ".join(str(trace.probe) for trace in silent)

    def _settle(self, traces: Sequence[Trace]) -> None:
        """Look until nothing is on its way any more."""
        self._news = begun = time.monotonic()
        while True:
            self._look()
            now = time.monotonic()
            if now - self._news > QUIET and (now - begun > IN_TUNNEL or not any(map(_in_tunnel, traces))):
                return
            time.sleep(_PAUSE)

    # The way back

    def _reply(self, traces: Sequence[Trace]) -> None:
        """Have the receivers of what came out on a wire reply, and say something that belongs to no connection."""
        sent = 0
        for trace in traces:
            last = trace.last
            if last is None or last.into is not None or last.point.endswith(f":{FIREWALL}"):
                continue
            for kind in (Kind.STRAY, Kind.REPLY):
                if kind is Kind.STRAY and last.seen.protocol == packets.UDP:
                    continue  # a datagram that belongs to no connection begins one
                packet = packets.reply(last.seen, kind)
                if packet is None:
                    continue
                if kind is Kind.REPLY:
                    trace.replied = []
                else:
                    trace.strayed = []
                self._stand.send(last.point, packet)
                sent += 1
                if sent % BURST == 0:
                    self._look()
        if sent:
            self._settle_replies([trace for trace in traces if trace.replied is not None])

    def _settle_replies(self, traces: Sequence[Trace]) -> None:
        deadline = time.monotonic() + IN_TUNNEL
        self._news = time.monotonic()
        while time.monotonic() - self._news < QUIET or (
            time.monotonic() < deadline and not all(trace.replied for trace in traces)
        ):
            self._look()
            time.sleep(_PAUSE)


def _came_out(trace: Trace) -> bool:
    return bool(trace.sightings) and not _in_tunnel(trace)


def _in_tunnel(trace: Trace) -> bool:
    return bool(trace.sightings) and trace.sightings[-1].into is True
