"""A MariaDB of a region's own: no network, a socket in the region's folder, nothing of the distribution's service."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

from lab.control_plane.places import ControlPlaneUnavailable, Region
from lab.control_plane.processes import Processes, eventually

NAMES = ("keystone", "placement", "glance", "neutron", "nova", "nova_cell0", "nova_api")
START_WITHIN = 30.0  # s: 0.2 on a calm machine
_PACKAGES = "apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"
# What is lost with the machine may be lost: nothing here outlives a test run.
_FAST = (
    "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=32M", "--innodb-file-per-table=0", "--skip-log-bin",
    "--performance-schema=0", "--max-connections=300",
)  # fmt: skip


def create(region: Region) -> None:
    """Make an empty data folder. Raises ControlPlaneUnavailable."""
    _run(
        _program("mariadb-install-db"), "--no-defaults", f"--datadir={region.database}", "--skip-test-db",
        "--auth-root-authentication-method=normal", f"--user={getpass.getuser()}",
    )  # fmt: skip


def start(region: Region, processes: Processes) -> None:
    """Start the server; it answers when this returns."""
    region.socket.unlink(missing_ok=True)
    processes.start(
        f"mariadb-{region.name}",
        [
            _program("mariadbd"), "--no-defaults", "--skip-networking", f"--socket={region.socket}",
            f"--datadir={region.database}", f"--pid-file={region.folder}/mariadb.pid", f"--tmpdir={region.folder}",
            f"--user={getpass.getuser()}", *_FAST,
        ],
    )  # fmt: skip


def wait(region: Region, processes: Processes) -> None:
    """Until it answers. Raises ControlPlaneUnavailable when it ends, or is late."""
    eventually(region.socket.exists, START_WITHIN, f"MariaDB of {region.name} has opened its socket", processes)


def execute(region: Region, *statements: str) -> None:
    """Run SQL as its only user."""
    _run(
        _program("mariadb"), "--no-defaults", f"--socket={region.socket}", "--user=root",
        "--execute", ";".join(statements),
    )  # fmt: skip


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise ControlPlaneUnavailable(f"{name} is not installed: {_PACKAGES}")
    return found


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise ControlPlaneUnavailable(f"{command[0]} failed: {done.stdout}{done.stderr}")
