"""What ``rempart gate`` needs of a run: only the scenarios that a change can affect, and the change itself in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.encoding import decode
from reports.entries import Entry
from steps.plugins import instances, tags
from steps.plugins.refusal import refuse

_UNAFFECTED = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which sites, and what changed."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--site",
        metavar="NAME",
        action="append",
        default=[],
        help="run only what goes through the firewalls of this site: its scenarios, those of its tunnels, and those of no site;"
        " repeatable",
    )
    group.addoption("--changes", metavar="FILE", help="lines for the record about the change that is judged")
    group.addoption("--unaffected", metavar="FILE", help="scenarios that the change cannot affect, each with the proof (JSON)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what a change can affect. Refuses a site that the deployment does not have."""
    wanted: list[str] = config.getoption("--site")
    proofs = _proofs(config)
    if not items or not (wanted or proofs):
        return
    sites = instances.deployment_of(config).sites
    if unknown := [name for name in wanted if name not in sites]:
        refuse(config, items, f"--site: no site {', '.join(unknown)} (there are {', '.join(sites)})")
        return
    others = [item for item in items if wanted and (through := _sites(item)) and not set(through) & set(wanted)]
    proofs = {item.name: proofs[item.name] for item in items if item.name in proofs and not _is_from_policy(item)}
    proofs |= {item.name: f"goes through the firewalls of {' and '.join(_sites(item))} alone" for item in others}
    config.stash[_UNAFFECTED] = proofs
    if left := [item for item in items if item.name in proofs]:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def unaffected(config: pytest.Config) -> dict[str, str]:
    """The scenarios that were left out because the change that is judged cannot affect them, each with the proof."""
    return config.stash.get(_UNAFFECTED, {})


def _proofs(config: pytest.Config) -> dict[str, str]:
    given: str | None = config.getoption("--unaffected")
    return json.loads((config.invocation_params.dir / given).read_text(encoding="utf-8")) if given else {}


def _is_from_policy(item: pytest.Item) -> bool:
    return item.get_closest_marker(tags.FROM_POLICY) is not None


def _sites(item: pytest.Item) -> tuple[str, ...]:
    """The sites whose firewalls a scenario's instance goes through; none for one that has no axis."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    deployment = instances.deployment_of(item.config)
    for axis in tags.AXES.values():
        if isinstance(name := parameters.get(axis), str):
            found = deployment.instance(axis, name)
            return tuple(getattr(found, "sites", ())) or (str(getattr(found, "site", getattr(found, "name", ""))),)
    return ()


def opening(config: pytest.Config) -> list[Entry]:
    """What the record says of the change at its beginning."""
    given: str | None = config.getoption("--changes")
    if not given:
        return []
    path = config.invocation_params.dir / Path(given)
    return [decode(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
