"""The instrument: one process that drives all flows, before everyone else, and disturbs nobody.

``python -m lab.flows.engine DESCRIPTOR BEAT`` reads the plan as one line of JSON from standard input, and ends when that is
closed. At every beat each flow sends; between beats it sleeps, and what came meanwhile carries the kernel's time of arrival.
An ``i`` on standard input makes it idle along, so that a member may boot on a busy machine; an ``f`` makes it fast again. It
tells what happens to connections as lines of JSON.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable

from lab.appliance import ha_priority
from lab.flows.ends import Datagrams, End, Exchange, Pings
from lab.flows.memory import Memory
from lab.flows.plan import Flow
from lab.flows.streams import Gatehouse, Shell, Stream

_IDLE = 50_000_000  # ns between two beats while nobody looks
_BEHIND = 10  # beats: what a stopped machine made late is not sent in a burst


class Engine:
    """All flows of one plan; ``beat`` is in ns. Raises OSError when a socket cannot be had."""

    def __init__(self, flows: list[Flow], memory: Memory, beat: int) -> None:
        self.memory = memory
        self._fast = beat
        self._poll = select.epoll()
        self._acts: dict[int, Callable[[], None]] = {}
        self._exchanges: dict[int, Exchange] = {}
        self._gatehouses: dict[int, Gatehouse] = {}
        self._beat = _IDLE
        self._over = False
        self.ends = [self._end(number, flow) for number, flow in enumerate(flows)]

    def _end(self, number: int, flow: Flow) -> End:
        match flow.kind:
            case "datagrams":
                if flow.far not in self._exchanges:
                    self._exchanges[flow.far] = Exchange(self, flow.far)
                return Datagrams(self, number, flow, self._exchanges[flow.far])
            case "pings":
                return Pings(self, number, flow)
            case "stream":
                if flow.far not in self._gatehouses:
                    self._gatehouses[flow.far] = Gatehouse(self, flow.far)
                return Stream(self, number, flow, self._gatehouses[flow.far])
            case "shell":
                return Shell(self, number, flow)

    def listen(self, descriptor: int, act: Callable[[], None]) -> None:
        """Call ``act`` whenever something can be read."""
        self._acts[descriptor] = act
        self._poll.register(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Do not listen any more."""
        if self._acts.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def tell(self, flow: int, event: str, why: str = "") -> None:
        """Say what happened to a connection."""
        line = json.dumps({"flow": flow, "event": event, "at": self.now(), "why": why})
        os.write(1, line.encode() + b"\n")  # less than a pipe's buffer is kept: the run reads after each failover

    @staticmethod
    def now() -> int:
        """The time (ns) of the clock that everything is measured by."""
        return time.monotonic_ns()

    def run(self) -> None:
        """Until standard input is closed."""
        self.listen(0, self._obey)
        due = self.now()
        while not self._over:
            now = self.now()
            if now < due:
                time.sleep((due - now) / 1e9)
                now = self.now()
            self.memory.woke(due, now)
            for end in self.ends:
                end.send(self.now())
            self._read_all()
            due = due + self._beat if now - due < _BEHIND * self._beat else self.now() + self._beat

    def _read_all(self) -> None:
        for descriptor, _ in self._poll.poll(0):
            act = self._acts.get(descriptor)
            if act is not None:  # else one before it in this round has closed it
                act()

    def _obey(self) -> None:
        word = os.read(0, 64)[-1:]  # the last one counts: fast again at once is fast all along
        self._over = not word
        self._beat = _IDLE if word == b"i" else self._fast

    def close(self) -> None:
        """End what are processes of their own."""
        for end in self.ends:
            if isinstance(end, Shell):
                end.close()


def _line() -> bytes:
    """The first line of standard input, and not one byte more: what follows are words for a running engine."""
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return bytes(line)


def main(arguments: list[str]) -> int:
    """The instrument's process."""
    ha_priority.die_with_parent()
    flows = [Flow.from_json(one) for one in json.loads(_line())]
    engine = Engine(flows, Memory(int(arguments[0]), 2 * len(flows)), int(arguments[1]))
    os.write(1, json.dumps({"priority": ha_priority.raise_own()}).encode() + b"\n")
    try:
        engine.run()
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
