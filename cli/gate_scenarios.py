"""The scenarios of a gated change: those that it can affect are run in the lab that the change was made in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioning.gate.verdict import Gated, Scenarios

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Choice:
    """Which scenarios are run: those of these sites (of all, when there are none) but the ``unaffected``, with their proofs."""

    sites: Sequence[str] = ()
    unaffected: Mapping[str, str] = field(default_factory=dict)


def run(gated: Gated, lab: str, deployment: Path, choice: Choice, runs: Path | None) -> Scenarios:
    """Run the chosen scenarios in a lab that runs ``deployment``; what they said.

    The change is entered in their record. ``runs`` is where records are kept, by default the project's own folder.
    """
    from provisioning.gate.verdict import Scenarios
    from reports.entries import RecordError
    from reports.record import read

    with TemporaryDirectory(prefix="rempart-gate-") as scratch:
        lines = Path(scratch) / "changes.jsonl"
        lines.write_text("".join(f"{json.dumps({'entry': 'change', **_entry(one)})}\n" for one in gated.plain()["changes"]))
        proofs = Path(scratch) / "unaffected.json"
        proofs.write_text(json.dumps(dict(choice.unaffected)))
        told = Path(scratch) / "told"
        with told.open("wb") as output:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-q", "features", "--lab", "attach", "--run", lab),
                    *("--deployment", str(deployment), "--changes", str(lines), "--unaffected", str(proofs)),
                    *(part for site in choice.sites for part in ("--site", site)),
                    *(("--runs", str(runs.resolve())) if runs else ()),
                ],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        text = told.read_text(errors="replace")
    folder = next((line.split()[1] for line in text.splitlines() if line.startswith("Record: ")), "")
    try:
        record = read(ROOT / Path(folder).parent)
    except RecordError as why:
        last = text.strip().splitlines()[-3:]
        gated.errors.append(f"the scenarios left no record (pytest ended with {done.returncode}): {why}: {' / '.join(last)}")
        return Scenarios()
    verdicts = {name: (one.verdict, one.ending.reason) for name, one in record.scenarios.items()}
    unclear = {name: reason for name, (verdict, reason) in verdicts.items() if verdict in ("inconclusive", "error")}
    unclear |= dict.fromkeys(record.not_run, "did not run")
    return Scenarios(
        counts={str(verdict): number for verdict, number in record.counts().items()},
        failed={name: reason for name, (verdict, reason) in verdicts.items() if verdict == "fail"},
        unclear=unclear,
        ran=tuple(name for name, (verdict, _) in verdicts.items() if verdict not in ("not applicable", "skipped")),
        unaffected=record.plan.unaffected if record.plan else {},
        record=folder,
    )


def _entry(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name != "path"}
