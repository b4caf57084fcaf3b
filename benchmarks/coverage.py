"""``python -m benchmarks.coverage``: what it costs to record which rules each scenario met, beside all else of the same run.

All features are run once, on the guide in a lab of their own. Timed are the reading of the counters, before and after each
scenario, which its evidence needs too, and what is made of them for the record.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import tell
from provisioning.evidence import collector, states
from provisioning.evidence.exercised import exercised

ROOT = Path(__file__).resolve().parent.parent


class _Clock:
    """The seconds that calls of a function took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*given, **named)
            finally:
                self.seconds.append(time.monotonic() - began)

        return timed


def main() -> int:
    """Measure and print one line for each cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.parse_args()
    if os.geteuid() != 0:
        print("it needs root, as the lab does: run the same command with sudo", file=sys.stderr)
        return 2
    reading, making, said = _Clock(), _Clock(), StringIO()
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="rempart-coverage-") as runs:
        patch.setattr(states.Moment, "of", staticmethod(reading(states.Moment.of)))
        patch.setattr(collector, "exercised", making(exercised))
        began = time.monotonic()
        with redirect_stdout(said):
            status = pytest.main(
                [str(ROOT / "features"), f"--rootdir={ROOT}", f"--runs={runs}", "-q", "-p", "no:cacheprovider"]
            )
        spent = time.monotonic() - began
    if status:
        print(said.getvalue(), file=sys.stderr)
        return 1
    tell("all features", [spent])
    for what, clock in (("counters read", reading), ("rules, tunnels, rights and routes made of them", making)):
        tell(f"{what}, {len(clock.seconds)} times: {100 * sum(clock.seconds) / spent:.2f} %", [sum(clock.seconds)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
