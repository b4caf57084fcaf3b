"""The costs that the project promised, measured on the guide's deployment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import records
from benchmarks.figures import Measure

if TYPE_CHECKING:
    from lab.host import LabHost
    from provisioning.environment import LabEnvironment

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "deployments" / "guide"
_BIN = Path(sys.executable).parent

COMMANDS = 200
CAPTURES = 200
_SITE = "sbg7"
_RULE = "pass from vlan200 on in to mirror port https\t# benchmark\n"

Progress = Callable[[str], None]


def load() -> float:
    """The machine's one-minute load average."""
    return os.getloadavg()[0]


def measure_all(runs: int, *, features: int, progress: Progress) -> Iterator[Measure]:
    """Every promised cost, the median of ``runs``; ``features`` is how often to run all features (0: not at all)."""
    yield _processes("`rempart --help`", [_BIN / "rempart", "--help"], 4 * runs, 0.3, progress)
    yield _processes("`pytest features/ --collect-only`", _pytest("--collect-only", "-q"), runs, 2.0, progress)
    yield from records.measure(runs, load, progress)
    yield from _life_cycle(runs, progress)
    yield from _in_a_lab(runs, progress)
    if features:
        yield _processes("`pytest features/`, serial, with a fresh lab", _pytest("-q"), features, 60.0, progress)


def _pytest(*options: str) -> list[str | Path]:
    return [_BIN / "pytest", "features/", "-p", "no:cacheprovider", *options]


def _timed(command: list[str | Path]) -> tuple[float, str]:
    """How long a command took, in seconds, and its output. Raises CalledProcessError."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return seconds, done.stdout


def _processes(name: str, command: list[str | Path], runs: int, budget: float, progress: Progress) -> Measure:
    progress(name)
    return Measure(name, "s", tuple(_timed(command)[0] for _ in range(runs)), budget, load(), "whole process")


def _life_cycle(runs: int, progress: Progress) -> Iterator[Measure]:
    """``lab up`` and ``lab down`` as a person types them."""
    from lab import engine
    from lab.errors import EngineUnavailable

    try:
        engine.connect(start=False).close()
        started = "the Docker Engine ran already"
    except EngineUnavailable:
        started = "starts and stops the private Docker Engine too"
    ups, downs = [], []
    for number in range(runs):
        progress(f"lab up and down, {number + 1} of {runs}")
        seconds, said = _timed([_BIN / "rempart", "lab", "up", "--deployment", GUIDE])
        ups.append(seconds)
        run = re.search(r"lab (\w+) is up", said)
        if run is None:
            raise RuntimeError(f"lab up did not name its lab: {said}")
        downs.append(_timed([_BIN / "rempart", "lab", "down", "--run", run[1]])[0])
    yield Measure("`rempart lab up`, the guide, image at hand", "s", tuple(ups), 5.0, load(), f"whole process; {started}")
    yield Measure("`rempart lab down`", "s", tuple(downs), 2.0, load(), f"whole process; {started}")


def _in_a_lab(runs: int, progress: Progress) -> Iterator[Measure]:
    from provisioning.deployment import load as read
    from provisioning.environment import open_environment

    progress("a lab to measure in")
    with open_environment(read(GUIDE)) as environment:
        host = environment.web_server(_SITE)
        yield _command(host, progress)
        yield from _changed_slot(environment, host, 2 * runs, progress)
        yield from _captures(environment, host, progress)


def _command(host: LabHost, progress: Progress) -> Measure:
    progress("a command on a host")
    values = []
    for _ in range(COMMANDS):
        began = time.monotonic()
        done = host.run("true")
        values.append(1000 * (time.monotonic() - began))
        if not done.ok:
            raise RuntimeError(f"{done.command}: status {done.status}")
    return Measure("a command on a host (`LabHost.run`)", "ms", tuple(values), 5.0, load(), "`true`, a process of its own")


class _Download:
    """An established TCP session through NAT, as its client sees it: when bytes came, on one connection."""

    def __init__(self, environment: LabEnvironment, host: LabHost) -> None:
        self.times: list[float] = []
        self.ended: str | None = None
        self._socket = host.socket()
        self._socket.settimeout(10)
        internet = environment.deployment.internet
        self._socket.connect((str(internet.mirror), 80))
        self._socket.sendall(f"GET /large HTTP/1.1\r\nHost: {internet.mirror_name}\r\n\r\n".encode())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while self._socket.recv(65536):
                self.times.append(time.monotonic())
            self.ended = "the server ended the session"
        except OSError as why:
            self.ended = str(why)

    def goes_on(self, within: float = 5.0) -> bool:
        """Whether more bytes came after now, within some seconds."""
        now, seen = time.monotonic(), len(self.times)
        while time.monotonic() - now < within and self.ended is None:
            if len(self.times) > seen:
                return True
            time.sleep(0.005)
        return False

    def longest_gap(self, since: float) -> float:
        """The longest time without a byte, in seconds, from a moment on."""
        times = [moment for moment in self.times if moment >= since]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    def close(self) -> None:
        """End the session."""
        from socket import SHUT_RDWR

        self._socket.shutdown(SHUT_RDWR)
        self._reader.join(timeout=5)
        self._socket.close()


@contextmanager
def _download(environment: LabEnvironment, host: LabHost) -> Iterator[_Download]:
    download = _Download(environment, host)
    try:
        if not download.goes_on():
            raise RuntimeError(f"no session to watch: {download.ended or 'no byte came'}")
        yield download
    finally:
        download.close()


def _changed_slot(environment: LabEnvironment, host: LabHost, runs: int, progress: Progress) -> Iterator[Measure]:
    """Add a rule, take it away, and so on; each time the rule must be there, or gone, and the session go on."""
    progress("enfilter of a changed slot, with a session through NAT")
    firewall = environment.firewall(_SITE)
    slot = f"Filter/{firewall.configuration().active_policy:02d}"
    before = firewall.read(slot)
    changed = before.replace("[Filter]\n", f"[Filter]\n{_RULE}", 1)
    values, rules = [], len(firewall.counters())
    with _download(environment, host) as session:
        since = time.monotonic()
        for number in range(runs):
            added = number % 2 == 0
            firewall.write(slot, changed if added else before)
            began = time.monotonic()
            firewall.apply("enfilter")
            values.append(time.monotonic() - began)
            if len(firewall.counters()) != rules + added:
                raise RuntimeError(f"{slot}: enfilter did not apply the change")
            if not session.goes_on():
                raise RuntimeError(f"the established session did not survive enfilter: {session.ended or 'no byte came'}")
        gap = session.longest_gap(since)
    firewall.write(slot, before)
    firewall.apply("enfilter")
    note = f"one TCP session through NAT went on through all {runs}"
    yield Measure("`enfilter` of a changed slot", "s", tuple(values), 0.5, load(), note)
    yield Measure("the session's longest silence meanwhile", "s", (gap,), None, load(), "500 kB/s, a chunk every 10 ms")


def _captures(environment: LabEnvironment, host: LabHost, progress: Progress) -> Iterator[Measure]:
    """Open a capture and send at once: is the first packet in it?"""
    from lab import namespace
    from lab.capture import Tap

    progress("captures")
    fabric = environment.lab.fabric
    interface = fabric.port(host.name, "eth0")
    sender = namespace.packet_socket(host.pid, "eth0")
    missing, opened = 0, []
    try:
        for _ in range(CAPTURES):
            frame = b"\xff" * 6 + b"\x02" * 6 + b"\x88\xb5" + os.urandom(46)  # local experimental ethertype 1
            began = time.monotonic()
            tap = Tap(fabric.pid, interface, "benchmark")
            sender.send(frame)
            opened.append(1000 * (time.monotonic() - began))
            missing += not any(seen.data == frame for seen in tap.since(0))
            tap.close()
    finally:
        sender.close()
    note = f"of {CAPTURES} captures, each sent to at once after it was opened"
    yield Measure("first packets that a capture missed", "", (missing,), 0, load(), note)
    yield Measure("a capture opened, and its first packet sent", "ms", tuple(opened), None, load())
