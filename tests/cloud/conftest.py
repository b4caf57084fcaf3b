"""One control plane for all of this folder's tests, and the user who has an account there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.cloud.account")

from lab.control_plane import places  # noqa: E402
from lab.control_plane.clouds import Reached, reached  # noqa: E402
from lab.control_plane.plane import control_plane  # noqa: E402
from lab.control_plane.seeding import ROOMY, SMALL  # noqa: E402
from tests.cloud.account import Account  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The client warns of what its own next versions will change inside it; nothing that we call is meant."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack"))
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:openstack"))


@pytest.fixture(scope="session")
def services() -> None:
    """OpenStack's services are installed. ``make test`` names their environment, so that nothing is skipped there."""
    if "REMPART_CONTROL_PLANE" not in os.environ and not places.installed():
        pytest.skip("OpenStack's services are not installed: make control-plane")


@pytest.fixture(scope="package")
def plane(request: pytest.FixtureRequest) -> Iterator[Reached]:
    """It stays as long as these tests do.

    ``REMPART_CONTROL_PLANE_AT`` names the folder of one that ``python -m lab.control_plane`` has running.
    """
    if folder := os.environ.get("REMPART_CONTROL_PLANE_AT"):
        yield reached(Path(folder))
        return
    request.getfixturevalue("services")
    with control_plane() as running:
        yield Reached(running.auth_url, running.client)


@pytest.fixture(scope="module")
def account(plane: Reached, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A project with room for a deployment, empty before and after a module's tests."""
    with Account(plane, ROOMY, tmp_path_factory.mktemp("account")) as found:
        yield found


@pytest.fixture
def small_account(plane: Reached, tmp_path: Path) -> Iterator[Account]:
    """A project with the quotas of a new account."""
    with Account(plane, SMALL, tmp_path) as found:
        yield found
