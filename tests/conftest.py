"""Several workers (``-n 2 --dist loadfile``): what shares a lab shares one, and labs that are timed take turns."""

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

TOGETHER: Mapping[str, Sequence[str]] = {
    "the lab that is sabotaged": ("tests/lab/test_scenarios_can_fail.py",),
    "the control plane that is interrupted": ("tests/cloud/test_interruptions.py",),
    "the control plane": ("tests/cloud/",),
    "the machine of its own": (
        "tests/lab/test_faults_",
        "tests/lab/test_mutate.py",
        "tests/lab/test_nothing_left.py",
        "tests/lab/torture/test_interrupted.py",
    ),
    "appliances as delivered": ("tests/appliance_api/",),
    "the guide's lab": ("tests/lab/guide/",),
}
"""What is brought up once for several modules, and where those that use it stand; the first that fits counts."""

NO_LAB, OWN_LAB = "no lab", "a lab of its own"
ORDER = ("the lab that is sabotaged", "the control plane", "the control plane that is interrupted", NO_LAB,
         "the machine of its own", "the guide's lab", "appliances as delivered", OWN_LAB)  # fmt: skip
"""In which workers are given their work: of the two labs whose failovers are timed, the second follows the first."""


def _shared(node: str) -> str:
    """What a test shares with other modules, "" for nothing."""
    return next((what for what, places in TOGETHER.items() if node.startswith(tuple(places))), "")


def _turn(item: pytest.Item) -> int:
    return ORDER.index(_shared(item.nodeid) or (OWN_LAB if item.get_closest_marker("lab") else NO_LAB))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, the order in which work is given out."""
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
            return _shared(nodeid) or super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # the order is ours, not by the number of tests
    return Together(config, log)
