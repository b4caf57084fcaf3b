"""Before everyone else: a heartbeat that waits for a busy CPU looks like a dead member."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress

_REAL_TIME = 20  # of SCHED_FIFO: above every ordinary process
_NICEST = -20
_PR_SET_PDEATHSIG = 1


def raise_own() -> str:
    """Give the calling thread real-time priority, or else the best ordinary one; says which it got.

    What it starts afterwards (processes and threads alike) is ordinary again: a VPN daemon or ``hasync`` must not starve
    the machine.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_REAL_TIME))
        return "real time"
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICEST)
        # Resets the nice value of children too.
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        return f"nice {_NICEST}"
    return "ordinary"


def raise_ordinary() -> None:
    """Put the calling process, and what it starts, first among the ordinary ones, where the kernel allows it."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICEST)


def die_with_parent() -> None:
    """The calling process ends when its parent does, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
