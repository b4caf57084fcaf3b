"""The recorder of the machine's own stalls notes when it did not run."""

from __future__ import annotations

import os
import signal
import time

from lab.invariants.stalls import Stalls
from steps.eventually import eventually


def test_a_recorder_that_did_not_run_for_a_while_says_since_when_and_how_long() -> None:
    with Stalls() as stalls:
        began = time.monotonic()
        os.kill(stalls.pid, signal.SIGSTOP)
        time.sleep(0.2)  # the stall itself
        os.kill(stalls.pid, signal.SIGCONT)
        ended = time.monotonic()

        def longest() -> float:
            stalls.read()
            return stalls.between(began, ended)

        assert 0.15 < eventually(longest, within=5.0, phase="the recorder's word") < ended - began + 0.1
    assert stalls.between(ended + 60, ended + 61) == 0.0
