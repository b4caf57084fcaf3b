"""Reads the control catalogues and the deployment's deviations before anything starts, and shows waived failures as waived."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from reports.controls import catalogues, deviations
from reports.controls.tables import Unusable
from reports.entries import Deviation, Entry
from reports.record import waiver_of
from steps.plugins import collection, instances, run_header, tags
from steps.plugins.refusal import refuse

CATALOGUES = Path("reports/controls")
"""Where a project has its catalogues; without that folder nothing is mapped."""

_LIBRARY = pytest.StashKey[catalogues.Library]()
_DEVIATIONS = pytest.StashKey[list[Deviation]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read them while all that could run is still there, and refuse to run when anything in them is wrong."""
    names = [item.name for item in items if collection.template_of(item)]
    if not names:
        return
    scenarios = sorted(_written(config) | {name.partition("[")[0] for name in names})
    try:
        config.stash[_LIBRARY] = catalogues.load(config.rootpath / CATALOGUES, scenarios)
        folder = instances.deployment_folder(config)
        config.stash[_DEVIATIONS] = deviations.load(folder, scenarios, names, config.stash[_LIBRARY])
    except Unusable as why:
        refuse(config, items, str(why))


def waiver(item: pytest.Item) -> str:
    """Who accepts a failure of this scenario, until when and why; "" when nobody does on the day of the run."""
    known: list[Deviation] = item.config.stash.get(_DEVIATIONS, [])
    found = waiver_of(item.name, known)
    if found is None or not found.in_force(run_header.begun(item.config)[:10]):
        return ""
    return f"waived until {found.expires} by {found.owner}: {found.justification}"


def opening(config: pytest.Config, planned: Sequence[str]) -> list[Entry]:
    """What the record says at its beginning: which controls the planned scenarios support, and the known deviations."""
    if _LIBRARY not in config.stash:
        return []
    scenarios = list(dict.fromkeys(name.partition("[")[0] for name in planned))
    return [*config.stash[_LIBRARY].entries(scenarios), *config.stash[_DEVIATIONS]]


def _written(config: pytest.Config) -> set[str]:
    """The ids of all scenarios of the project, those included that this run does not collect."""
    found = (path.read_text(encoding="utf-8", errors="replace") for path in (config.rootpath / "features").rglob("*.feature"))
    return {name for text in found for name in re.findall(rf"@({tags.ID.pattern})\b", text)}
