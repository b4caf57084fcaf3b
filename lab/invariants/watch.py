"""The watch over a pair: everything that its invariants look at, read all the time by a thread of its own.

What is seen is judged with a delay (:data:`HELD_BACK`), so that frames of all wires are in the order of their times and the
members' own word about each moment is at hand. Times are the kernel's: a thread that is late judges late, never wrongly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from lab.invariants import forwarding, silence
from lab.invariants.answers import TWO_MACS, TWO_PORTS, OneMac, OnePort
from lab.invariants.duty import Duty
from lab.invariants.pair import Pair
from lab.invariants.questions import Asker
from lab.invariants.silence import Silence
from lab.invariants.stalls import Stalls
from lab.invariants.violation import Finding, Stretch, Violation
from lab.invariants.wires import Said, Wire, close_all

HELD_BACK = 0.5
"""Seconds before a frame is judged: a member's log line is written within milliseconds, under load within a few hundred."""
PERIOD = 0.05  # s between two readings
LOG = "/log/l_ha"


class Watch:
    """Watches a pair from entering the context to its end. What it found is in :meth:`findings`, at any time."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.stalls, self.queueing = Stalls(), Stalls(ordinary=True)
        self.failure: BaseException | None = None
        self._relaxed: list[tuple[float, float, float]] = []
        self._duties = {member.name: Duty(member.path(LOG), pair.timers.lease) for member in pair.members}
        self._forwarding = forwarding.one_forwards(pair.timers, self._left, self._bound)
        self._silence = Silence(self._duties)
        self._one_mac = OneMac(pair.addresses)
        self._one_port = OnePort(self._left, self._bound)
        self._lost: list[Stretch] = []
        self._held: list[Said] = []
        self._judged = self._read = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Watch:
        fabric = self.pair.members[0].host.fabric
        self.stalls.__enter__()
        self.queueing.__enter__()
        self._wires = [Wire(fabric, member.name, nic) for member in self.pair.members for nic in self.pair.nics]
        self._bystanders = [Wire(fabric, host, nic, arp_only=True) for host, nic in self.pair.bystanders]
        witnesses = {question.witness for question in self.pair.questions if question.witness}
        self._witnesses = [Wire(fabric, host, nic, arp_only=True, delivered=True) for host, nic in witnesses]
        self._asker = Asker(self.pair.questions)
        self.began = self._judged = self._read = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"watch-{self.pair.site}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._asker.close()
        close_all([*self._wires, *self._bystanders, *self._witnesses])
        self.queueing.__exit__(None, None, None)
        self.stalls.__exit__(None, None, None)

    # What it is told

    @contextmanager
    def relaxed(self, bound: float) -> Iterator[None]:
        """While a fault makes a member deaf, and for as long again, both may be seen for ``bound`` seconds."""
        began, place = time.monotonic(), len(self._relaxed)
        self._relaxed.append((began, float("inf"), bound))
        try:
            yield
        finally:
            self._relaxed[place] = (began, time.monotonic() + bound, bound)

    def up_to_now(self) -> None:
        """Return once everything until this moment has been judged. Raises what stopped the watch."""
        wanted = time.monotonic()
        while self._judged < wanted and self.failure is None:
            time.sleep(PERIOD)
        if self.failure is not None:
            raise self.failure

    # What it says

    def findings(self) -> list[Finding]:
        """Each invariant over the whole watch."""
        with self._lock:
            seen, unseen = tuple(self._lost), (*self._lost, *self._asker.unasked)
            told: tuple[tuple[str, tuple[Violation, ...], tuple[Stretch, ...]], ...] = (
                (forwarding.NAME, self._excused(self._forwarding.violations, self._together), seen),
                (TWO_MACS, tuple(self._one_mac.violations), unseen),
                (TWO_PORTS, self._excused(self._one_port.violations, self._together), unseen),
                (silence.NAME, self._excused(self._silence.violations, self._queued), seen),
            )
            seconds = self._judged - self.began
            return [Finding(self.pair.site, name, seconds, violations, unknown) for name, violations, unknown in told]

    def took_over(self, since: float) -> float | None:
        """When a member last became active after a moment, by its own word."""
        with self._lock:
            moments = [moment for duty in self._duties.values() if (moment := duty.took_over(since)) is not None]
        return max(moments, default=None)

    def _excused(self, violations: Sequence[Violation], cause: Callable[[Violation], str]) -> tuple[Violation, ...]:
        """The violations, marked where the machine itself explains them."""
        for violation in violations:
            violation.excuse = violation.excuse or cause(violation)
        return tuple(violations)

    def _together(self, violation: Violation) -> str:
        """Why both may have been seen at a time: each thought itself alone, or what the former had sent came late."""
        return self._parted(violation) or self._queued(violation)

    def _parted(self, violation: Violation) -> str:
        """Why both may have thought themselves alone: they did not run, or the switch between them did not.

        Looked for from two takeovers earlier on: who took over then may only now hear that it was not alone.
        """
        timers, ended = self.pair.timers, violation.began + violation.lasted
        earlier = violation.began - 4 * timers.dead
        stood = self.stalls.between(earlier, ended)
        if stood >= min(violation.lasted - violation.bound, timers.dead / 2):
            return f"the machine itself stood still for {stood * 1000:.0f} ms meanwhile"
        way = self._asker.longest_way(earlier, ended)
        if way >= timers.dead / 2:
            return f"the switch itself delivered nothing for {way * 1000:.0f} ms: the members were parted by the machine"
        if any(one.began < ended and one.ended > earlier for one in self._asker.unasked):
            return "the observer itself was late: nobody knows whether the switch delivered anything then"
        return ""

    def _queued(self, violation: Violation) -> str:
        """Why a packet that had passed the gate may have come late to the port: the kernel itself had no CPU for it."""
        waited = self.queueing.between(violation.began - violation.lasted, violation.began + violation.lasted)
        explained = waited >= violation.lasted - violation.bound
        return f"packets waited for {waited * 1000:.0f} ms for a CPU meanwhile" if explained else ""

    # The thread

    def _run(self) -> None:
        try:
            while not self._over.wait(PERIOD):
                now = time.monotonic()
                self._asker.ask(now)
                self._look(now)
        except BaseException as why:  # told to whoever asks the watch
            self.failure = why

    def _look(self, now: float) -> None:
        with self._lock:
            self.stalls.read()
            self.queueing.read()
            for witness in self._witnesses:
                for said in witness.read():
                    self._asker.delivered(said)
            for wire in (*self._wires, *self._bystanders):
                before = wire.lost
                self._held += wire.read()
                if wire.lost > before:
                    why = f"{wire.lost - before} frames of {wire.host}:{wire.nic} were lost before they could be read"
                    self._lost.append(Stretch(self._read, now, why))
            self._read = now
            for duty in self._duties.values():
                duty.read()
            self._judge(now - HELD_BACK)

    def _judge(self, until: float) -> None:
        ripe = sorted((said for said in self._held if said.at <= until), key=lambda said: said.at)
        self._held = [said for said in self._held if said.at > until]
        for said in ripe:
            self._one_mac.take(said)
            if said.host in self._duties:
                self._forwarding.take(said)
                self._silence.take(said)
                self._one_port.take(said)
        self._judged = until

    def _left(self, host: str, earlier: float, later: float) -> bool:
        return self._duties[host].left(earlier, later)

    def _bound(self, at: float) -> float:
        return max((bound for began, ended, bound in self._relaxed if began <= at <= ended), default=forwarding.TOGETHER)
