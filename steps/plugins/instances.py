"""One scenario, many instances: ``@each_site``, ``@each_tunnel``, … repeat it for what the deployment has.

A deployment that has none of it gets one test, ``SNS-IPSEC-03[none]``, with the verdict "not applicable" and why; so does
an instance whose site lacks what a condition (``@with_refused_name``) asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.plugins import surroundings, tags
from steps.plugins.refusal import refuse

if TYPE_CHECKING:
    from provisioning.deployment import Deployment

DEFAULT_DEPLOYMENT = "deployments/guide"

_DEPLOYMENT = pytest.StashKey["Deployment"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which deployment, and which scenarios of the features."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--deployment",
        metavar="DIR",
        help=f"folder of the deployment to test (default: {DEFAULT_DEPLOYMENT} of this project)",
    )
    group.addoption(
        "--scenario", metavar="ID", action="append", default=[], help="run only the scenario of this id; repeatable"
    )
    group.addoption(
        "--campaign", action="store_true", help="run the scenarios marked @campaign too: more ways to fail, two minutes more"
    )


def deployment_folder(config: pytest.Config) -> Path:
    """The folder that ``--deployment`` names, seen from where pytest was called; by default the project's own."""
    given: str | None = config.getoption("--deployment")
    return config.invocation_params.dir / given if given else config.rootpath / DEFAULT_DEPLOYMENT


def deployment_of(config: pytest.Config) -> Deployment:
    """The deployment under test, read once. Raises ``surroundings.Unusable`` with everything that is wrong with it."""
    if _DEPLOYMENT not in config.stash:
        config.stash[_DEPLOYMENT] = surroundings.load_deployment(deployment_folder(config))
    return config.stash[_DEPLOYMENT]


def spread(test: Callable[..., Any], given: set[str], config: pytest.Config) -> Callable[..., Any]:
    """The test, parametrised by the axes among its tags."""
    conditions = [one for one in tags.CONDITIONS if f"{tags.WITH}{one}" in given]
    for tag, axis in tags.AXES.items():
        if tag in given:
            test = pytest.mark.parametrize(axis, _parameters(axis, conditions, config))(test)
            # Only the steps ask for the argument, and pytest cannot see those: without this it would refuse it.
            test = pytest.mark.usefixtures(axis)(test)
    return test


def _parameters(axis: str, conditions: Iterable[str], config: pytest.Config) -> list[Any]:
    reason = f"the deployment has no {tags.spoken(axis)}"
    none = pytest.param(None, id="none", marks=pytest.mark.not_applicable(reason))
    try:
        deployment = deployment_of(config)
    except surroundings.Unusable:
        return [none]  # said once for all features when they are collected; an error here would say it for each
    names = deployment.axis(axis)
    return [pytest.param(name, id=name, marks=list(_lacking(deployment, axis, name, conditions))) for name in names] or [none]


def _lacking(deployment: Deployment, axis: str, name: str, conditions: Iterable[str]) -> Iterator[pytest.MarkDecorator]:
    for condition in conditions:
        for site in deployment.without(condition, axis, name):
            yield pytest.mark.not_applicable(f"the site {site} has no {tags.spoken(condition)}")


def unusable(config: pytest.Config) -> str:
    """Why the deployment that the features need cannot be read; "" when it can."""
    try:
        deployment_of(config)
    except surroundings.Unusable as why:
        return str(why)
    return ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what ``--scenario`` asks for, and refuse an id that no collected scenario has; without it, no campaign unasked."""
    wanted: list[str] = config.getoption("--scenario")
    if not wanted and not config.getoption("--campaign"):
        _keep(config, items, lambda item: not is_campaign(item))
    if not wanted or not items:
        return
    names = {_id(item) for item in items}
    if unknown := [name for name in wanted if name not in names]:
        refuse(config, items, f"--scenario: no scenario here has the id {', '.join(unknown)}{_near(unknown, names)}")
        return
    _keep(config, items, lambda item: _id(item) in wanted)


def _keep(config: pytest.Config, items: list[pytest.Item], wanted: Callable[[pytest.Item], bool]) -> None:
    if left := [item for item in items if not wanted(item)]:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if wanted(item)]


def is_campaign(item: pytest.Item) -> bool:
    """Whether a test is run only when it is asked for."""
    return item.get_closest_marker(tags.CAMPAIGN) is not None


def _id(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


def _near(unknown: Iterable[str], names: Iterable[str]) -> str:
    areas = {name.rpartition("-")[0] for name in unknown}
    near = sorted(name for name in names if tags.ID.fullmatch(name) and name.rpartition("-")[0] in areas)
    return f" (there are {', '.join(near)})" if near else ""
