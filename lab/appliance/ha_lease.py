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
_RENEWED_AFTER = 1 / 3  # of a lease: of the guide's, 40 ms, at every second proof, which leaves 16 for a machine that is late


class Lease:
    """The gate in the hands of an agent that calls :meth:`prove` at every beat. Times are monotonic seconds.

    The gate is never open for longer than ``seconds`` after the last proof, whatever keeps the agent: a lease that counted
    from its last renewal would outlive a hung agent until after the other member has taken over.
    """

    def __init__(self, gate: Gate, seconds: float) -> None:
        self._gate = gate
        self._seconds = seconds
        self._lock = threading.Lock()  # held for one transaction
        self._due = threading.Event()
        self._granted = self._stopped = False
        self._proof = self._renewed = 0.0  # the last proof, and the one that the lease in force counts from
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
        self._granted = True

    def revoke(self) -> None:
        """Shut the gate; on return nothing passes any more. Raises OSError when the kernel refuses."""
        self._granted = False
        with self._lock:
            self._gate.shut()
            self._until = 0.0

    def be_quiet(self, seconds: float) -> None:
        """Grant for so long at once and ask the kernel for nothing meanwhile: a long policy is read and loaded. 0 ends that.

        In that time the gate does not shut by itself when the agent hangs.
        """
        with self._lock:
            self._quiet_until = time.monotonic() + seconds - self._seconds
            if seconds and self._granted:
                self._gate.open(seconds)
                self._until = time.monotonic() + seconds

    def prove(self) -> None:
        """The agent's loop is alive; without this the lease is not renewed. Not each proof is worth a transaction."""
        self._proof = time.monotonic()
        if self._granted and self._proof - self._renewed >= self._seconds * _RENEWED_AFTER:
            self._due.set()

    @property
    def held(self) -> bool:
        """Whether the gate is open, as far as can be known without asking the kernel."""
        return time.monotonic() < self._until

    def close(self) -> None:
        """Stop renewing; the gate stays open until the lease ends."""
        self._stopped = True
        self._due.set()
        self._thread.join()
        self._gate.close()

    def _open(self) -> None:
        proof = self._proof
        until = proof + self._seconds
        left = until - time.monotonic()
        if left >= _TICK:  # less the kernel takes for no limit at all
            self._gate.open(left)
            self._until, self._renewed = until, proof

    def _renew_for_ever(self) -> None:
        ha_priority.raise_own()
        while not self._stopped:
            self._due.wait()
            self._due.clear()
            self._renew()

    def _renew(self) -> None:
        with self._lock:
            if not self._granted or self._stopped or time.monotonic() < self._quiet_until:
                return
            try:
                self._open()
            except OSError as error:  # told by the agent; the gate shuts by itself
                self.failure = error
