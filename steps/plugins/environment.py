"""The environment under test as a fixture: started by the first step that needs it, one for the whole run."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from steps.plugins import collection, instances, surroundings, tags
from steps.plugins.recording import RECORDER
from steps.plugins.verdicts import Told


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which lab, and what may be done to it."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--lab",
        choices=("fresh", "keep", "attach"),
        default="fresh",
        help="a lab of its own (fresh), one that stays afterwards (keep), or the one that runs (attach)",
    )
    group.addoption("--allow-disruptive", action="store_true", help="run disruptive scenarios outside a lab too")


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - the hook's form
    """A terminated run tears down what it started, as an interrupted one does."""

    def terminated(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
        pytest.exit("terminated", returncode=128 + number)

    signal.signal(signal.SIGTERM, terminated)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the environment cannot do, with the reason."""
    template = collection.template_of(item)
    if template is None or item.get_closest_marker("not_applicable"):
        return
    given = collection.all_tags(template)
    able = surroundings.capabilities(instances.deployment_of(item.config))
    for tag in sorted(given):
        capability = tag.removeprefix(tags.NEEDS)
        if tag.startswith(tags.NEEDS) and capability not in able:
            pytest.skip(f"this environment has no {tags.spoken(capability)}")
    if "disruptive" in given and tags.MAY_BE_DISRUPTED not in able and not item.config.getoption("--allow-disruptive"):
        pytest.skip("disruptive: say --allow-disruptive to run it here")


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Iterator[surroundings.Environment]:
    """The running deployment. What keeps it from starting is told once, without a trace of code."""
    config = request.config
    recorder = config.stash[RECORDER]
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")

    def progress(text: str) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line(f"  {text}")

    from lab.errors import LabError
    from provisioning.deployment import DeploymentError

    begun = time.monotonic()
    manager = surroundings.open_environment(
        instances.deployment_of(config), lab=config.getoption("--lab"), progress=progress
    )
    try:
        running = manager.__enter__()
    except (LabError, DeploymentError) as why:
        raise Told(str(why)) from None
    recorder.redact = running.redact
    recorder.environment_up(running.kind, running.capabilities, time.monotonic() - begun)
    try:
        yield running
    finally:
        manager.__exit__(None, None, None)
