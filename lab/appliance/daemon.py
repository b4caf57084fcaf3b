"""One long-running program of the appliance: started, awaited, stopped by its own process id, never by name."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.appliance import command, paths
from lab.appliance.errors import ServiceFailed

_TAIL = 15  # lines of a log that an error message carries
_POLL = 0.002  # seconds between two looks at a daemon that is starting
_FORWARDING = 5  # real-time priority: below the wires (10), which are below the HA agent (20)
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Daemon:
    """A program that runs in the foreground of its own session, with a pid file and a log of its output.

    ``program`` is the absolute path of the executable; a pid file whose process runs something else is stale. One that
    ``forwards`` has real-time priority, where the kernel grants it: it does in user space what a kernel does, whose packets
    wait for no CPU (at five times more load than two cores can bear: 5 ms instead of 100).
    """

    name: str
    program: str
    log: Path
    forwards: bool = False

    @property
    def pid_file(self) -> Path:
        """Where the process id is kept."""
        return paths.RUN / f"{self.name}.pid"

    def pid(self) -> int | None:
        """The process id when the daemon runs, else None (no pid file, process gone, a zombie, or another program)."""
        try:
            pid = int(self.pid_file.read_text())
            running = Path(f"/proc/{pid}/exe").readlink()  # a zombie has none
        except (OSError, ValueError):
            return None
        return pid if running == Path(self.program).resolve() else None

    def start(
        self,
        arguments: Sequence[str],
        ready: Callable[[], bool],
        *,
        within: float = 5.0,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start the program and return its process id once ``ready`` says so.

        Raises ServiceFailed, with the end of the log, when the process ends or is not ready after ``within`` seconds;
        in the second case it is stopped first.
        """
        paths.RUN.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        mark = self.log.stat().st_size if self.log.exists() else 0
        pid = self._spawn(arguments, environment or {})
        self.pid_file.write_text(f"{pid}\n")
        deadline = time.monotonic() + within
        while not ready():
            if _ended(pid):
                self.pid_file.unlink(missing_ok=True)
                raise ServiceFailed(self.name, tail(self.log, mark))
            if time.monotonic() > deadline:
                self.stop()
                raise ServiceFailed(self.name, f"{tail(self.log, mark)}\nnot ready after {within:g} s".strip())
            time.sleep(_POLL)
        return pid

    def _spawn(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        if arguments[:1] == ["-m"] and (forked := self._forked(*arguments[1:], **environment)) is not None:
            return forked
        log = (os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        spawn = partial(
            os.posix_spawn,
            self.program,
            [self.program, *arguments],
            {**_ENVIRONMENT, **environment},
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), log, (os.POSIX_SPAWN_DUP2, 1, 2)],
            setsid=True,
        )
        if self.forwards:
            with contextlib.suppress(PermissionError):
                return spawn(scheduler=(os.SCHED_FIFO, os.sched_param(_FORWARDING)))
        return spawn()

    def _forked(self, *arguments: str, **environment: str) -> int | None:
        """A Python program forked from what has imported this very code already; None where there is no such thing."""
        if environment.get("PYTHONPATH") != command.CODE:
            return None
        named = [f"{name}={value}" for name, value in {**_ENVIRONMENT, **environment}.items()]
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing, contextlib.suppress(OSError):
            return command.answer(
                command.ask(command.PROGRAM, list(arguments), (nothing.fileno(), log.fileno(), log.fileno()), named)
            )
        return None

    def stop(self, within: float = 2.0, *, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop the daemon and wait until it is gone; SIGKILL after ``within`` seconds. Fine when it is not up."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                _terminate(pid, sign, within)
        self.pid_file.unlink(missing_ok=True)

    def signal(self, sign: signal.Signals) -> bool:
        """Send a signal; False when the daemon does not run."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, sign)
        return True


def _terminate(pid: int, sign: signal.Signals, within: float) -> None:
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, sign)
        if not select.select([handle], [], [], within)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], within)
    finally:
        os.close(handle)
    _ended(pid)  # collects the process when it is our own child


def _ended(pid: int) -> bool:
    """Whether a process is gone; one of our own children is collected, others are asked for through /proc."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()


def accepts(path: Path) -> bool:
    """Whether somebody listens at a socket. That its file exists is not enough: it does so before anybody listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def tail(log: Path, start: int = 0, lines: int = _TAIL) -> str:
    """The last lines of a log, none from before byte ``start``; empty when there is no log."""
    try:
        with log.open("rb") as stream:
            stream.seek(start)
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def write_private(path: Path, text: str) -> bool:
    """Write a file that only root may read, at once and whole. Returns whether its content changed."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    fresh.rename(path)
    return True
