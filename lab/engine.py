"""Docker Engine behind four verbs: create, pid, exec, remove.

The machine's own daemon serves when it answers, unless a private one runs already; when neither does and we are root, a
private one is started (:mod:`lab.private_engine`). A daemon elsewhere (``DOCKER_HOST=tcp://…``) is never used: the lab
enters its hosts' namespaces, so they must be on this machine. ``REMPART_ENGINE=private`` leaves the machine's own alone.
Every container has a network namespace that the engine leaves alone, and named capabilities; ``--privileged`` is never used.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from lab import private_engine
from lab.errors import EngineFailed, EngineUnavailable
from lab.signals import Undisturbed

if TYPE_CHECKING:
    from docker import APIClient

P = ParamSpec("P")
T = TypeVar("T")

LABEL = "rempart.run"
"""Every container of ours carries this label, its value the run it belongs to."""

# A shell as PID 1: `wait` reaps whatever is orphaned to it, and TERM ends it at once. Saves docker-init (0.2 s in ten).
INIT = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 2147483 & wait; done"]


@dataclass(frozen=True, slots=True)
class Container:
    """What to create. ``mounts`` are read-only unless the target is in ``writable``; ``filesystems`` (bytes) are in memory."""

    name: str
    hostname: str
    labels: Mapping[str, str]
    capabilities: tuple[str, ...]
    devices: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    writable: frozenset[str] = frozenset()
    filesystems: Mapping[str, int] = field(default_factory=dict)


def _told(ask: Callable[P, T]) -> Callable[P, T]:
    """Turn what the client raises into EngineFailed, with the engine's own words."""

    @wraps(ask)
    def asked(*arguments: P.args, **named: P.kwargs) -> T:
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException

        try:
            return ask(*arguments, **named)
        except APIError as why:
            raise EngineFailed(f"the Docker Engine refused: {why.explanation or why}") from why
        except (DockerException, RequestException, OSError) as why:
            raise EngineFailed(f"the Docker Engine no longer answers ({_cause(why)}); run the same command again") from why

    return asked


def _cause(why: BaseException) -> str:
    """The innermost reason: the client wraps it several times."""
    while (inner := why.__cause__ or why.__context__) is not None:
        why = inner
    return str(why) or type(why).__name__


class Engine:
    """A connection to one Docker Engine. Everything it is asked may raise EngineFailed."""

    def __init__(self, client: APIClient, *, private: bool) -> None:
        self._client = client
        self.private = private

    @property
    @_told
    def description(self) -> str:
        """Which engine this is, for people."""
        kind = "private engine" if self.private else "this machine's engine"
        return f"Docker {self._client.version()['Version']} ({kind})"

    @_told
    def has_image(self, reference: str) -> bool:
        """Whether an image of this reference is at hand."""
        return bool(self._client.images(name=reference))

    @_told
    def images(self, repository: str) -> list[str]:
        """The references of all images of a repository."""
        return [tag for image in self._client.images(name=repository) for tag in image.get("RepoTags") or ()]

    @_told
    def remove_image(self, reference: str) -> None:
        """Forget an image; one that a container still uses stays."""
        from docker.errors import APIError

        with suppress(APIError):
            self._client.remove_image(reference)

    @_told
    def import_image(self, archive: Path, reference: str) -> None:
        """Make an image of a root file system archive."""
        repository, _, tag = reference.partition(":")
        with archive.open("rb") as stream:
            answer = self._client.import_image_from_data(stream, repository=repository, tag=tag)
        if '"error"' in answer:
            raise EngineFailed(f"the engine refused the image: {answer.strip()[-300:]}")

    @_told
    def create(self, container: Container, image: str) -> str:
        """Create and start a container; its id. Nothing is left of one that does not start."""
        from docker.types import LogConfig

        client = self._client
        host = client.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            cap_add=list(container.capabilities),
            devices=[f"{device}:{device}:rwm" for device in container.devices],
            log_config=LogConfig(type="none"),
            sysctls=dict(container.sysctls),
            binds=[
                f"{source}:{target}:{'rw' if target in container.writable else 'ro'}"
                for source, target in container.mounts.items()
            ],
            tmpfs={
                "/run": "exec,mode=755",
                "/tmp": "exec,mode=1777",  # noqa: S108 - in the container, not here
                **{target: f"exec,mode=755,size={size}" for target, size in container.filesystems.items()},
            },
        )
        created = client.create_container(
            image,
            command=INIT,
            name=container.name,
            hostname=container.hostname,
            labels=dict(container.labels),
            host_config=host,
            # Its namespace is all that a host needs; for mode none the engine starts itself twice more for each (16 hosts:
            # 1.4 s of CPU) and mounts its own /etc/hosts and /etc/resolv.conf.
            network_disabled=True,
            stop_signal="SIGKILL",
        )
        identity: str = created["Id"]
        try:
            client.start(identity)
        except BaseException:
            with suppress(EngineFailed):
                self.remove([identity])
            raise
        return identity

    @_told
    def pid(self, identity: str) -> int:
        """The machine's pid of a container's first process. Raises EngineFailed when it does not run."""
        state = self._client.inspect_container(identity)["State"]
        if not state["Running"]:
            raise EngineFailed(f"container {identity[:12]} does not run: {state.get('Error') or state['Status']}")
        return int(state["Pid"])

    @_told
    def containers(self, run: str | None = None) -> list[Mapping[str, Any]]:
        """Our containers, running or not, of one run or of all: the engine's own summaries."""
        label = LABEL if run is None else f"{LABEL}={run}"
        found: list[Mapping[str, Any]] = self._client.containers(all=True, filters={"label": label})
        return found

    @_told
    def remove(self, identities: Iterable[str]) -> None:
        """Kill and remove containers; one that is gone already is no error."""
        from docker.errors import NotFound

        def first_process(identity: str) -> int:
            with suppress(NotFound):
                return int(self._client.inspect_container(identity)["State"]["Pid"])
            return 0

        def remove(identity: str) -> None:
            with suppress(NotFound):
                self._client.remove_container(identity, force=True, v=True)

        # All die at once before the first is removed: the engine would wait for each (16 hosts: 0.5 s against 0.9), and
        # whoever outlived its peer by 60 ms would take over and start what it then needs.
        with ThreadPoolExecutor(max_workers=4) as pool:
            known = list(identities)
            for pid in list(pool.map(first_process, known)):
                if _is_first_process(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            list(pool.map(remove, known))

    def close(self) -> None:
        """Close the connection; the engine goes on."""
        self._client.close()


def connect(*, start: bool = True) -> Engine:
    """The engine to use. Hold the ``engine`` lock when ``start`` is allowed.

    Raises EngineUnavailable when none answers and none may or can be started.
    """
    # A private one that runs has labs on it: they would be out of sight when the machine's own is started beside it.
    if (running := _api(private_engine.address())) is not None:
        return Engine(running, private=True)
    if (default := _default()) is not None:
        return Engine(default, private=False)
    if not start:
        raise EngineUnavailable("no Docker Engine is running")
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "no Docker Engine answers, and only root can start a private one: run as root, or start Docker and join its"
            " group (the lab's wiring needs root all the same)"
        )
    return Engine(_start(), private=True)


def find() -> Engine | None:
    """The engine that has labs; None when none can have any. A private one that died with labs on it is started again.

    Hold the ``engine`` lock. Raises EngineUnavailable when it does not start again.
    """
    try:
        return connect(start=False)
    except EngineUnavailable:
        return connect() if os.geteuid() == 0 and private_engine.is_here() else None


def stop_private() -> None:
    """Stop the private engine when one runs and no lab is left on it. Hold the ``engine`` lock."""
    client = _api(private_engine.address())
    if client is None:
        return
    engine = Engine(client, private=True)
    left = engine.containers()
    engine.close()
    if not left:
        private_engine.stop()


def _start() -> APIClient:
    daemon = None
    deadline = time.monotonic() + private_engine.START_WITHIN
    try:
        with Undisturbed():  # else there is a daemon that nobody knows of
            daemon = private_engine.launch()
        while time.monotonic() < deadline and daemon.poll() is None:
            if (client := _api(private_engine.address())) is not None:
                daemon.returncode = 0  # it outlives us on purpose; keeps Popen from warning at collection
                return client
            time.sleep(0.01)
    except BaseException:
        if daemon is not None:
            private_engine.end(daemon)
        raise
    raise private_engine.did_not_start(daemon)


def _default() -> APIClient | None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return None if os.environ.get("REMPART_ENGINE") == "private" else _api(host)


def _api(address: str) -> APIClient | None:
    """The engine at a socket of this machine, when one answers there."""
    if not address.startswith("unix://") or not _listens(address.removeprefix("unix://")):
        return None
    with Undisturbed():  # an import that is cut off cannot be tried again, and cleaning up needs it
        # Engines over SSH are never used: docker does without them where this is missing, and paramiko (0.1 s) is spared.
        sys.modules.setdefault("docker.transport.sshconn", None)  # type: ignore[arg-type]
        from docker import APIClient
        from docker.errors import DockerException
        from requests.exceptions import RequestException

    # 1.41 is the oldest engine we support (20.10); naming it saves the question.
    client = APIClient(base_url=address, version="1.41", timeout=120)
    try:
        client.ping()
    except (DockerException, RequestException, OSError):
        client.close()
        return None
    return client


def _listens(path: str) -> bool:
    """Whether somebody accepts on a socket. The client's library leaves its own socket open when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(path)
        except OSError:
            return False
    return True


def _is_first_process(pid: int) -> bool:
    """Whether this is the first process of a container of ours, and of this machine."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return command.split(b"\0")[:-1] == [word.encode() for word in INIT]
