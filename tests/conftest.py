"""Several workers (``-n 3 --dist loadfile``): one of them has the labs, one after the other; and what is timed is named."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast this machine is at the moment is no property of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A shell that starts something in the background has it ignore Ctrl-C, and its children inherit that: tests that end a
# command by it would wait for ever.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LABS = "the labs"
TOGETHER: Mapping[str, Sequence[str]] = {
    LABS: (
        "tests/appliance_api/",
        "tests/cloud/test_lab_as_cloud.py",
        "tests/gate/test_whole.py",
        "tests/lab/",
        "tests/lab_roles/test_roles_running.py",
        "tests/provisioning/live/test_over_ssh.py",
    ),
    "the control plane that is interrupted": ("tests/cloud/test_interruptions.py",),
    "the control plane": ("tests/cloud/",),
}
"""What is given to one worker, and where it stands; the first that fits counts, and is given out first. Files follow."""

TIMED = (
    "tests/lab/guide/",
    "tests/lab/matrix/",
    "tests/lab/test_instrument.py",
    "tests/lab/test_scenarios_can_fail.py",
)
"""Labs whose verdicts rest on times: a failover's, an instrument's. Nothing may run beside them."""


def shared(node: str) -> str:
    """What a test shares with other modules, "" for nothing."""
    return next((what for what, places in TOGETHER.items() if node.startswith(tuple(places))), "")


def _turn(item: pytest.Item) -> int:
    return [*TOGETHER, ""].index(shared(item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is timed; in a worker, the order in which work is given out."""
    for item in items:
        if item.nodeid.startswith(TIMED) and item.get_closest_marker("lab"):
            item.add_marker("timed")
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give out files, but together those that share something."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shared(nodeid) or super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # the order is ours, not by the number of tests
    return Together(config, log)
