"""The processes of one control plane: started with a log each, ended by pid, and by the kernel when we end first."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.control_plane.places import ControlPlaneUnavailable

POLL = 0.05  # s
STOP_WITHIN = 15.0  # s: MariaDB writes out what it holds
LOG_TAIL = 3000  # characters of a log in an error


class Processes:
    """What was started, by name. The kernel kills each when the thread that started it ends: start them from the main one."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Start one; it inherits the descriptors."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C at the terminal is ours to act on
            )

    def log(self, name: str) -> Path:
        """What a process says."""
        return self._logs / f"{name}.log"

    def pids(self) -> dict[str, int]:
        """Who runs."""
        return {name: process.pid for name, process in self._running.items() if process.poll() is None}

    def ended(self) -> dict[str, int]:
        """Who has ended, and with which status."""
        return {name: status for name, process in self._running.items() if (status := process.poll()) is not None}

    def check(self) -> None:
        """Raises ControlPlaneUnavailable when one has ended, with the end of its log."""
        for name, status in self.ended().items():
            raise self.failure(name, status)

    def failure(self, name: str, status: int) -> ControlPlaneUnavailable:
        """The error that tells of the end of one."""
        return ControlPlaneUnavailable(f"{name} ended with status {status}:\n{self.tail(name)}")

    def finish(self, name: str, within: float) -> None:
        """Wait for the end of one that ends by itself. Raises ControlPlaneUnavailable when it fails or is late."""
        process = self._running.pop(name)
        try:
            status = process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if status:
            raise self.failure(name, status)

    def tail(self, name: str) -> str:
        """The end of a log."""
        return self.log(name).read_text(errors="replace")[-LOG_TAIL:]

    def end(self, name: str) -> None:
        """End one as it wants to be ended, and kill it when it does not."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End all at once; what they hold is not wanted any more."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()
        self._running.clear()


def eventually(look: Callable[[], object], within: float, phase: str, processes: Processes) -> None:
    """Look until it is so. Raises ControlPlaneUnavailable when it is late, or a process has ended meanwhile."""
    end = time.monotonic() + within
    while not look():
        processes.check()
        if time.monotonic() > end:
            raise ControlPlaneUnavailable(f"not so after {within:g} s: {phase}; logs: {processes.log('')}")
        time.sleep(POLL)
