"""What a user's clouds.yaml says of a control plane."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cloud.control_plane.places import python
from tests.cloud.control_plane.seeding import ROOMY, SMALL
from tests.cloud.control_plane.settings import PASSWORD

CLOUDS = (ROOMY, SMALL)


@dataclass(frozen=True)
class Reached:
    """What a user needs to know of a control plane: where to get a token, and the ``openstack`` command."""

    auth_url: str
    client: Path


def reached(folder: Path) -> Reached:
    """One that somebody has running, by its folder."""
    cloud = json.loads((folder / "clouds.yaml").read_text())["clouds"][ROOMY]
    return Reached(cloud["auth"]["auth_url"], python().parent / "openstack")


def clouds_yaml(auth_url: str, more: Mapping[str, object] | None = None) -> str:
    """One cloud per project, each with ``more`` settings; JSON, which is YAML too."""
    clouds = {
        name: {
            "auth": {
                "auth_url": auth_url,
                "username": name,
                "password": PASSWORD,
                "project_name": name,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            **(more or {}),
        }
        for name in CLOUDS
    }
    return json.dumps({"clouds": clouds}, indent=2)
