"""What the plugins need of ``provisioning``, and the only place that imports it, as late as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from datetime import date

    from provisioning.deployment import Deployment
    from provisioning.evidence.exercised import Exercised
    from provisioning.redaction import Redaction

LabMode = Literal["fresh", "keep", "attach"]

State = TypeVar("State")


GATES_FILE = "gates.toml"
"""Where a deployment has its gates."""


class Unusable(Exception):
    """The deployment cannot be tested; the text says why, with file, line and field where there are any."""


def is_not_here(error: BaseException) -> bool:
    """Whether a scenario asked for what its environment does not have, and found out only then."""
    import sys

    known = sys.modules.get("provisioning.live.errors")
    return known is not None and isinstance(error, known.NotHere)


class Member(Protocol):
    """A member of a firewall."""

    @property
    def name(self) -> str:
        """Its name in the plan."""

    @property
    def site(self) -> str:
        """The site that it protects."""

    @property
    def firmware(self) -> str:
        """The version that it runs, or that of its simulation."""

    @property
    def files(self) -> Mapping[str, str]:
        """The SHA-256 of each of its configuration files, by path."""


class Gate(Protocol):
    """Something that only a person can see, and did."""

    @property
    def id(self) -> str:
        """Which."""

    @property
    def what(self) -> str:
        """What had to be seen."""

    @property
    def who(self) -> str:
        """Who saw it."""

    @property
    def day(self) -> date:
        """On which day."""

    @property
    def saw(self) -> str:
        """In that person's words."""


class Environment(Protocol):
    """The running thing that is tested."""

    @property
    def kind(self) -> str:
        """``lab`` for a simulation, or what else it is."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do, of ``tags.CAPABILITIES``."""

    def redact(self, text: str) -> str:
        """The text without any of the environment's secrets."""

    def members(self) -> Iterable[Member]:
        """Every member of every firewall with its configuration as it is now."""

    def hide(self, *secrets: str) -> None:
        """Count these among its secrets."""

    def begin_scenario(self) -> None:
        """What follows is another scenario's."""

    def evidence(self, title: str, steps: Sequence[tuple[float, str]]) -> Iterable[Piece]:
        """The files to keep of the scenario; ``steps`` are their beginnings (s since the epoch) and their sentences."""

    def rules(self) -> Mapping[str, Mapping[str, str]]:
        """What can be exercised of each site's configuration: place and words."""

    def exercised(self) -> Mapping[str, Exercised]:
        """What the scenario exercised of each site that it is about, known once its evidence is kept."""

    def logs(self) -> Iterable[Piece]:
        """The logs of the hosts that took part, to keep of a scenario that failed."""


class Piece(Protocol):
    """A file to keep."""

    @property
    def name(self) -> str:
        """How it is called."""

    @property
    def content(self) -> str | bytes:
        """What is in it; bytes are without secrets already."""

    @property
    def what(self) -> str:
        """What it is, in a few words."""


class Restorable(Protocol[State]):
    """Something whose state can be taken and put back, such as an appliance."""

    @property
    def name(self) -> str:
        """What a message calls it."""

    def snapshot(self) -> State:
        """Its state as it is now."""

    def restore(self, snapshot: State) -> None:
        """Put that state back. Raises when it cannot."""


def load_deployment(folder: Path) -> Deployment:
    """Read a deployment folder. Raises Unusable with everything that is wrong with it: file, line and field."""
    from provisioning.deployment import DeploymentError, load

    try:
        return load(folder)
    except DeploymentError as why:
        raise Unusable(str(why)) from None


def capabilities(deployment: Deployment, target: str) -> frozenset[str]:
    """What the deployment's environment will be able to do, known before it is started: its lab's, or its own."""
    from provisioning import environment
    from provisioning.live.environment import LIVE_CAPABILITIES

    return environment.capabilities(deployment) if target == "lab" else LIVE_CAPABILITIES


def gates(deployment: Deployment, file: Path) -> Sequence[Gate]:
    """What persons saw before the deployment itself is tested. Raises Unusable with each gate that is open."""
    from datetime import UTC, datetime

    from provisioning.deployment import DeploymentError
    from provisioning.live.gates import passed

    try:
        return passed(deployment, file, datetime.now(UTC).date())
    except DeploymentError as why:
        raise Unusable(str(why)) from None


def reached(deployment: Deployment) -> Sequence[str]:
    """Where a test of the deployment itself reaches for, line by line."""
    from provisioning.live.reach import reached as lines

    return list(lines(deployment))


def outline(deployment: Deployment) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The deployment's plan as plain data, as ``reports.entries.Topology`` has it."""
    from provisioning.outline import outline as plan

    return plan(deployment)


@contextmanager
def open_environment(
    deployment: Deployment, *, lab: LabMode, run: str | None, progress: Callable[[str], None]
) -> Iterator[Environment]:
    """Start the environment, or attach to it (``run`` names a lab); leaving the context takes down what was started.

    Raises Unusable when it does not come up, with what its user can do about it.
    """
    from lab.errors import LabError
    from provisioning.deployment import DeploymentError
    from provisioning.environment import open_environment as start

    opened = start(deployment, lab=lab, run=run, progress=progress)
    try:
        running = opened.__enter__()
    except (LabError, DeploymentError) as why:
        raise Unusable(str(why)) from None
    try:
        yield running
    finally:
        opened.__exit__(None, None, None)


def remove_abandoned() -> Sequence[str]:
    """Remove environments whose owner is dead; their names. Raises Unusable when that cannot be done."""
    from lab import ownership
    from lab.errors import LabError

    try:
        return ownership.remove_abandoned()
    except LabError as why:
        raise Unusable(str(why)) from None


@contextmanager
def open_deployment_itself(
    deployment: Deployment, *, cloud: str, reach: Path | None, progress: Callable[[str], None]
) -> Iterator[Environment]:
    """Attach to the deployment as it runs on a cloud; ``reach`` is the file that says how, when it is not the deployment's.

    Raises Unusable: it cannot be reached, or is not the one under test.
    """
    from lab.errors import LabError
    from provisioning.deployment import DeploymentError
    from provisioning.live import reach_file
    from provisioning.live.environment import attach

    try:
        running = attach(deployment, cloud, progress, reach_file.read(deployment, reach))
    except (LabError, DeploymentError) as why:
        raise Unusable(str(why)) from None
    try:
        yield running
    finally:
        running.close()


def members(environment: Environment) -> Sequence[Member]:
    """The members with their configuration as it is now. Raises Unusable when one cannot be read."""
    from lab.errors import LabError

    try:
        return list(environment.members())
    except (LabError, OSError) as why:
        raise Unusable(str(why)) from None


def evidence(environment: Environment, title: str, steps: Sequence[tuple[float, str]]) -> Iterator[Piece]:
    """The environment's files of the scenario that ends. Raises Unusable when they are not whole or cannot be had."""
    return _pieces(lambda: environment.evidence(title, steps))


def logs(environment: Environment) -> Iterator[Piece]:
    """The logs of the hosts that took part. Raises Unusable when they cannot be had."""
    return _pieces(environment.logs)


def _pieces(give: Callable[[], Iterable[Piece]]) -> Iterator[Piece]:
    from lab.errors import LabError

    try:
        yield from give()
    except (LabError, OSError) as why:
        raise Unusable(str(why)) from None


def known_secrets(deployment: Deployment, arguments: Sequence[str]) -> Redaction:
    """What is known to be secret before anything is started: in the deployment, the environment variables, the arguments."""
    import os

    from provisioning.redaction import Redaction, told_to_the_process
    from provisioning.written_secrets import written

    known = Redaction()
    known.learn(*written(deployment), *told_to_the_process(arguments, os.environ.items()))
    return known
