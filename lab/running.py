"""A lab that runs: bring it up, find it again, take it down; nothing of it outlives its owner unless it was asked to.

``up`` first removes what dead owners left (:mod:`lab.ownership`); it never touches another living run, so two runs at
once do not meet.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from lab import engine as engines
from lab import fabric as fabrics
from lab import image, namespace, ownership
from lab.engine import Container, Engine
from lab.errors import HostGone, LabError, LabNotFound, StateUnavailable
from lab.fabric import Fabric
from lab.host import LabHost
from lab.ownership import KEPT, lab_folder, new_run, remove, running
from lab.signals import Undisturbed
from lab.state import locked, state_folder, writing
from lab.topology import Host, Topology

__all__ = [
    "KEPT", "Lab", "Timing", "attach", "lab_folder", "new_run", "remove", "running", "silent", "starting_engine", "up",
]  # fmt: skip

NAME = "rempart.host"
"""Label: which host of the topology a container is."""

LAB_SPACE = 100_000_000  # bytes: the guide's lab was seen to fail with 8 MB and to come up with 20; logs grow

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

    def must_run(self) -> None:
        """Raise HostGone when the fabric or a host has ended: what is observed then means nothing."""
        for name, pid in ((fabrics.NAME, self.fabric.pid), *((host.name, host.pid) for host in self.hosts.values())):
            if namespace.is_gone(pid):
                raise HostGone(name)

    def down(self) -> None:
        """Remove everything of this run, and the private engine when no other lab is left on it."""
        self.engine.close()
        remove(self.run)


@contextmanager
def starting_engine() -> Iterator[None]:
    """Have the engine start beside what is done inside. What keeps it from that is told by :func:`up`, which asks it again.

    Raises StateUnavailable.
    """
    _refuse_full_disk()
    beside = threading.Thread(target=_start_engine, name="engine")
    try:
        with Undisturbed():  # else it may run and not be awaited: whoever cleans up would come before it
            beside.start()
        yield
    finally:
        if beside.is_alive():
            beside.join()


def _start_engine() -> None:
    with suppress(LabError), locked("engine"):
        engines.connect().close()


def up(topology: Topology, *, run: str | None = None, progress: Callable[[str], None] = silent) -> Lab:
    """Bring a lab up: engine, image, containers, wires, boots, in this order. Hosts boot by their ``order``.

    ``run`` was claimed by the caller, who then answers for what a failure leaves; without one it is claimed here, and
    nothing of a lab that failed to come up stays behind. Raises LabError.
    """
    if run is None:
        with ownership.claimed() as run:
            return up(topology, run=run, progress=progress)
    _refuse_full_disk()
    clock = _Clock()
    engine = _with_image(progress)
    try:
        clock.lap("engine and image")
        progress(f"starting {len(topology.hosts)} hosts on {engine.description}")
    finally:
        engine.close()
    with locked("engine"):
        # The engine may have been stopped by the last lab's end since we asked.
        engine = engines.connect()
        try:
            pids = _create(engine, run, topology)
        except BaseException:
            engine.close()
            raise
    clock.lap("containers")
    try:
        lab = Lab(run, topology, engine, pids)
        lab.fabric.build(pids)
        clock.lap("wires")
        progress("booting the hosts")
        _boot(lab.hosts.values())
        clock.lap("boot")
        lab.timings = tuple(clock.laps)
    except BaseException:
        engine.close()
        raise
    return lab


def _refuse_full_disk() -> None:
    """Raise StateUnavailable before anything is begun; half-way the machine's refusal comes from any of many services."""
    folder = state_folder()
    free = shutil.disk_usage(folder).free
    if free < LAB_SPACE:
        raise StateUnavailable(
            f"{folder} has {free // 1_000_000} MB free; a lab needs {LAB_SPACE // 1_000_000} MB: make room, or have"
            " REMPART_STATE name a folder elsewhere"
        )


def _with_image(progress: Callable[[str], None]) -> Engine:
    """The engine, swept of what dead owners left, with the image at hand."""
    while True:
        with locked("engine"):
            engine = engines.connect()
            try:
                ownership.sweep(engine)
                if engine.has_image(image.reference()):
                    return engine
            except BaseException:
                engine.close()
                raise
        engine.close()
        image.make(progress)


def attach(topology: Topology, run: str, *, may_lack: Collection[str] = ()) -> Lab:
    """A lab that runs already. Raises LabNotFound when it does not, or is not of this topology.

    Hosts that it ``may_lack`` are left out of its topology when they are not there.
    """
    with locked("engine"):
        engine = engines.find()
    if engine is None:
        raise LabNotFound(f"lab {run} is not running")
    pids = {
        summary["Labels"][NAME]: engine.pid(summary["Id"])
        for summary in engine.containers(run)
        if summary["State"] == "running"
    }
    gone = set(may_lack) - set(pids)
    topology = replace(topology, hosts=tuple(host for host in topology.hosts if host.name not in gone))
    missing = {fabrics.NAME, *(host.name for host in topology.hosts)} - set(pids)
    if missing:
        engine.close()
        raise LabNotFound(f"lab {run} lacks {', '.join(sorted(missing))}: take it down and bring it up again")
    return Lab(run, topology, engine, pids)


def _create(engine: Engine, run: str, topology: Topology) -> dict[str, int]:
    """Create all containers; their pids by host name."""
    # Four at a time: the engine is bound by the CPU, more threads gain nothing (measured on 2 cores).
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(pool.map(lambda host: create(engine, run, host), [None, *topology.hosts]))


def create(engine: Engine, run: str, host: Host | None) -> tuple[str, int]:
    """Create the container of a host, or of the wires; its name and pid. Hold the ``engine`` lock.

    Raises LabError; nothing is left then of a container that did not start.
    """
    code = Path(__file__).resolve().parent
    pycache = state_folder() / "pycache"
    with writing(pycache):
        pycache.mkdir(parents=True, exist_ok=True)
    mounts = {code: "/opt/rempart/lab", code.parent / "sns": "/opt/rempart/sns", pycache: "/opt/pycache"}
    name = host.name if host else fabrics.NAME
    forwards = {"net.bridge.bridge-nf-call-iptables": "0"} if host is None else host.sysctls
    container = Container(
        name=f"rempart-{run}-{name}",
        hostname=(host and host.hostname) or name,
        labels={**ownership.labels(run), NAME: name},
        capabilities=(fabrics.CAPABILITIES if host is None else CAPABILITIES.get(host.role, HOST_CAPABILITIES)),
        devices=("/dev/net/tun",),
        sysctls={**SYSCTLS, **forwards},
        mounts=mounts if host is None or host.code else {},
        writable=frozenset({"/opt/pycache"}),
        filesystems={} if host is None else host.filesystems,
    )
    identity = engine.create(container, image.reference())
    try:
        return name, engine.pid(identity)
    except BaseException:
        with suppress(LabError):
            engine.remove([identity])
        raise


def _boot(hosts: Iterable[LabHost]) -> None:
    """Boot hosts in their order, those of one order side by side. Raises HostFailed for the first that does not."""
    ordered = sorted(hosts, key=lambda host: host.spec.order)
    pool = ThreadPoolExecutor(max_workers=8)
    try:
        for _, group in groupby(ordered, key=lambda host: host.spec.order):
            list(pool.map(LabHost.boot, group))
    except BaseException:
        # Whoever waits for the others waits for nothing: their containers go, and their boots with them.
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class _Clock:
    def __init__(self) -> None:
        self._last = time.monotonic()
        self.laps: list[Timing] = []

    def lap(self, phase: str) -> None:
        now = time.monotonic()
        self.laps.append(Timing(phase, now - self._last))
        self._last = now
