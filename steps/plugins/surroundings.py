"""What the plugins need of ``provisioning``, and the only place that imports it, as late as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

LabMode = Literal["fresh", "keep", "attach"]


class Unusable(Exception):
    """The deployment cannot be tested; the text says why, with file, line and field."""


class Deployment(Protocol):
    """The plan of what is tested."""

    def axis(self, name: str) -> Sequence[str]:
        """The names of the deployment's sites, tunnels, pools, …; empty when it has none."""


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


class Restorable(Protocol):
    """Something whose state can be taken and put back, such as an appliance."""

    def snapshot(self) -> object:
        """A token for the state as it is now."""

    def restore(self, token: object) -> object:
        """Put that state back. Raises when it cannot."""


def load_deployment(folder: Path) -> Deployment:
    """Read a deployment folder. Raises Unusable with everything that is wrong with it: file, line and field."""
    from provisioning.deployment import DeploymentError, load

    try:
        return load(folder)
    except DeploymentError as why:
        raise Unusable(str(why)) from None


def capabilities(deployment: Deployment) -> frozenset[str]:
    """What the deployment's environment will be able to do, known before it is started."""
    from provisioning import environment

    return environment.capabilities(deployment)


def open_environment(
    deployment: Deployment, *, lab: LabMode, progress: Callable[[str], None]
) -> AbstractContextManager[Environment]:
    """Start the environment, or attach to it; leaving the context takes down what was started."""
    from provisioning import environment

    return environment.open_environment(deployment, lab=lab, progress=progress)
