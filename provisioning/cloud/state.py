"""What this machine remembers of one deployment on one cloud: the secrets that were generated for it, and who is at it.

Each lab that is a cloud has its own, whatever its cloud is called, and takes it along when it is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.ownership import lab_folder
from lab.state import locked, state_folder, writing

SETTINGS = "rempart"
"""What is ours in a cloud of clouds.yaml: ``{"lab": RUN}`` where the cloud is a lab."""


def settings(lab: str) -> Mapping[str, object]:
    """What clouds.yaml says of a cloud that is a lab."""
    return {SETTINGS: {"lab": lab}}


def lab_of(cloud: Any) -> str:
    """The lab that a cloud is, by the settings (openstacksdk's) that clouds.yaml has of it; "" for any other."""
    return str(cloud.config.get(SETTINGS, {}).get("lab", ""))


def secrets_of(cloud: str, deployment: str, lab: str = "") -> Path:
    """Where the secrets are kept that were generated for a deployment."""
    return _folder(cloud, deployment, lab) / "secrets.json"


@contextmanager
def alone(cloud: str, deployment: str, lab: str, refuse: Callable[[], None]) -> Iterator[None]:
    """Nobody else changes the deployment from this machine meanwhile; ``refuse`` is called when somebody does."""
    folder = _folder(cloud, deployment, lab)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(str(folder.relative_to(state_folder()) / "apply"), refuse):
        yield


def _folder(cloud: str, deployment: str, lab: str) -> Path:
    return lab_folder(lab) / "cloud" / deployment if lab else state_folder() / "cloud" / f"{cloud}-{deployment}"
