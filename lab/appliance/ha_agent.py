"""The HA agent: heartbeats on the HA link, beacons on the data segments, the election, the gate, and what follows.

One loop that never waits for anything but its next beat. The lease of the gate has a thread, everything that takes long a
process (:mod:`lab.appliance.ha_worker`): a busy member must not look like a dead one.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from lab.appliance import configuration as configurations
from lab.appliance import ha_cluster, ha_priority, ha_status, ha_wire, ha_wiring
from lab.appliance.errors import ApplianceError
from lab.appliance.ha_cluster import Place
from lab.appliance.ha_control import ControlSocket
from lab.appliance.ha_log import EventLog
from lab.appliance.ha_segments import Segment
from lab.appliance.ha_state import CannotSwitch, Forced, Member, Mode, Report, Standing, Transition, quality
from lab.appliance.ha_wiring import Wiring
from lab.appliance.ha_worker import Digest, Done, Order, Worker
from sns.model import Configuration

_HASTE = 0.005  # s between two words of a member that has shut its gate and waits for the other
_ANNOUNCEMENTS = 3  # gratuitous ARP at takeover and at the next beats: one frame may be lost
_CLIENTS = 8


class Agent:
    """One running agent. Raises OSError when a device is missing or the kernel refuses the gate."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.place = ha_cluster.place(configuration)
        self.log = EventLog(self.place.own.serial)
        self.worker = Worker(configuration, self.place)  # forked while this process holds no socket and no thread
        self.priority = ha_priority.raise_own()
        now = time.monotonic()
        standing = Standing(self.place.own.serial, self.place.own.priority, 100)
        self.member = Member(standing, self.place.timers, now, self.place.first, asks=any(self.place.neighbours.values()))
        self.booted, self.sequence = time.time_ns(), 0
        self.digest = bytes(16)
        self.last_sync, self.last_change = 0, int(time.time())
        self.link_since, self._link_was = int(time.time()), False
        self._beaten = self._announced = now
        self._announcements = 0
        self._received, self._asked = 0, now
        self.control = ControlSocket()
        self._clients: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._on(self.control.socket, self._accept)
        self._on(self.worker.connection, self._listen_to_worker)
        self._use(ha_wiring.lay(self.place))
        self.log.note("agent started", priority=self.priority, dead_ms=round(self.place.timers.dead * 1000))

    def run(self) -> None:
        """Work for ever."""
        due = time.monotonic()
        while True:
            ready = self._selector.select(max(0.0, due - time.monotonic()))
            self._notice_stall(time.monotonic())  # before anything is heard: it may be old
            for key, _ in ready:
                key.data()
            now = time.monotonic()
            pace = _HASTE if self.member.mode is Mode.YIELDING else self.place.timers.heartbeat
            due = min(due, self._beaten + pace)
            if now >= due:
                self._beat(now)
                due = now + pace - now % pace  # all agents of a machine at once: what they wake, such as the switch, wakes once

    # Wires

    def _use(self, wiring: Wiring) -> None:
        """Hear and say from now on over these wires."""
        self.listener, self.link, self.lease = wiring.listener, wiring.link, wiring.lease
        self.segments, self.carriers = wiring.segments, wiring.carriers
        self._wiring = wiring
        self._on(self.link, self._hear_link)
        self._on(self.carriers.socket, self._look_at_carriers)
        for section, segment in self.segments.items():
            self._on(segment.socket, partial(self._hear_segment, section, segment))

    def _rewire(self, place: Place) -> None:
        """Another configuration; what does not change is not disturbed. One that cannot be had leaves all as it was."""
        if place == self.place:
            return
        wiring = None
        if place.wires != self.place.wires:
            try:
                wiring = ha_wiring.lay(place, new_gate=dict(place.data) != dict(self.place.data))
            except (ApplianceError, OSError) as error:
                self.log.note("configuration refused", why=str(error))
                return
        self.log.note("configuration changed")
        self.place = place
        self.member.timers, self.member.first = place.timers, place.first
        self.member.asks = any(place.neighbours.values())
        if wiring is not None:
            self._replace_wires(wiring)
        if self.member.mode is Mode.ACTIVE:
            self._announce()
        self._stand(priority=place.own.priority)

    def _replace_wires(self, wiring: Wiring) -> None:
        """Close what was opened for another configuration: that takes tens of milliseconds, and the peer may take over."""
        for source in (self.link, self.carriers.socket, *(segment.socket for segment in self.segments.values())):
            self._selector.unregister(source)
        self._wiring.close()
        self._use(wiring)
        self._notice_stall(time.monotonic())
        if self.member.mode is Mode.ACTIVE:
            self.lease.grant()

    def _on(self, source: object, act: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)  # type: ignore[arg-type]

    # Hearing

    def _hear_link(self) -> None:
        while True:
            try:
                message = self.link.recv(2048)
            except OSError:
                return
            self._hear(message, "link", None)

    def _hear_segment(self, section: str, segment: Segment) -> None:
        for message in segment.receive():
            self._hear(message, section, section)

    def _hear(self, message: bytes, medium: str, segment: str | None) -> None:
        with suppress(ha_wire.Unacceptable):
            report = self.listener.accept(message, medium)
            before = self.member.peer.mode if self.member.peer else None
            if before is not report.mode:
                self.log.note("peer", mode=report.mode.value, was=before.value if before else None, heard_on=medium)
            self._follow(self.member.hear(report, time.monotonic(), segment))

    def _look_at_carriers(self) -> None:
        before = {section: segment.carrier for section, segment in self.segments.items()}
        self.carriers.refresh()
        for section, segment in self.segments.items():
            if segment.carrier != before[section]:
                self.log.note("data link", interface=section, carrier=segment.carrier)
        self._stand()

    def _listen_to_worker(self) -> None:
        try:
            words = self.worker.words()
        except (EOFError, OSError):
            self._selector.unregister(self.worker.connection)
            self.log.note("worker lost", status=self.worker.bury())
            self.worker = Worker(self.configuration, self.place)
            self._on(self.worker.connection, self._listen_to_worker)
            self._order(Order.SERVE if self.member.mode is Mode.ACTIVE else Order.REST)
            return
        for word in words:
            match word:
                case Done():
                    self.log.note(word.event, seconds=round(word.seconds, 4), failure=word.failure)
                case Digest():
                    self.digest = word.value
                case Place():
                    self._rewire(word)

    # The beat

    def _notice_stall(self, now: float) -> None:
        if now - self._beaten > self.place.timers.lease:
            self.log.note("stalled", seconds=round(now - self._beaten, 4))
            self._follow(self.member.stalled(now))

    def _beat(self, now: float) -> None:
        self._beaten = now
        self.lease.prove()
        if self.lease.failure is not None:
            raise self.lease.failure
        self._listen_for_anybody(now)
        self._follow(self.member.tick(now))
        self._say(now)
        if self.member.mode is Mode.ACTIVE:
            self._announce_again(now)
        alive = self.member.link_alive(now)
        if alive != self._link_was:
            self._link_was, self.link_since = alive, int(time.time())
            # Never the active one: what ended there meanwhile must not come back from a peer that did not hear of it.
            if alive and self.member.mode is not Mode.ACTIVE:
                self._order(Order.CATCH_UP)
            self.log.note("ha link", state="OK" if alive else "Failed", seen_on=self.member.segments_alive(now))

    def _listen_for_anybody(self, now: float) -> None:
        """Whether anything at all comes in on the data networks. Who works and hears nothing for a while asks."""
        received = sum(segment.received() for segment in self.segments.values())
        if received != self._received:
            self._received = received
            self._follow(self.member.sense(now))
        elif self.member.mode is Mode.ACTIVE and now - max(self.member.sensed, self._asked) >= self.place.timers.deaf / 4:
            self._asked = now
            for section, neighbours in self.place.neighbours.items():
                with suppress(OSError):  # its cable is pulled
                    self.segments[section].ask(self.place.addresses[section], neighbours)

    def report(self, now: float) -> Report:
        """What this member says of itself."""
        return replace(
            self.member.report(now),
            boot=self.booted,
            sequence=self.sequence,
            digest=self.digest,
            last_sync=self.last_sync,
            last_change=self.last_change,
        )

    def _say(self, now: float) -> None:
        self.sequence += 1
        message = ha_wire.encode(self.report(now), self.place.secret)
        with suppress(OSError):  # the link is down; the peer will notice
            self.link.sendto(message, (str(self.place.peer.address), ha_wire.PORT))
        if self.member.mode is Mode.ACTIVE:
            for segment in self.segments.values():
                with suppress(OSError):
                    segment.beacon(message)

    def _announce(self) -> None:
        """Gratuitous ARP for every address: the switches learn where the shared MAC is now."""
        self._announced = time.monotonic()
        for section, segment in self.segments.items():
            with suppress(OSError):
                segment.announce(self.place.addresses.get(section, ()))

    def _announce_again(self, now: float) -> None:
        period = self.place.arp_period
        if self._announcements:
            self._announcements -= 1
            self._announce()
        elif period and now - self._announced >= period:
            self._announce()

    # What follows from a change

    def _stand(self, *, forced: Forced | None = None, priority: int | None = None) -> None:
        before = self.member.standing
        carriers = {section: segment.carrier for section, segment in self.segments.items()}
        standing = Standing(
            before.serial,
            before.priority if priority is None else priority,
            quality(carriers, self.place.weights),
            before.forced if forced is None else forced,
        )
        if standing != before:
            self._follow(self.member.stand(standing, time.monotonic()))
            self._say(time.monotonic())  # the peer has to know before it has to act

    def _follow(self, transition: Transition | None) -> None:
        if transition is None:
            return
        decided = time.monotonic()
        phases = {"decided": decided}
        if self.member.heard_link > 0:
            phases["peer_last_heard"] = self.member.heard_link
        if transition.after is Mode.ACTIVE:
            for segment in self.segments.values():
                segment.renew_destination()
                with suppress(OSError):
                    segment.move()
            self.lease.grant()
            phases["gate_open"] = time.monotonic()
            self._say(decided)  # the beacons first: they move the MAC in every switch, the word stops a peer that yields
            self._announce()
            self._announcements = _ANNOUNCEMENTS
            phases["announced"] = time.monotonic()
            if transition.before is not Mode.ACTIVE:
                self._order(Order.SERVE)
        else:
            if transition.before is Mode.ACTIVE:
                self.lease.revoke()
                phases["gate_shut"] = time.monotonic()
            self._say(decided)
            if transition.after is Mode.PASSIVE:  # at its start too: an agent that died left its tunnels running
                self._order(Order.REST)
        if transition.before is not transition.after:
            self.last_change = int(time.time())
        self.log.note(
            "mode",
            before=transition.before.value,
            after=transition.after.value,
            cause=transition.cause.name.lower(),
            why=transition.cause.value,
            detail=transition.detail,
            quality=self.member.standing.quality,
            phases={name: round(at, 6) for name, at in phases.items()},
        )

    def _order(self, order: Order) -> None:
        with suppress(OSError):  # a worker that is gone is noticed and replaced where it is listened to
            self.worker.order(order)

    # The control socket

    def _accept(self) -> None:
        client = self.control.accept()
        if client is None:
            return
        if len(self._clients) >= _CLIENTS:  # the oldest had its time to ask
            self._hang_up(self._clients[0]).close()
        self._clients.append(client)
        self._on(client, lambda: self.control.serve(self._hang_up(client), self._answer))

    def _hang_up(self, client: socket.socket) -> socket.socket:
        self._selector.unregister(client)
        self._clients.remove(client)
        return client

    def _answer(self, words: list[str]) -> Mapping[str, object]:
        now = time.monotonic()
        try:
            match words:
                case ["status"]:
                    return ha_status.status(self, now)
                case ["switch"]:
                    self._follow(self.member.switch(now))
                case ["force", mode]:
                    self.log.note("forced", mode=Forced(mode).value)
                    self._stand(forced=Forced(mode))
                case ["synchronised", digest]:
                    self.last_sync, self.digest = int(time.time()), bytes.fromhex(digest)
                    self.log.note("synchronised", digest=digest)
                case ["quiet", seconds]:
                    self.lease.be_quiet(float(seconds))
                case ["reload"]:
                    self._order(Order.REREAD)
                case _:
                    return {"error": f"unknown request {' '.join(words)!r}"}
        except (CannotSwitch, ValueError) as error:
            return {"error": str(error)}
        return {"done": True}


def main(_: list[str]) -> int:
    """The agent's process."""
    agent = Agent(configurations.load())
    try:
        agent.run()
    finally:  # it never returns, so it failed; the reason goes to standard error, the fact to the members' log
        agent.log.note("agent failed", why=repr(sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]))
        with suppress(OSError):  # it shuts by itself
            agent.lease.revoke()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
