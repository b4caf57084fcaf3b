"""A lab that runs: bring it up, find it again, take it down; nothing of it outlives its owner unless it was asked to.

Everything a lab owns carries its run's label, and the label says who owns it. ``up`` first removes the labs of dead
owners; it never touches another living run, so two runs at once do not meet.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from lab import engine as engines
from lab import fabric as fabrics
from lab import image
from lab.engine import LABEL, Container, Engine
from lab.errors import LabError, LabNotFound
from lab.fabric import Fabric
from lab.host import LabHost
from lab.state import is_alive, locked, process_identity, state_folder
from lab.topology import Host, Topology

OWNER = "rempart.owner"  # process identity of the owner; empty for a lab that was asked to stay
NAME = "rempart.host"
KEPT = ""

CAPABILITIES = {
    "appliance": ("NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SYS_NICE", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN",
                  "DAC_OVERRIDE", "FOWNER", "KILL", "SYS_PTRACE", "AUDIT_WRITE", "IPC_LOCK"),
}  # fmt: skip
HOST_CAPABILITIES = ("NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SYS_NICE", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN",
                     "DAC_OVERRIDE", "FOWNER", "KILL", "AUDIT_WRITE", "IPC_LOCK")  # fmt: skip

SYSCTLS = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
}


def silent(_: str) -> None:
    """The progress of nobody watching."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a phase of ``up`` took, in seconds."""

    phase: str
    seconds: float


class Lab:
    """One running lab. ``hosts`` are by name; ``fabric`` holds the wires; ``folder`` what only this run needs."""

    def __init__(
        self, run: str, topology: Topology, engine: Engine, pids: Mapping[str, int], timings: tuple[Timing, ...] = ()
    ) -> None:
        self.run = run
        self.topology = topology
        self.engine = engine
        self.folder = lab_folder(run)
        self.timings = timings
        self.fabric = Fabric(topology, pids[fabrics.NAME])
        self.hosts = {host.name: LabHost(host, pids[host.name], self.fabric) for host in topology.hosts}

    def host(self, name: str) -> LabHost:
        """The host of this name. Raises LabNotFound, naming those that exist."""
        try:
            return self.hosts[name]
        except KeyError:
            raise LabNotFound(f"no host {name!r} in this lab; it has {', '.join(sorted(self.hosts))}") from None

    def down(self) -> None:
        """Remove everything of this run, and the private engine when no other lab is left on it."""
        self.engine.close()
        remove(self.run)


def lab_folder(run: str) -> Path:
    """Where a run keeps its own facts and secrets, readable by root alone."""
    return state_folder() / "labs" / run


def new_run() -> str:
    """A run's name: unlikely to meet another's, short enough for people."""
    return secrets.token_hex(3)


def up(topology: Topology, *, run: str | None = None, keep: bool = False, progress: Callable[[str], None] = silent) -> Lab:
    """Bring a lab up: engine, image, containers, wires, boots, in this order. Hosts boot by their ``order``.

    Raises LabError; nothing of a lab that failed to come up stays behind.
    """
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and wires. Run the same command with sudo")
    run = run or new_run()
    clock = _Clock()
    with locked("engine"):
        engine = engines.connect()
        _reconcile(engine)
        clock.lap("engine")
    reference = image.ensure(engine, progress)
    clock.lap("image")
    folder = lab_folder(run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress(f"starting {len(topology.hosts)} hosts on {engine.description}")
    try:
        with locked("engine"):
            # The engine may have been stopped by the last lab's end since we asked.
            engine.close()
            engine = engines.connect()
            pids = _create(engine, run, topology, reference, keep=keep)
        clock.lap("containers")
        lab = Lab(run, topology, engine, pids)
        lab.fabric.build(pids)
        clock.lap("wires")
        progress("booting the hosts")
        _boot(lab.hosts.values())
        clock.lap("boot")
    except BaseException:
        with suppress(LabError):
            remove(run)
        raise
    _write_facts(folder, topology)
    lab.timings = tuple(clock.laps)
    return lab


def attach(topology: Topology, run: str) -> Lab:
    """A lab that runs already. Raises LabNotFound when it does not, or is not of this topology."""
    engine = engines.connect(start=False)
    pids = {
        summary["Labels"][NAME]: engine.pid(summary["Id"])
        for summary in engine.containers(run)
        if summary["State"] == "running"
    }
    missing = {fabrics.NAME, *(host.name for host in topology.hosts)} - set(pids)
    if missing:
        raise LabNotFound(f"lab {run} lacks {', '.join(sorted(missing))}: take it down and bring it up again")
    return Lab(run, topology, engine, pids)


def running() -> dict[str, str]:
    """All labs of this machine: run -> owner's process identity, empty for those that were asked to stay."""
    try:
        engine = engines.connect(start=False)
    except LabError:
        return {}
    found = {summary["Labels"][LABEL]: summary["Labels"].get(OWNER, "") for summary in engine.containers()}
    engine.close()
    return found


def remove(run: str) -> int:
    """Remove all that a run owns; the number of containers there were."""
    with locked("engine"):
        # A dead engine is started once more: only it can remove what it still holds.
        engine = engines.connect()
        identities = [summary["Id"] for summary in engine.containers(run)]
        engine.remove(identities)
        engine.close()
        shutil.rmtree(lab_folder(run), ignore_errors=True)
        engines.stop_private()
    return len(identities)


def _reconcile(engine: Engine) -> None:
    """Remove labs whose owner is dead, and no others. Hold the ``engine`` lock."""
    abandoned: dict[str, list[str]] = {}
    for summary in engine.containers():
        owner = summary["Labels"].get(OWNER, KEPT)
        if owner != KEPT and not is_alive(owner):
            abandoned.setdefault(summary["Labels"][LABEL], []).append(summary["Id"])
    for run, identities in abandoned.items():
        engine.remove(identities)
        shutil.rmtree(lab_folder(run), ignore_errors=True)


def _create(engine: Engine, run: str, topology: Topology, reference: str, *, keep: bool) -> dict[str, int]:
    """Create all containers; their pids by host name."""
    owner = KEPT if keep else process_identity(os.getpid()) or KEPT
    code = Path(__file__).resolve().parent
    pycache = state_folder() / "pycache"
    pycache.mkdir(parents=True, exist_ok=True)
    mounts = {code: "/opt/rempart/lab", code.parent / "sns": "/opt/rempart/sns", pycache: "/opt/pycache"}

    def one(host: Host | None) -> tuple[str, int]:
        name = host.name if host else fabrics.NAME
        forwards = {"net.bridge.bridge-nf-call-iptables": "0"} if host is None else host.sysctls
        container = Container(
            name=f"rempart-{run}-{name}",
            hostname=name,
            labels={LABEL: run, OWNER: owner, NAME: name},
            capabilities=(fabrics.CAPABILITIES if host is None else CAPABILITIES.get(host.role, HOST_CAPABILITIES)),
            devices=("/dev/net/tun",),
            sysctls={**SYSCTLS, **forwards},
            mounts=mounts if host is None or host.code else {},
            writable=frozenset({"/opt/pycache"}),
        )
        return name, engine.pid(engine.create(container, reference))

    # Four at a time: the engine is bound by the CPU, more threads gain nothing (measured on 2 cores).
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(pool.map(one, [None, *topology.hosts]))


def _boot(hosts: Iterable[LabHost]) -> None:
    """Boot hosts in their order, those of one order side by side. Raises HostFailed for the first that does not."""
    ordered = sorted(hosts, key=lambda host: host.spec.order)
    with ThreadPoolExecutor(max_workers=8) as pool:
        for _, group in groupby(ordered, key=lambda host: host.spec.order):
            list(pool.map(LabHost.boot, group))


def _write_facts(folder: Path, topology: Topology) -> None:
    facts = {"label": topology.label, "hosts": [host.name for host in topology.hosts], "started": time.time()}
    (folder / "lab.json").write_text(json.dumps(facts))


class _Clock:
    def __init__(self) -> None:
        self._last = time.monotonic()
        self.laps: list[Timing] = []

    def lap(self, phase: str) -> None:
        now = time.monotonic()
        self.laps.append(Timing(phase, now - self._last))
        self._last = now
