"""Permission to forward, as something that runs out: the gate stays open only while the agent proves that it lives.

Renewing has a thread of its own, for the kernel serves one nftables transaction at a time: while ``enfilter`` loads a
policy (25 to 35 ms, longer for very long ones) a renewal waits, and heartbeats must not wait with it.
"""

from __future__ import annotations

import threading
import time

from lab.appliance import ha_priority
from lab.appliance.ha_gate import Gate

_TICK = 0.001  # s: the kernel counts a lease in milliseconds


class Lease:
    """The gate in the hands of an agent that calls :meth:`prove` at every beat. Times are monotonic seconds.

    The gate is never open for longer than ``seconds`` after the last proof, whatever keeps the agent: a lease that counted
    from its last renewal would outlive a hung agent until after the other member has taken over.
    """

    def __init__(self, gate: Gate, seconds: float) -> None:
        self._gate = gate
        self._seconds = seconds
        self._lock = threading.Lock()  # held for one transaction
        self._granted = threading.Event()
        self._stopped = threading.Event()
        self._proof = 0.0
        self._until = 0.0
        self._quiet_until = 0.0
        self.failure: OSError | None = None
        self._thread = threading.Thread(target=self._renew_for_ever, daemon=True, name="lease")
        self._thread.start()

    def grant(self) -> None:
        """Open the gate. Raises OSError when the kernel refuses."""
        self.prove()
        with self._lock:
            self._open()
        self._granted.set()

    def revoke(self) -> None:
        """Shut the gate; on return nothing passes any more. Raises OSError when the kernel refuses."""
        self._granted.clear()
        with self._lock:
            self._gate.shut()
            self._until = 0.0

    def be_quiet(self, seconds: float) -> None:
        """Grant for so long at once and ask the kernel for nothing meanwhile: a long policy is read and loaded. 0 ends that.

        In that time the gate does not shut by itself when the agent hangs.
        """
        with self._lock:
            self._quiet_until = time.monotonic() + seconds - self._seconds
            if seconds and self._granted.is_set():
                self._gate.open(seconds)
                self._until = time.monotonic() + seconds

    def prove(self) -> None:
        """The agent's loop is alive; without this the lease is not renewed."""
        self._proof = time.monotonic()

    @property
    def held(self) -> bool:
        """Whether the gate is open, as far as can be known without asking the kernel."""
        return time.monotonic() < self._until

    def close(self) -> None:
        """Stop renewing; the gate stays open until the lease ends."""
        self._stopped.set()
        self._granted.set()  # wakes the thread
        self._thread.join()
        self._gate.close()

    def _open(self) -> None:
        until = self._proof + self._seconds
        left = until - time.monotonic()
        if left >= _TICK:  # less the kernel takes for no limit at all
            self._gate.open(left)
            self._until = until

    def _renew_for_ever(self) -> None:
        ha_priority.raise_own()
        while not self._stopped.wait(self._seconds / 4):
            self._granted.wait()
            self._renew()

    def _renew(self) -> None:
        with self._lock:
            if not self._granted.is_set() or self._stopped.is_set() or time.monotonic() < self._quiet_until:
                return
            try:
                self._open()
            except OSError as error:  # told by the agent; the gate shuts by itself
                self.failure = error
