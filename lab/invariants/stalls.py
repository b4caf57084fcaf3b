"""The machine's own scheduling delay: a process notes when it did not get a CPU in time, and for how long.

One that runs before all others sees the machine stand still; an ordinary one sees what packets on their way and our own
threads wait for. Each is a process of its own, so that nothing of ours (not even Python's lock) is taken for the machine's
fault. Run as a program, it writes a line per stall: when it should have run and when it did, in monotonic seconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import TracebackType

PERIOD = 0.005  # s between two looks
NOTED = 0.005  # s of delay from which it is noted
_REAL_TIME = 30  # of SCHED_FIFO: above the simulated members' agents
_PR_SET_PDEATHSIG = 1


class Stalls:
    """Stalls since the context was entered, as a recorder sees them that runs before all others, or (``ordinary``) does not."""

    def __init__(self, *, ordinary: bool = False) -> None:
        self._wanted = "ordinary" if ordinary else "first"
        self.noted: list[tuple[float, float]] = []
        self._waiting = b""

    def __enter__(self) -> Stalls:
        # In a session of its own: Ctrl-C, which its reader has to obey in order, would end it first.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, self._wanted], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self._pipe = self._process.stdout.fileno()
        os.read(self._pipe, 1)  # it runs
        os.set_blocking(self._pipe, False)
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def read(self) -> None:
        """Take in what was noted since the last call."""
        with suppress(BlockingIOError):
            while got := os.read(self._pipe, 65536):
                self._waiting += got
        *lines, self._waiting = self._waiting.split(b"\n")
        for line in lines:
            due, ran = line.split()
            self.noted.append((float(due), float(ran)))

    def between(self, began: float, ended: float) -> float:
        """The longest stall (s) that touches a time."""
        return max((ran - due for due, ran in self.noted if due < ended and ran > began), default=0.0)

    @property
    def pid(self) -> int:
        """The recorder's process."""
        return self._process.pid

    @property
    def longest(self) -> float:
        """The longest of all, in seconds."""
        return max((ran - due for due, ran in self.noted), default=0.0)


def _record(priority: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if priority == "first":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REAL_TIME))
    os.write(1, b"\n")
    due = time.monotonic()
    while True:
        due += PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        ran = time.monotonic()
        if ran - due > NOTED:
            os.write(1, f"{due:.6f} {ran:.6f}\n".encode())
            due = ran


if __name__ == "__main__":
    _record(sys.argv[1])
