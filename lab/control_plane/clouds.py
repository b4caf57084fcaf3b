"""What a user's clouds.yaml says of a control plane."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane.places import python
from lab.control_plane.seeding import ROOMY, SMALL
from lab.control_plane.settings import PASSWORD

CLOUDS = {name: name for name in (ROOMY, SMALL)}


@dataclass(frozen=True)
class Reached:
    """What a user needs to know of a control plane: where to get a token, and the ``openstack`` command."""

    auth_url: str
    client: Path


def reached(folder: Path) -> Reached:
    """One that somebody has running, by its folder."""
    cloud = json.loads((folder / "clouds.yaml").read_text())["clouds"][ROOMY]
    return Reached(cloud["auth"]["auth_url"], python().parent / "openstack")


def clouds_yaml(auth_url: str, more: Mapping[str, object] | None = None, projects: Mapping[str, str] = CLOUDS) -> str:
    """A cloud for each of ``projects``, by the cloud's name, with ``more`` settings; JSON, which is YAML too."""
    clouds = {
        name: {
            "auth": {
                "auth_url": auth_url,
                "username": project,
                "password": PASSWORD,
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            **(more or {}),
        }
        for name, project in projects.items()
    }
    return json.dumps({"clouds": clouds}, indent=2)
