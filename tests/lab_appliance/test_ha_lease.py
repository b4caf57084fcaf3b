"""Permission to forward runs out with the last proof that the agent lives, whatever keeps renewing it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import pytest

from lab.appliance.ha_gate import Gate
from lab.appliance.ha_lease import Lease
from steps.eventually import eventually

SECONDS = 0.4


class Clockwork:
    """A gate that notes until when it was opened, each time."""

    def __init__(self) -> None:
        self.until: list[float] = []
        self.shuts = 0

    def open(self, seconds: float) -> None:
        self.until.append(time.monotonic() + seconds)

    def shut(self) -> None:
        self.shuts += 1

    def close(self) -> None:
        pass


@pytest.fixture
def gate() -> Clockwork:
    return Clockwork()


@pytest.fixture
def lease(gate: Clockwork) -> Iterator[Lease]:
    found = Lease(cast(Gate, gate), SECONDS)
    yield found
    found.close()


def test_a_hung_agent_forwards_no_longer_than_its_lease_after_its_last_word(lease: Lease, gate: Clockwork) -> None:
    before = time.monotonic()
    lease.grant()
    proven = time.monotonic()
    eventually(lambda: not lease.held, within=5.0, phase="the end of the lease")
    assert before + SECONDS <= max(gate.until) <= proven + SECONDS + 0.05


def test_an_agent_that_goes_on_goes_on_forwarding(lease: Lease, gate: Clockwork) -> None:
    lease.grant()
    over = time.monotonic() + 3 * SECONDS
    while time.monotonic() < over:
        lease.prove()
        time.sleep(0.01)  # its beat
    assert max(gate.until) > over
    assert len(gate.until) < 20  # of 120 beats: each renewal wakes a thread and is a transaction


def test_what_is_revoked_is_not_renewed(lease: Lease, gate: Clockwork) -> None:
    lease.grant()
    lease.revoke()
    lease.prove()
    opened = len(gate.until)
    time.sleep(SECONDS)  # in which it would be renewed several times
    assert (len(gate.until), gate.shuts, lease.held) == (opened, 1, False)


def test_what_is_quiet_has_one_long_lease_and_is_renewed_again_afterwards(lease: Lease, gate: Clockwork) -> None:
    lease.grant()
    lease.be_quiet(10 * SECONDS)
    opened, until = len(gate.until), max(gate.until)
    lease.prove()
    time.sleep(SECONDS)  # in which it would be renewed several times
    assert (len(gate.until), lease.held) == (opened, True)
    lease.be_quiet(0)
    lease.prove()
    eventually(lambda: len(gate.until) > opened, within=5.0, phase="the next renewal")
    assert gate.until[-1] < until
