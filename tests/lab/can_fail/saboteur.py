"""A pytest plugin (``-p tests.lab.can_fail.saboteur``) that breaks something before each scenario and mends it after.

``--sabotage INSTANCE`` chooses rows of the table; without it all are run, in the table's order. The lab must be well
again after each: if it is not, the scenario gets the verdict "error", and the next one a new lab.

pytest loads this before the project's conftest, which must be the first to import ``steps``: so its imports come late.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from math import inf

import pytest

from lab.device import Snapshot
from provisioning.environment import LabEnvironment
from provisioning.health import ailments, configured
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Row
from tests.lab.can_fail.rows import ROWS

WELL_WITHIN = 30.0  # s: the longest is a member that boots again and joins its pair

_AS_PLANNED = pytest.StashKey[tuple[int, dict[str, Snapshot]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which rows."""
    parser.addoption("--sabotage", metavar="INSTANCE", action="append", default=[])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the instances of the chosen rows, in the table's order."""
    by_name = {item.name: item for item in items}
    chosen = config.getoption("--sabotage") or [row.instance for row in ROWS]
    items[:] = [by_name[row.instance] for row in ROWS if row.instance in chosen]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Break what the row says. It is mended once the scenario has put its own changes back, which it made later."""
    from steps.plugins import under_way
    from steps.plugins.environment import KEEPER

    yield
    under_way.end(item.config)  # what is broken is broken before anything begins
    row = _row(item)
    keeper = item.config.stash[KEEPER]
    environment = keeper.environment()
    assert isinstance(environment, LabEnvironment)
    planned = _as_planned(item.config, environment)
    ending = ExitStack()

    def mend() -> None:
        try:
            under_way.end(item.config)  # a member that lost its power boots before what was broken for it is mended
            ending.close()
            _await_health(environment, planned)
        except BaseException as why:
            keeper.spoil(f"{item.name}: {why}")
            raise

    item.addfinalizer(mend)
    row.fault(Ground(environment, ending))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Steps wait as long as the row says; what puts things back as long as it ever does."""
    from steps.eventually import LIMIT

    LIMIT.at_most = _row(item).patience
    try:
        yield
    finally:
        LIMIT.at_most = inf


def _row(item: pytest.Item) -> Row:
    return next(one for one in ROWS if one.instance == item.name)


def _as_planned(config: pytest.Config, environment: LabEnvironment) -> dict[str, Snapshot]:
    """Every member's configuration before anything was broken in this lab."""
    lab, planned = config.stash.get(_AS_PLANNED, (0, {}))
    if lab != id(environment):
        planned = configured(environment)
        config.stash[_AS_PLANNED] = (id(environment), planned)
    return planned


def _await_health(environment: LabEnvironment, planned: dict[str, Snapshot]) -> None:
    from steps.eventually import eventually

    eventually(lambda: ailments(environment, planned), until=lambda found: not found, within=WELL_WITHIN,
               phase="the lab's return to health")  # fmt: skip
