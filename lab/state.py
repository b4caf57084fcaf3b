"""Where a machine keeps what labs share: the private engine, the image, the byte code, the running labs.

``REMPART_STATE`` names the folder; without it root uses ``/var/lib/rempart`` and others ``~/.local/state/rempart``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import StateUnavailable


def state_folder() -> Path:
    """The folder, not necessarily existing; always absolute."""
    if named := os.environ.get("REMPART_STATE"):
        return Path(named).absolute()
    return Path("/var/lib/rempart") if os.geteuid() == 0 else Path.home() / ".local/state/rempart"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the machine's refusal to write (disk full, read-only, no permission) into StateUnavailable."""
    try:
        yield
    except OSError as why:
        raise StateUnavailable(
            f"cannot write {why.filename or path}: {why.strerror or why} (make room there, or have REMPART_STATE name a"
            " folder elsewhere)"
        ) from why


@contextmanager
def locked(name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the machine-wide lock ``name``. The kernel frees it when its holder ends, however it ends.

    ``waiting`` is called once when another process holds it. Raises StateUnavailable when the folder cannot be written.
    """
    folder = state_folder()
    path = folder / f"{name}.lock"
    while True:
        with writing(path):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
            lock = path.open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(path, lock.fileno()):
                yield
                return
        # Its last holder removed the whole state: the file that we waited for is nobody's lock any more.


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
