"""Testing the deployment itself: how it is asked for, the gates before it, and what is said before anything is touched.

Exit status 4 (wrong use) while a gate is open or something is missing: then nothing was reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.entries import Announcement, Entry, Gate
from steps.plugins import collection, instances, surroundings, tags
from steps.plugins.refusal import refuse

LAB, OPENSTACK = "lab", "openstack"

_GATES = pytest.StashKey[tuple[Gate, ...]]()
_ANNOUNCEMENT = pytest.StashKey[Announcement]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is tested: the simulation, or the deployment itself."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--target",
        choices=(LAB, OPENSTACK),
        default=LAB,
        help="the simulation of the deployment (lab, the default), or the deployment itself on a cloud (openstack)",
    )
    group.addoption("--cloud", metavar="NAME", default="", help="which cloud of clouds.yaml, with --target openstack")
    group.addoption(
        "--gates", metavar="FILE", help="who saw what before the deployment itself is tested (default: gates.toml of it)"
    )
    group.addoption("--reach", metavar="FILE", help="how its machines are reached (default: reach.toml of it, if any)")
    group.addoption("--allow-disruptive", action="store_true", help="run disruptive scenarios outside a lab too")


@dataclass(frozen=True, slots=True)
class Asked:
    """The deployment itself, as it was asked for."""

    cloud: str
    gates: Path
    reach: Path | None


def asked(config: pytest.Config) -> Asked | None:
    """How the deployment itself is to be tested; None for its simulation."""
    if config.getoption("--target") != OPENSTACK:
        return None
    named: str | None = config.getoption("--gates")
    gates = config.invocation_params.dir / named if named else instances.deployment_folder(config) / surroundings.GATES_FILE
    reach: str | None = config.getoption("--reach")
    return Asked(config.getoption("--cloud"), gates, config.invocation_params.dir / reach if reach else None)


def reason_to_leave_out(item: pytest.Item) -> str:
    """Why the environment cannot or must not run this scenario; "" when it may."""
    target: str = item.config.getoption("--target")
    given = {mark.name for mark in item.iter_markers()}
    able = surroundings.capabilities(instances.deployment_of(item.config), target)
    for tag in sorted(given):
        capability = tag.removeprefix(tags.NEEDS)
        if tag.startswith(tags.NEEDS) and capability not in able:
            return f"this environment has no {tags.spoken(capability)}"
    if "disruptive" in given and tags.MAY_BE_DISRUPTED not in able and not item.config.getoption("--allow-disruptive"):
        return "disruptive: say --allow-disruptive to run it here"
    return ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to reach for the deployment itself while anything is missing."""
    wanted = asked(config)
    ours = [item for item in items if collection.template_of(item)]
    if wanted is None or not ours or config.option.collectonly or instances.unusable(config):
        return
    if not wanted.cloud:
        refuse(config, items, "--target openstack: --cloud NAME: which cloud of clouds.yaml?")
    elif hasattr(config, "workerinput"):
        refuse(config, items, "--target openstack: one scenario at a time: leave -n out")
    else:
        try:
            gates = surroundings.gates(instances.deployment_of(config), wanted.gates)
        except surroundings.Unusable as why:
            refuse(config, items, f"the deployment itself is not tested while gates are open:\n{why}")
            return
        config.stash[_GATES] = tuple(
            Gate(id=gate.id, what=gate.what, who=gate.who, day=gate.day.isoformat(), saw=gate.saw) for gate in gates
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Say what is going to be done to it."""
    config, wanted = session.config, asked(session.config)
    if wanted is None or _GATES not in config.stash:
        return
    said = tuple(_said(wanted, session))
    disruptive = bool(config.getoption("--allow-disruptive"))
    config.stash[_ANNOUNCEMENT] = Announcement(
        target=OPENSTACK, cloud=wanted.cloud, disruptive=disruptive, said=said, gates=config.stash[_GATES]
    )
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        for line in said:
            reporter.write_line(line)


def _said(wanted: Asked, session: pytest.Session) -> list[str]:
    deployment = instances.deployment_of(session.config)
    applicable = [
        item for item in session.items if collection.template_of(item) and not item.get_closest_marker("not_applicable")
    ]
    run = [item for item in applicable if not reason_to_leave_out(item)]
    disruptive = [item.name for item in run if item.get_closest_marker("disruptive")]
    several = f"{len(disruptive)} of them take down what others may be using: {', '.join(disruptive)}"
    return [
        f"The deployment itself is about to be tested: {deployment.name}, on the cloud {wanted.cloud}",
        *(f"  {line}" for line in surroundings.reached(deployment)),
        f"  at most {len(run)} scenarios run; {len(applicable) - len(run)} or more are left out, each with its reason",
        f"  {several}" if disruptive else "  none of them takes down what others may be using",
        "  what a scenario changes it puts back when it ends, also when it fails",
    ]


def opening(config: pytest.Config) -> list[Entry]:
    """What the record says of it at its beginning."""
    return [config.stash[_ANNOUNCEMENT]] if _ANNOUNCEMENT in config.stash else []
