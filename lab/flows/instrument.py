"""The run's hand on the instrument: flows are started, watched for a while, and stopped."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from lab import namespace
from lab.errors import CommandFailed, LabError
from lab.flows.ends import FAR_PORT
from lab.flows.memory import Memory, size
from lab.flows.message import DSCP
from lab.flows.plan import DIRECTIONS, Flow
from lab.flows.silence import Seen, seen

_TABLE = "rempart_flows"
_NO_TABLE = f"table ip {_TABLE} {{}}\ndelete table ip {_TABLE}\n"  # whether there is one or not
_LIBERAL = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")
_UNDER_WAY = 100_000_000  # ns at the most for what was sent to arrive: seven times the longest way
_LOOK_AGAIN = 0.010  # s between two looks at what is still under way
_ENDS_WITHIN = 3.0  # s for the instrument to end


class InstrumentFailed(LabError):
    """The instrument does not start, or ended by itself; the text has its last words."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One flow in one direction; ``direction`` is 0 there, 1 back."""

    number: int
    flow: Flow
    direction: int

    def __str__(self) -> str:
        return f"{self.flow.name}, {DIRECTIONS[self.direction]}"


@dataclass(frozen=True, slots=True)
class Happening:
    """A connection of a flow was opened, or broke, at a moment of the monotonic clock (ns)."""

    flow: Flow
    event: str
    at: int
    why: str


class Instrument:
    """Flows that run from entering the context to leaving it, ``rate`` messages a second in each direction while fast.

    Raises CommandFailed or HostGone when a far host cannot be prepared; nothing is left of it then.
    """

    def __init__(self, flows: Sequence[Flow], rate: int) -> None:
        self.flows = tuple(flows)
        self._beat = 1_000_000_000 // rate
        self.lanes = tuple(
            Lane(2 * number + direction, flow, direction)
            for number, flow in enumerate(self.flows)
            for direction in (0, 1)
            if flow.sends(direction)
        )
        self.happened: list[Happening] = []
        self.priority = ""
        self._words = b""
        self._undoing = ExitStack()

    def __enter__(self) -> Instrument:
        with ExitStack() as undoing:
            self._redirect(undoing)
            self._start(undoing)
            self._undoing = undoing.pop_all()
        return self

    def _start(self, undoing: ExitStack) -> None:
        descriptor = os.memfd_create("flows")
        try:
            os.ftruncate(descriptor, size(2 * len(self.flows)))
            self._memory = Memory(descriptor, 2 * len(self.flows))
            undoing.callback(self._memory.close)
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-m", "lab.flows.engine", str(descriptor), str(self._beat)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=[descriptor],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
        finally:
            os.close(descriptor)
        self._plan, self._said, self._failure = _streams(self._process)
        undoing.callback(self._end)
        self._plan.write(json.dumps([flow.as_json() for flow in self.flows]).encode() + b"\n")

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End all flows, and leave the far hosts as they were; stopping twice, or before the beginning, is no error.

        Raises CommandFailed or HostGone, after all else, when a far host is not as it was.
        """
        self._undoing.close()

    def _end(self) -> None:
        self._plan.close()
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._failure.close()

    @property
    def resolution_ms(self) -> float:
        """A gap is known to one beat at its begin, and a message may leave one beat late."""
        return 2 * self._beat / 1e6

    @contextmanager
    def fast(self) -> Iterator[None]:
        """While in this context messages have their rate; else flows only idle along."""
        self._say("f")
        try:
            yield
        finally:
            self._say("i")

    def _say(self, word: str) -> None:
        with suppress(BrokenPipeError):  # told, with its reason, by whoever looks next
            self._plan.write(word.encode())

    # Looking

    def silent(self, since: int = 0) -> list[str]:
        """The lanes on which nothing has come yet, or nothing since a moment (monotonic ns). Raises InstrumentFailed."""
        self._listen()
        return [str(lane) for lane in self.lanes if self._memory.last_arrival(lane.number) <= since]

    def watch(self, begin: int, end: int) -> dict[Lane, Seen]:
        """What each lane lost between two moments (monotonic ns). Waits until what was sent before the end can have come."""
        time.sleep(max(0.0, (end - time.monotonic_ns()) / 1e9))
        while True:
            since = time.monotonic_ns() - _UNDER_WAY
            if not any(self._under_way(lane, since, end) for lane in self.lanes):
                found = {lane: self._seen(lane, begin, end) for lane in self.lanes}
                if all(one.lost_last <= since for one in found.values()):
                    break
            time.sleep(_LOOK_AGAIN)
        self._listen()
        return found

    def _under_way(self, lane: Lane, since: int, end: int) -> bool:
        """Whether a message sent in the last moments before the end has not come: only this is asked again and again."""
        sendings = self._memory.sendings(lane.number, since, end)
        if not sendings:
            return False
        come = {number for number, _ in self._memory.arrivals(lane.number, since, time.monotonic_ns())}
        return any(number not in come for number, _ in sendings)

    def _seen(self, lane: Lane, begin: int, end: int) -> Seen:
        sendings = self._memory.sendings(lane.number, begin, end)
        arrivals = self._memory.arrivals(lane.number, begin, time.monotonic_ns())
        return seen(sendings, arrivals, begin, end, beat=self._beat * lane.flow.beats)

    def lateness(self, begin: int, end: int) -> list[int]:
        """How late (ns) the machine woke the instrument each time between two moments."""
        return self._memory.lateness(begin, end)

    def broken(self, flow: Flow, begin: int, end: int) -> list[str]:
        """Why a flow's connection broke between two moments; each time it did."""
        return [one.why for one in self.happened if one.flow is flow and one.event == "broken" and begin <= one.at <= end]

    # The process

    def _listen(self) -> None:
        for line in self._lines():
            if "priority" in line:
                self.priority = line["priority"]
            else:
                self.happened.append(Happening(self.flows[line["flow"]], line["event"], line["at"], line["why"]))
        if self._process.poll() is not None:
            raise InstrumentFailed(f"the instrument of flows ended by itself:\n{self._failure.read().decode(errors='replace')}")

    def _lines(self) -> Iterator[dict[str, Any]]:
        while select.select([self._said], [], [], 0)[0]:
            data = os.read(self._said.fileno(), 65536)
            if not data:
                return
            *whole, self._words = (self._words + data).split(b"\n")
            yield from (json.loads(line) for line in whole)

    def _far_hosts(self) -> list[int]:
        return list(dict.fromkeys(flow.far for flow in self.flows if flow.kind in ("datagrams", "stream")))

    def _redirect(self, undoing: ExitStack) -> None:
        """What carries our mark comes to the instrument, whichever of the far host's servers it is addressed to."""
        rules = (
            f"{_NO_TABLE}table ip {_TABLE} {{\n chain arriving {{ type nat hook prerouting priority dstnat;\n"
            f"  ip dscp {DSCP:#x} meta l4proto {{ tcp, udp }} redirect to :{FAR_PORT}\n }}\n}}\n"
        )
        hosts = self._far_hosts()
        undoing.callback(_load, hosts, _NO_TABLE)
        _load(hosts, rules)
        for far in hosts:
            # A session that lost packets goes on here too; what does not fit its window must not end up at the host's server.
            undoing.callback(namespace.inside, far, partial(_LIBERAL.write_text, namespace.inside(far, _LIBERAL.read_text)))
            namespace.inside(far, partial(_LIBERAL.write_text, "1"))


def _load(hosts: Sequence[int], rules: str) -> None:
    """Load them in all hosts side by side: the kernel lets each wait, some 20 ms, for what still uses the rules before.

    Raises CommandFailed or HostGone, for the first that fails, when all have ended.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
        loading = [pool.submit(namespace.run, far, ["nft", "-f", "-"], stdin=rules.encode()) for far in hosts]
    for far, done in zip(hosts, (one.result() for one in loading), strict=True):
        if not done.ok:
            raise CommandFailed(f"pid {far}", done.command, done.status, done.stderr)


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """Its input, output and error output."""
    streams = process.stdin, process.stdout, process.stderr
    return cast(tuple[IO[bytes], IO[bytes], IO[bytes]], streams)
