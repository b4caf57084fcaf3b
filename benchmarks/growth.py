"""Growth: the same deployment with more and more sites, in Rempart and in its peers, turn by turn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers, plan
from benchmarks.budgets import load
from benchmarks.figures import Sample

ROOT = Path(__file__).resolve().parent.parent
OURS = "rempart"
PEERS = {"munet": "benchmarks.drivers.on_munet", "mininet": "benchmarks.drivers.on_mininet"}
READY_WITHIN = 180.0  # s
ATTEMPTS = 4

Progress = Callable[[str], None]


class DriverFailed(Exception):
    """A contestant's driver ended before its lab was ready, or did not answer; the end of what it said."""


class Contest:
    """Who builds labs of which sizes. ``build`` is a folder for what lasts, and for what does not."""

    def __init__(self, build: Path, contestants: Sequence[str], sizes: Sequence[int], progress: Progress) -> None:
        if unknown := set(contestants) - {OURS, *PEERS}:
            raise ValueError(f"unknown contestants: {', '.join(sorted(unknown))}")
        self._contestants = contestants
        self._sizes = sizes
        self._progress = progress
        self._own = build / "running"
        shutil.rmtree(self._own, ignore_errors=True)
        self._installation = peers.installed(build, progress) if set(contestants) & set(PEERS) else build

    def versions(self) -> dict[str, str]:
        """Which peers these are."""
        found = {}
        if "munet" in self._contestants:
            pinned = peers.REQUIREMENTS.read_text().partition("munet==")[2]
            found["munet"] = pinned.split()[0]
        if "mininet" in self._contestants:
            status = (self._installation / "root/var/lib/dpkg/status").read_text()
            found["mininet"] = status.partition("Package: mininet\n")[2].partition("Version: ")[2].partition("\n")[0]
        return found

    def rounds(self, count: int) -> Iterator[Sample | str]:
        """Each contestant, each size, with and without services, one after the other, ``count`` times.

        A sample each, or why there is none.
        """
        for number in range(count):
            for sites in self._sizes:
                for services in (True, False):
                    for name in self._contestants:
                        what = f"{name}, {sites} sites, {'all services' if services else 'no service'}"
                        self._progress(f"round {number + 1} of {count}: {what}")
                        yield self._tried(what, partial(self._sample, name, sites, number, services=services))

    def _tried(self, what: str, measure: Callable[[], Sample]) -> Sample | str:
        """The first start that works: a peer that stumbles on a busy machine is not to be missing from the table."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return replace(measure(), attempts=attempt)
            except DriverFailed as why:
                said = f"{what}: {why}"
                self._progress(said)
        return said

    def _sample(self, name: str, sites: int, number: int, *, services: bool) -> Sample:
        from provisioning.deployment import load as read
        from provisioning.many_sites import write_sites

        own = self._own
        deployment = read(write_sites(own / "deployment", sites))
        topology = plan.topology_of(deployment)
        try:
            if name == OURS:
                mode = "services" if services else "wires"
                command = [sys.executable, "-m", "benchmarks.drivers.on_rempart", str(deployment.folder), mode]
            else:
                command = peers.command(self._installation, own / "peer", PEERS[name])
                chosen = topology if services else plan.wires_only(deployment, topology)
                (own / "peer/scratch/plan.json").write_text(plan.as_json(deployment, chosen, services=services))
            with _Driver(command, own / "log", world=name != OURS) as driver:
                ready = driver.answer(READY_WITHIN)
                up = time.monotonic() - driver.began
                command_ms = driver.ask("command")["ms"]
                memory = driver.ask("memory")
                down = driver.end()
        finally:
            shutil.rmtree(own, ignore_errors=True)
        processes = int(memory.pop("processes"))
        phases = {f"up: {phase}": seconds for phase, seconds in ready["phases"].items()}
        phases["up: all else"] = up - sum(phases.values())
        return Sample(
            contestant=name,
            services=services,
            sites=sites,
            hosts=len(topology.hosts),
            round=number,
            up=up,
            down=down,
            memory=sum(memory.values()),
            processes=processes,
            command=command_ms,
            load=load(),
            parts={**memory, **phases},
        )


class _Driver:
    """A driver at work. Leaving the block ends it, whatever happened.

    ``world`` says that it lives in a pid namespace of its own, so that the end of that one's first process ends it all.
    """

    def __init__(self, command: Sequence[str], log: Path, *, world: bool) -> None:
        self._log = log
        self._world = world
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.began = time.monotonic()
            # A session of its own: Ctrl-C is for us, and we end it in order.
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True
            )

    def __enter__(self) -> _Driver:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            if self._world:
                self._end_world()
            else:
                self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()

    def _end_world(self) -> None:
        """Kill the first process of the driver's pid namespace: ``unshare`` ends once nothing is left in there."""
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        if not children:
            self._process.kill()

    def answer(self, within: float = 60.0) -> dict[str, Any]:
        """The next line that the driver says. Raises DriverFailed."""
        import select

        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], within)[0]:
            raise DriverFailed(f"no answer within {within:g} s: {self._end_of_log()}")
        line = self._process.stdout.readline()
        if not line:
            raise DriverFailed(f"ended with status {self._process.wait()}: {self._end_of_log()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, question: str) -> dict[str, Any]:
        """The driver's answer to a question."""
        self._tell(question)
        return self.answer()

    def end(self) -> float:
        """Ask for the lab's end; how long it took until nothing of the driver was left, in seconds."""
        began = time.monotonic()
        self._tell("down")
        try:
            status = self._process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            raise DriverFailed("its lab did not go down within 120 s") from None
        if status != 0:
            raise DriverFailed(f"ended with status {status}: {self._end_of_log()}")
        return time.monotonic() - began

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _end_of_log(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        kept = self._log.parent.with_name("last-failure.log")
        shutil.copy(self._log, kept)
        return f"{lines[-1].strip()[:160] if lines else 'it said nothing'} (all of it: {kept.relative_to(ROOT)})"
