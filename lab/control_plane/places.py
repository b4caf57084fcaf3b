"""Where a control plane keeps what it is made of, and where it listens."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.errors import LabError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SERVICES = ("keystone", "placement", "glance", "neutron", "nova")
REGIONAL = SERVICES[1:]
PATHS = {"placement": "", "glance": "", "neutron": "", "nova": "/v2.1", "keystone": "/v3"}
TYPES = {"placement": "placement", "glance": "image", "neutron": "network", "nova": "compute", "keystone": "identity"}


class ControlPlaneUnavailable(LabError):
    """It cannot be started, or something of it ended; the text says what to do, or the end of its log."""


def python() -> Path:
    """The Python that has the services. Raises ControlPlaneUnavailable when there is none."""
    if not installed():
        raise ControlPlaneUnavailable(f"{_python()} is missing: 'make control-plane' installs OpenStack's services there")
    return _python()


def installed() -> bool:
    """Whether there is one."""
    return _python().exists()


def _python() -> Path:
    return Path(os.environ.get("REMPART_CONTROL_PLANE", ROOT / ".venv-control-plane")) / "bin" / "python"


@dataclass(frozen=True)
class Region:
    """A region's folder: its database server's, its services' configuration, their state."""

    name: str
    folder: Path

    @property
    def database(self) -> Path:
        """The data of its own database server."""
        return self.folder / "database"

    @property
    def socket(self) -> Path:
        """Where that server listens."""
        return self.folder / "mariadb.sock"

    @property
    def configuration(self) -> Path:
        """All services' configuration files."""
        return self.folder / "etc"

    @property
    def images(self) -> Path:
        """What Glance stores."""
        return self.folder / "images"

    def url(self, database: str) -> str:
        """How a service reaches one of its databases."""
        return f"mysql+pymysql://root@localhost/{database}?unix_socket={self.socket}&charset=utf8mb3"


class Doors:
    """Listening sockets on free ports of loopback, one per service and region, opened before the services start.

    So no port is lost between choosing and using it, and a request waits until its service is ready.
    """

    def __init__(self, regions: tuple[str, ...]) -> None:
        wanted = [("keystone", regions[0]), *((service, region) for region in regions for service in REGIONAL)]
        self._sockets = {door: _listening() for door in wanted}

    def url(self, service: str, region: str) -> str:
        """Where a service of a region answers, without the path of its API."""
        return f"http://127.0.0.1:{self._sockets[self._door(service, region)].getsockname()[1]}"

    def endpoint(self, service: str, region: str) -> str:
        """What the catalogue says of it."""
        return self.url(service, region) + PATHS[service]

    def descriptor(self, service: str, region: str) -> int:
        """The socket, for the service to inherit."""
        return self._sockets[service, region].fileno()

    def close(self) -> None:
        """Let go of all of them."""
        for found in self._sockets.values():
            found.close()

    @cached_property
    def _first(self) -> str:
        return next(region for service, region in self._sockets if service == "keystone")

    def _door(self, service: str, region: str) -> tuple[str, str]:
        return (service, self._first if service == "keystone" else region)


def _listening() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(64)
    return made
