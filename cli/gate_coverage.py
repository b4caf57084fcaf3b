"""The run that tells which rules each scenario met on the configuration before a change."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.configurations import NothingToRead

if TYPE_CHECKING:
    from provisioning.deployment import Deployment
    from reports.record import Record

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "reports/runs"
_CODE = ("features", "steps", "provisioning", "lab", "sns")
"""What a scenario does is decided here."""


def find(before: Deployment, given: Path | None, runs: Path | None) -> Record | None:
    """The record to go by: the one given, else the newest among ``runs`` that fits; None when none does.

    Raises NothingToRead for one that is given and does not fit, with the reason.
    """
    files = dict(_tested(_hashes(before), before))
    if given is not None:
        record = _read(given)
        if why := _misfit(record, before, files):
            raise NothingToRead(f"--coverage {given}: {why}")
        return record
    folder = runs or RUNS
    for run in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else ():
        if _same_files(run, before, files):
            try:
                record = _read(run)
            except NothingToRead:
                continue
            if not _misfit(record, before, files):
                return record
    return None


def _read(folder: Path) -> Record:
    from reports.entries import RecordError
    from reports.record import read

    try:
        return read(folder)
    except RecordError as why:
        raise NothingToRead(str(why)) from None


def _same_files(run: Path, before: Deployment, files: dict[str, str]) -> bool:
    """By the record's first line alone: most of the runs are of something else."""
    try:
        with (run / "record.jsonl").open(encoding="utf-8") as lines:
            header = json.loads(next(lines, "{}"))
    except (OSError, ValueError):
        return False
    return dict(_tested(header.get("deployment_files", {}), before)) == files


def _misfit(record: Record, before: Deployment, files: dict[str, str]) -> str:
    """Why a record says nothing of the scenarios that would run now; "" when it does."""
    if dict(_tested(record.run.deployment_files, before)) != files:
        return "is of another plan or configuration than the one before the change"
    if not record.complete or record.simulated is not True:
        return "is no run of the lab that came to its end"
    if record.run.dirty or not record.run.commit:
        return "nobody can say of which code it is: files differed from what was committed"
    asked = ["git", "-C", str(ROOT), "diff", "--quiet", record.run.commit, "--", *_CODE]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        return f"the scenarios are not those of commit {record.run.commit[:12]} any more"
    return ""


def _tested(files: dict[str, str], before: Deployment) -> Iterator[tuple[str, str]]:
    """The plan and the sites' own files; what lies beside them decides nothing that a scenario sees."""
    from provisioning.deployment import PLAN

    return ((name, digest) for name, digest in files.items() if name == PLAN or name.partition("/")[0] in before.sites)


def _hashes(before: Deployment) -> dict[str, str]:
    from steps.plugins.run_header import hashes

    return hashes(before.folder)
