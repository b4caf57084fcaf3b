"""Where a machine keeps what labs share: the private engine, the image, the byte code, the running labs.

``REMPART_STATE`` names the folder; without it root uses ``/var/lib/rempart`` and others ``~/.local/state/rempart``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def state_folder() -> Path:
    """The folder, not necessarily existing."""
    if named := os.environ.get("REMPART_STATE"):
        return Path(named)
    return Path("/var/lib/rempart") if os.geteuid() == 0 else Path.home() / ".local/state/rempart"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock ``name``. The kernel frees it when its holder ends, however it ends."""
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def process_identity(pid: int) -> str | None:
    """``pid:start time`` of a living process (a recycled pid has another start time); None for a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{pid}:{fields[19]}"


def is_alive(identity: str) -> bool:
    """Whether the process of this :func:`process_identity` still lives."""
    pid = identity.partition(":")[0]
    return pid.isdigit() and process_identity(int(pid)) == identity
