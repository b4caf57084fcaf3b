"""The HA agent: heartbeats on the HA link, beacons on the data networks, the election, the gate, and its consequences.

One thread, one poll. What may take long (the VPN daemons, a synchronisation) runs beside it, so that the lease of an
active member is always renewed in time.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab.appliance import configuration as configurations
from lab.appliance import conntrackd, duty, ha_cluster, ha_sync, ha_wire, paths, routes
from lab.appliance.daemon import Daemon
from lab.appliance.errors import ApplianceError
from lab.appliance.ha_gate import Gate
from lab.appliance.ha_state import CannotSwitch, Forced, Member, Mode, Standing, Timers, Transition, quality
from sns.model import Configuration

_LOG = paths.LOG / "l_ha"
_AGENT = Daemon("ha_agent", "/usr/bin/python3", paths.LOG / "l_ha_agent")
_DIGEST_EVERY = 0.1  # s between two looks at whether a configuration file changed
_PRIORITY = 20  # of SCHED_FIFO: above every ordinary process, so that a busy machine does not look like a dead peer


def boot(configuration: Configuration) -> None:
    """Start the exchange of sessions and the agent. Raises ServiceFailed or ApplianceError."""
    place = ha_cluster.place(configuration)
    conntrackd.start(place.own.address, place.peer.address, place.link)
    ha_cluster.CONTROL.unlink(missing_ok=True)
    _AGENT.start(
        ["-m", "lab.appliance.ha_agent"],
        ha_cluster.CONTROL.exists,
        environment={"PYTHONPATH": "/opt/rempart", "PYTHONPYCACHEPREFIX": "/opt/pycache"},
    )


class Agent:
    """One running agent."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.place = ha_cluster.place(configuration)
        self.timers = Timers.of(configuration.ha)
        now = time.monotonic()
        self.member = Member(Standing(self.place.own.serial, self.place.own.priority, 100), self.timers, now)
        self.member.first = self.place.first
        self.gate = Gate(tuple(self.place.data.values()), self.timers.lease)
        self.listener = ha_wire.Listener(self.place.peer.serial, self.place.secret)
        self.booted, self.sequence = time.time_ns(), 0
        self.digest, self._signature, self._looked = bytes(16), 0, 0.0
        self.last_sync = self.last_change = 0
        self.renewed = 0.0
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.link.bind((str(self.place.own.address), ha_wire.PORT))
        self.link.setblocking(False)
        self.segments = {section: _segment(device) for section, device in self.place.data.items()}
        self.control = _control()

    def run(self) -> None:
        """Work for ever."""
        poller = select.poll()
        by_descriptor = {s.fileno(): section for section, s in self.segments.items()}
        for descriptor in (self.link.fileno(), self.control.fileno(), *by_descriptor):
            poller.register(descriptor, select.POLLIN)
        due = time.monotonic()
        while True:
            now = time.monotonic()
            for descriptor, _ in poller.poll(max(0.0, due - now) * 1000):
                if descriptor == self.link.fileno():
                    self._hear(self.link, "link", None)
                elif descriptor == self.control.fileno():
                    self._serve()
                else:
                    self._hear(self.segments[by_descriptor[descriptor]], "segment", by_descriptor[descriptor])
            now = time.monotonic()
            if now >= due:
                due = now + self.timers.heartbeat
                self._beat(now)

    # Hearing and saying

    def _hear(self, source: socket.socket, medium: str, segment: str | None) -> None:
        while True:
            try:
                message = source.recv(2048)
            except OSError:
                return
            body = message if segment is None else message[14:]
            with suppress(ha_wire.Unacceptable):
                report = self.listener.accept(body, f"{medium} {segment}")
                self._follow(self.member.hear(report, time.monotonic(), segment))

    def _beat(self, now: float) -> None:
        if self.member.mode is Mode.ACTIVE and now - self.renewed > self.timers.lease:
            self._follow(self.member.stalled(now))
        carriers = {section: _carrier(device) for section, device in self.place.data.items()}
        weights = dict(self.configuration.ha.weights)
        standing = replace(self.member.standing, quality=quality(carriers, weights))
        if standing != self.member.standing:
            self._follow(self.member.stand(standing, now))
        self._follow(self.member.tick(now))
        if self.member.mode is Mode.ACTIVE:
            self._renew(now)
        if now - self._looked > _DIGEST_EVERY:
            self._look_at_files(now)
        self._say(now)

    def _renew(self, now: float) -> None:
        self.gate.open()
        self.renewed = now

    def _say(self, now: float) -> None:
        self.sequence += 1
        report = replace(
            self.member.report(now),
            boot=self.booted,
            sequence=self.sequence,
            digest=self.digest,
            last_sync=self.last_sync,
            last_change=self.last_change,
        )
        message = ha_wire.encode(report, self.place.secret)
        with suppress(OSError):  # the link is down; the peer will notice
            self.link.sendto(message, (str(self.place.peer.address), ha_wire.PORT))
        if self.member.mode is Mode.ACTIVE:
            for section, segment in self.segments.items():
                frame = b"\xff" * 6 + _mac(self.place.data[section]) + struct.pack("!H", ha_wire.ETHERTYPE) + message
                with suppress(OSError):
                    segment.send(frame)

    def _look_at_files(self, now: float) -> None:
        self._looked = now
        with suppress(OSError):  # a file that goes while we look: the next look will do
            if (signature := ha_cluster.signature()) != self._signature:
                self._signature, self.digest = signature, ha_cluster.digest()

    # What follows from a change

    def _follow(self, transition: Transition | None) -> None:
        if transition is None:
            return
        if transition.after is Mode.ACTIVE:
            self._renew(time.monotonic())
            self._announce()
            self._say(time.monotonic())
            _beside(self._serve_tunnels)
        else:
            self.gate.shut()
            self._say(time.monotonic())
            if transition.before is Mode.ACTIVE:
                _beside(duty.stand_down)
        self.last_change = int(time.time())
        self._log(transition.after.value, cause=transition.cause.value, before=transition.before.value,
                  detail=transition.detail)  # fmt: skip

    def _serve_tunnels(self) -> None:
        try:
            # Links that were down took their routes with them.
            routes.apply(configurations.load())
            duty.take_over()
        except ApplianceError as error:
            self._log("vpn failed", detail=str(error))
        else:
            self._log("vpn started")

    def _announce(self) -> None:
        """Gratuitous ARP for every address: the switches learn where the shared MAC is now."""
        for interface in self.configuration.interfaces:
            segment = self.segments.get(interface.section)
            if segment is None or interface.address is None:
                continue
            mac, address = _mac(self.place.data[interface.section]), interface.address.ip.packed
            arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, address, b"\0" * 6, address)
            with suppress(OSError):
                segment.send(b"\xff" * 6 + mac + b"\x08\x06" + arp)

    def _log(self, event: str, **facts: str) -> None:
        line = {"time": time.time(), "monotonic": time.monotonic(), "member": self.place.own.serial, "event": event}
        with _LOG.open("a") as log:
            log.write(json.dumps(line | facts) + "\n")

    # The control socket

    def _serve(self) -> None:
        with suppress(OSError):
            connection, _ = self.control.accept()
            with connection:
                connection.settimeout(0.2)
                words = connection.recv(256).decode().split()
                connection.sendall(json.dumps(self._answer(words)).encode())

    def _answer(self, words: list[str]) -> dict[str, object]:
        now = time.monotonic()
        try:
            match words:
                case ["status"]:
                    return self.status(now)
                case ["switch"]:
                    self._follow(self.member.switch(now))
                case ["force", mode]:
                    standing = replace(self.member.standing, forced=Forced(mode))
                    self._follow(self.member.stand(standing, now))
                case ["synchronised"]:
                    self.last_sync = int(time.time())
                    self._look_at_files(now)
                case _:
                    return {"error": f"unknown request {' '.join(words)!r}"}
        except (CannotSwitch, ValueError) as error:
            return {"error": str(error)}
        return {"done": True}

    def status(self, now: float) -> dict[str, object]:
        """What this member knows of itself and of its peer."""
        self._look_at_files(now)
        peer = self.member.peer
        alive = self.member.hears(now)
        return {
            "local": _described(self.member.standing, self.member.mode, self.digest, self.last_sync, self.last_change),
            "peer": _described(peer.standing, peer.mode, peer.digest, peer.last_sync, peer.last_change)
            if peer is not None and alive
            else None,
            "link": "OK" if self.member.link_alive(now) else "Failed",
            "segments": list(self.member.segments_alive(now)),
            "synchronised": None if peer is None or not alive else peer.digest == self.digest,
        }


def _described(standing: Standing, mode: Mode, digest: bytes, last_sync: int, last_change: int) -> dict[str, object]:
    return {
        "serial": standing.serial,
        "mode": mode.value,
        "quality": standing.quality,
        "priority": standing.priority,
        "forced": standing.forced.value,
        "digest": digest.hex(),
        "last_sync": last_sync,
        "last_change": last_change,
    }


def _beside(act: object) -> None:
    def work() -> None:
        # Threads inherit the real-time class; daemons that they start must not.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if callable(act):
            act()

    threading.Thread(target=work, daemon=True).start()


def _carrier(device: str) -> bool:
    try:
        return Path(f"/sys/class/net/{device}/carrier").read_text().strip() == "1"
    except OSError:
        return False


def _mac(device: str) -> bytes:
    return bytes.fromhex(Path(f"/sys/class/net/{device}/address").read_text().strip().replace(":", ""))


def _segment(device: str) -> socket.socket:
    """A packet socket for beacons and gratuitous ARP.

    It takes all protocols, filtered in the kernel: only such sockets see a frame before the closed gate drops it.
    """
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    code = ((0x28, 0, 0, 12), (0x15, 0, 1, ha_wire.ETHERTYPE), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    attach = struct.pack("HL", len(code), ctypes.addressof(program))
    opened.setsockopt(socket.SOL_SOCKET, 26, attach)  # SO_ATTACH_FILTER
    opened.bind((device, 3))
    opened.setblocking(False)
    return opened


def _control() -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.bind(str(ha_cluster.CONTROL))
    opened.listen(8)
    return opened


def main() -> int:
    """The agent's process."""
    with contextlib.suppress(OSError):
        os.nice(-20)
    agent = Agent(configurations.load())
    threading.Thread(target=ha_sync.serve, args=(agent.place,), daemon=True).start()
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    agent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
