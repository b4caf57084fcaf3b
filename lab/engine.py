"""Docker Engine behind four verbs: create, pid, exec, remove.

The default daemon serves when it answers. When none does and we are root, a private one is started in a network
namespace of its own, so that nothing of the lab can appear in the machine's (measured: ready in 0.13 s). It stops with
the last lab. Every container has network mode none and named capabilities; ``--privileged`` is never used.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import EngineUnavailable, LabError
from lab.state import process_identity, state_folder

if TYPE_CHECKING:
    from docker import APIClient

LABEL = "rempart.run"
"""Every container of ours carries this label, its value the run it belongs to."""

# A shell as PID 1: `wait` reaps whatever is orphaned to it, and TERM ends it at once. Saves docker-init (0.2 s in ten).
INIT = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 2147483 & wait; done"]

START_WITHIN = 15.0  # s: a private daemon after an unclean end was measured to need 10.5 s


@dataclass(frozen=True, slots=True)
class Container:
    """What to create. ``mounts`` are read-only unless the target is in ``writable``."""

    name: str
    hostname: str
    labels: Mapping[str, str]
    capabilities: tuple[str, ...]
    devices: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    writable: frozenset[str] = frozenset()


class Engine:
    """A connection to one Docker Engine."""

    def __init__(self, client: APIClient, *, private: Path | None) -> None:
        self._client = client
        self.private = private

    @property
    def description(self) -> str:
        """Which engine this is, for people."""
        kind = "private engine" if self.private else "this machine's engine"
        return f"Docker {self._client.version()['Version']} ({kind})"

    def has_image(self, reference: str) -> bool:
        """Whether an image of this reference is at hand."""
        return bool(self._client.images(name=reference))

    def images(self, repository: str) -> list[str]:
        """The references of all images of a repository."""
        return [tag for image in self._client.images(name=repository) for tag in image.get("RepoTags") or ()]

    def remove_image(self, reference: str) -> None:
        """Forget an image; one that a container still uses stays."""
        from docker.errors import APIError

        with suppress(APIError):
            self._client.remove_image(reference)

    def import_image(self, archive: Path, reference: str) -> None:
        """Make an image of a root file system archive. Raises LabError with the engine's words."""
        repository, _, tag = reference.partition(":")
        with archive.open("rb") as stream:
            answer = self._client.import_image_from_data(stream, repository=repository, tag=tag)
        if '"error"' in answer:
            raise LabError(f"the engine refused the image: {answer.strip()[-300:]}")

    def create(self, container: Container, image: str) -> str:
        """Create and start a container; its id."""
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
            tmpfs={"/run": "exec,mode=755", "/tmp": "exec,mode=1777"},  # noqa: S108 - in the container, not here
        )
        created = client.create_container(
            image,
            command=INIT,
            name=container.name,
            hostname=container.hostname,
            labels=dict(container.labels),
            host_config=host,
            stop_signal="SIGKILL",
        )
        identity: str = created["Id"]
        client.start(identity)
        return identity

    def pid(self, identity: str) -> int:
        """The machine's pid of a container's first process. Raises LabError when it does not run."""
        state = self._client.inspect_container(identity)["State"]
        if not state["Running"]:
            raise LabError(f"container {identity[:12]} does not run: {state.get('Error') or state['Status']}")
        return int(state["Pid"])

    def containers(self, run: str | None = None) -> list[Mapping[str, Any]]:
        """Our containers, running or not, of one run or of all: the engine's own summaries."""
        label = LABEL if run is None else f"{LABEL}={run}"
        found: list[Mapping[str, Any]] = self._client.containers(all=True, filters={"label": label})
        return found

    def remove(self, identities: Iterable[str]) -> None:
        """Kill and remove containers; one that is gone already is no error."""
        from concurrent.futures import ThreadPoolExecutor

        from docker.errors import NotFound

        def one(identity: str) -> None:
            with suppress(NotFound):
                self._client.remove_container(identity, force=True, v=True)

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(one, identities))

    def close(self) -> None:
        """Close the connection; the engine goes on."""
        self._client.close()


def connect(*, start: bool = True) -> Engine:
    """The engine to use. Hold the ``engine`` lock when ``start`` is allowed.

    Raises EngineUnavailable when none answers and none may or can be started.
    """
    if (default := _default()) is not None:
        return Engine(default, private=None)
    folder = _private_folder()
    if (running := _answering(folder)) is not None:
        return Engine(running, private=folder)
    if not start:
        raise EngineUnavailable("no Docker Engine is running")
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "no Docker Engine answers, and only root can start a private one: run as root, or start Docker and join its"
            " group (the lab's wiring needs root all the same)"
        )
    return Engine(_start(folder), private=folder)


def stop_private() -> None:
    """Stop the private engine when one runs and no lab is left on it. Hold the ``engine`` lock."""
    folder = _private_folder()
    client = _answering(folder)
    if client is None:
        return
    engine = Engine(client, private=folder)
    left = engine.containers()
    engine.close()
    if left:
        return
    pid = _daemon_pid(folder)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        _wait_for_end(pid, folder)


def _private_folder() -> Path:
    return state_folder() / "engine"


def _api(address: str) -> APIClient | None:
    from docker import APIClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    if address.startswith("unix://") and not _listens(address.removeprefix("unix://")):
        return None
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


def _default() -> APIClient | None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if os.environ.get("REMPART_ENGINE") == "private":
        return None
    return _api(host)


def _answering(folder: Path) -> APIClient | None:
    return _api(f"unix://{folder}/docker.sock")


def _daemon_pid(folder: Path) -> int | None:
    try:
        pid = int((folder / "dockerd.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if process_identity(pid) else None


def _wait_for_end(pid: int, folder: Path) -> None:
    """Wait until the daemon has gone: its pid file goes last, and a zombie counts as gone (PID 1 may reap late)."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process_identity(pid) and (folder / "dockerd.pid").exists():
        time.sleep(0.01)


def _start(folder: Path) -> APIClient:
    program = shutil.which("dockerd")
    if program is None:
        raise EngineUnavailable("no Docker Engine answers and dockerd is not installed: apt-get install docker.io")
    folder.mkdir(parents=True, exist_ok=True)
    if _daemon_pid(folder) is None:
        (folder / "dockerd.pid").unlink(missing_ok=True)  # its process is dead: the file would stop the next start
    (folder / "empty.json").write_text("{}\n")
    command = [
        "unshare", "--net", program, "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
        "--ip-masq=false", "--userland-proxy=false", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
        f"--pidfile={folder}/dockerd.pid", f"--host=unix://{folder}/docker.sock", f"--config-file={folder}/empty.json",
    ]  # fmt: skip
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        # Its own session: Ctrl-C at our terminal must not end the engine under another lab.
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, close_fds=True
        )
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and daemon.poll() is None:
        if (client := _answering(folder)) is not None:
            daemon.returncode = 0  # it outlives us on purpose; keeps Popen from warning at collection
            return client
        time.sleep(0.01)
    if daemon.poll() is None:
        daemon.terminate()
        daemon.wait(timeout=5)
    lines = log.read_text(errors="replace").strip().splitlines()[-8:]
    raise EngineUnavailable("the private Docker Engine did not start:\n" + "\n".join(f"    {line}" for line in lines))
