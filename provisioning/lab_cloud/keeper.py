"""Keeps a lab's control plane until it is told to end or the lab has gone: ``python -m provisioning.lab_cloud.keeper RUN``.

The services are its children and end with it, however it ends. Once they answer, ``control-plane.json`` in the lab's folder
says where.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from lab import ownership
from lab.control_plane.plane import control_plane
from lab.ownership import KEEPER_FILE, lab_folder
from lab.state import process_identity
from provisioning.environment import SERVERS

READY = "control-plane.json"
LOG = "keeper.log"
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "REMPART_STATE", "REMPART_ENGINE", "DOCKER_HOST")


def main(arguments: list[str]) -> None:
    """Start it and stay. Raises ControlPlaneUnavailable, also when one of its services ends by itself later."""
    (run,) = arguments
    folder = lab_folder(run)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    (folder / KEEPER_FILE).write_text(process_identity(os.getpid()) or "")
    with control_plane(_hypervisor(run)) as plane:
        part = folder / f"{READY}.part"
        part.write_text(json.dumps({"auth_url": plane.auth_url, "client": str(plane.client), "logs": str(plane.logs)}))
        part.rename(folder / READY)
        while ownership.is_wanted(run):
            plane.supervise()
            time.sleep(0.5)


def _hypervisor(run: str) -> dict[str, object]:
    environment = [f"{name}={os.environ[name]}" for name in _PASSED_ON if name in os.environ]
    hook = [sys.executable, "-m", "provisioning.lab_cloud.hook"]
    return {"command": ["env", "-i", *environment, *hook], "servers": str(lab_folder(run) / SERVERS)}


if __name__ == "__main__":
    main(sys.argv[1:])
