"""``python -m benchmarks``: measure, write ``build/benchmarks/figures.json`` and ``.md``, print the tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import budgets, tables
from benchmarks.figures import Measure, Run, Sample

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "benchmarks"
DOCUMENT = ROOT / "docs" / "benchmarks.md"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how often each cost is measured (default 5)")
    parser.add_argument("--part", choices=("all", "budgets", "growth"), default="all")
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
    measures: list[Measure] = []
    samples: list[Sample] = []
    failures: list[str] = []
    described = about()
    if given.part != "growth":
        for measure in budgets.measure_all(given.runs, features=given.features, progress=_say):
            measures.append(measure)
            print(tables.one_line(measure), flush=True)
    if given.part != "budgets":
        from benchmarks import growth

        sizes = [int(size) for size in given.sites.split(",")]
        contest = growth.Contest(BUILD, given.contestants.split(","), sizes, progress=_say)
        described |= contest.versions()
        for outcome in contest.rounds(given.runs):
            if isinstance(outcome, Sample):
                samples.append(outcome)
            else:
                failures.append(outcome)
    run = Run(described, tuple(measures), tuple(samples), tuple(failures))
    kept = BUILD / "figures.json"
    if given.part != "all" and kept.exists():
        run = run.merged(Run.of_data(json.loads(kept.read_text())))
    kept.write_text(json.dumps(run.as_data(), indent=1) + "\n")
    text = tables.markdown(run)
    (BUILD / "figures.md").write_text(text)
    print(text)
    if given.record:
        DOCUMENT.write_text(tables.recorded(DOCUMENT.read_text(), text))
        print(f"recorded in {DOCUMENT.relative_to(ROOT)}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
