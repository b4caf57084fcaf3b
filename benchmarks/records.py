"""What a record costs: a line as the run goes, and checking a large one, made here of 100 MB of lines as runs write them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.entries import Entry

SIZE = 100_000_000  # bytes of record.jsonl
_REMPART = Path(sys.executable).parent / "rempart"
_OBSERVATIONS = 100  # of each instance: a line of 400 bytes, about what those of the guide's runs have


def measure(runs: int, load: Callable[[], float], progress: Callable[[str], None]) -> Iterator[Measure]:
    """The time to write a line, and that of ``rempart verify``; the median of ``runs`` whole processes."""
    from reports import seal

    with TemporaryDirectory() as name:
        folder = Path(name)
        progress(f"a record of {SIZE / 1e6:g} MB")
        lines, seconds = _write(folder)
        yield Measure("a line of the record, written", "ms", (1000 * seconds / lines,), None, load(), f"mean of {lines} lines")
        seal.seal(folder)
        values = []
        for _ in range(runs):
            began = time.monotonic()
            subprocess.run([_REMPART, "verify", folder], check=True, capture_output=True)
            values.append(time.monotonic() - began)
        note = f"whole process; {lines} lines, their chain and the sums"
        yield Measure(f"`rempart verify`, a record of {SIZE / 1e6:g} MB", "s", tuple(values), 1.0, load(), note)


def _write(folder: Path) -> tuple[int, float]:
    """Write the record; its lines, and the seconds that took."""
    from reports.entries import End
    from reports.record import Writer

    writer, lines, began = Writer(folder), 2, time.monotonic()
    writer.open(_opening)
    number = 0
    while writer.path.stat().st_size < SIZE:
        number += 1
        for entry in _instance(f"SNS-BENCH-01[{number}]"):
            writer.write(entry)
            lines += 1
    writer.write(End(status=0, seconds=1.0, counts={"pass": number}))
    writer.close()
    return lines + 1, time.monotonic() - began


def _opening() -> list[Entry]:
    from reports.entries import Plan, Run

    run = Run(
        run="benchmark", tool="rempart", commit="", dirty=False, python="", platform="", deployment="guide",
        deployment_hash="", deployment_files={}, lab="fresh", operator="", role="", arguments=(), clock="",
        clock_synchronised=False, clock_error_ms=0.0,
    )  # fmt: skip
    return [run, Plan(planned=())]


def _instance(name: str) -> Iterator[Entry]:
    from reports.entries import Observation, Outcome, Scenario

    yield Scenario(
        instance=name, scenario="SNS-BENCH-01", name="A stranger reaches the published web site", feature="Publication",
        rule="", file="features/publication.feature", line=6, tags=("each_site",), steps=("When it asks",),
    )  # fmt: skip
    for number in range(_OBSERVATIONS):
        yield Observation(
            instance=name, step=2, what=f"the answer to probe {number} of the stranger", expected="HTTP/1.1 200 OK",
            observed="HTTP/1.1 200 OK", verdict="pass", predicted="pass, rule 3 (sbg7/Filter/05:14)", seconds=0.1,
        )  # fmt: skip
    yield Outcome(instance=name, verdict="pass", seconds=0.25)
