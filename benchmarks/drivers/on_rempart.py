"""The plan in Rempart's own lab: as ``rempart lab up`` builds it, or its wires and addresses alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.drivers import processes
from benchmarks.drivers.session import serve, voice

if TYPE_CHECKING:
    from lab.running import Lab

READY_WITHIN = 60.0  # s


class OnRempart:
    """The plan, running in our lab."""

    def __init__(self, folder: Path, *, services: bool) -> None:
        from provisioning.deployment import load

        self._deployment = load(folder)
        self._lab = self._with_services() if services else self._wires()
        self._await_probe()

    def _with_services(self) -> Lab:
        from provisioning.environment import lab_up

        return lab_up(self._deployment, keep=False, progress=lambda _: None).lab

    def _wires(self) -> Lab:
        from benchmarks import plan
        from lab import running

        return running.up(plan.wires_only(self._deployment, plan.topology_of(self._deployment)))

    def _await_probe(self) -> None:
        from benchmarks import plan

        probe = plan.probe(self._deployment)
        deadline = time.monotonic() + READY_WITHIN
        while not self._lab.host(probe["from"]).run("ping", "-c", "1", "-W", "0.2", probe["to"]).ok:
            if time.monotonic() > deadline:
                self._lab.down()
                raise RuntimeError(f"{probe['from']} does not reach {probe['to']}")
            time.sleep(0.02)

    def facts(self) -> Mapping[str, Any]:
        """Its phases."""
        return {"phases": {timing.phase: timing.seconds for timing in self._lab.timings}}

    def memory(self) -> Mapping[str, float]:
        """All processes in the lab's containers, what holds those, and the engine."""
        return processes.by_program(self._pids())

    def _pids(self) -> set[int]:
        from lab import private_engine

        first = {self._lab.fabric.pid, *(host.pid for host in self._lab.hosts.values())}
        spaces = {_link(pid, "ns/pid") for pid in first}
        shims = {int(_status(pid, "PPid")) for pid in first}
        engine = {pid for pid in processes.pids() if processes.name(pid) in ("dockerd", "containerd")}
        engine = {pid for pid in engine if self._lab.engine.private == (str(private_engine.folder()) in _command(pid))}
        return {pid for pid in processes.pids() if _link(pid, "ns/pid") in spaces} | shims | engine

    def true(self) -> None:
        """As the steps do."""
        next(iter(self._lab.hosts.values())).run("true")

    def down(self) -> None:
        """As a run does."""
        self._lab.down()


def _link(pid: int, name: str) -> str:
    try:
        return str((processes.PROC / str(pid) / name).readlink())
    except OSError:
        return ""


def _command(pid: int) -> str:
    try:
        return (processes.PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _status(pid: int, name: str) -> str:
    for line in (processes.PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split()[1]
    raise KeyError(name)


if __name__ == "__main__":
    answers = voice()
    serve(OnRempart(Path(sys.argv[1]), services=sys.argv[2] == "services"), answers)
