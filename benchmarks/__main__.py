"""``python -m benchmarks``: measure, write ``build/benchmarks/figures.json`` and ``.md``, print the tables.

Each part has figures and tables of its own, with the day when they were measured: a run of one part leaves the other's alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import budgets, tables
from benchmarks.figures import Measure, Run, Sample

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "benchmarks"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
BUDGETS, GROWTH = PARTS = ("budgets", "growth")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how often each cost is measured (default 5)")
    parser.add_argument("--part", choices=("all", *PARTS), default="all")
    parser.add_argument("--sites", default="1,2,4,8", help="sizes to grow through (default 1,2,4,8)")
    parser.add_argument("--contestants", default="rempart,munet,mininet", help="who grows (default rempart,munet,mininet)")
    parser.add_argument("--features", type=int, default=0, metavar="N", help="also run all features, N times")
    parser.add_argument("--record", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def about() -> dict[str, str]:
    """Where and of what."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}",
        "python": platform.python_version(),
    }


def main() -> int:
    """Measure; 1 when something could not be measured."""
    given = _arguments()
    if os.geteuid() != 0:
        print("benchmarks need root, as the lab does: run the same command with sudo", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through every `finally`, as Ctrl-C
    BUILD.mkdir(parents=True, exist_ok=True)
    measured = dict(_measured(given))
    _keep(measured)
    for part, run in measured.items():
        text = tables.markdown(run)
        print(text)
        if given.record:
            DOCUMENT.write_text(tables.recorded(DOCUMENT.read_text(), part, text))
            print(f"recorded in {DOCUMENT.relative_to(ROOT)}")
    return 1 if any(run.failures for run in measured.values()) else 0


def _keep(measured: Mapping[str, Run]) -> None:
    """Write these figures beside those that are there of another part."""
    file = BUILD / "figures.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept |= {part: run.as_data() for part, run in measured.items()}
    file.write_text(json.dumps(kept, indent=1) + "\n")
    (BUILD / "figures.md").write_text("\n".join(tables.markdown(Run.of_data(kept[part])) for part in PARTS if part in kept))


def _measured(given: argparse.Namespace) -> Iterator[tuple[str, Run]]:
    if given.part != GROWTH:
        yield BUDGETS, Run(about(), measures=tuple(_budgets(given)))
    if given.part != BUDGETS:
        yield GROWTH, _growth(given)


def _budgets(given: argparse.Namespace) -> Iterator[Measure]:
    for measure in budgets.measure_all(given.runs, features=given.features, progress=_say):
        print(tables.one_line(measure), flush=True)
        yield measure


def _growth(given: argparse.Namespace) -> Run:
    from benchmarks import growth

    sizes = [int(size) for size in given.sites.split(",")]
    contest = growth.Contest(BUILD, given.contestants.split(","), sizes, progress=_say)
    outcomes = list(contest.rounds(given.runs))
    samples = tuple(outcome for outcome in outcomes if isinstance(outcome, Sample))
    failures = tuple(outcome for outcome in outcomes if isinstance(outcome, str))
    return Run(about() | contest.versions(), samples=samples, failures=failures)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
