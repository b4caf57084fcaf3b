"""A user of the control plane: their clouds.yaml, their commands, and their project as the cloud itself shows it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest.mock import patch

from cli.main import main
from lab.control_plane.clouds import Reached, clouds_yaml
from lab.control_plane.plane import REGIONS, shared
from lab.control_plane.seeding import connection

ROOT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).with_name("openstack_client.py")
GONE_WITHIN = 120  # s


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    output: str
    errors: str

    @property
    def last(self) -> str:
        """Its last line."""
        return self.output.splitlines()[-1]


class Account:
    """A project of the control plane, and a folder for what its user has on their own machine."""

    def __init__(self, plane: Reached, name: str, folder: Path) -> None:
        self.plane = plane
        self.name = name
        self.folder = folder
        self._open = ExitStack()
        self._regions: dict[str, Any] = {}
        self._client: subprocess.Popen[str] | None = None
        self.configure()

    def __enter__(self) -> Account:
        self.sweep()  # one that others use too may have something left of a test that was killed
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None) -> None:
        self.sweep()
        self._open.close()

    def configure(self, **settings: object) -> None:
        """Write clouds.yaml, with further settings of the cloud."""
        (self.folder / "clouds.yaml").write_text(clouds_yaml(self.plane.auth_url, settings))

    @property
    def environment(self) -> dict[str, str]:
        """What the user's commands see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return {
            **kept,
            "OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"),
            "REMPART_STATE": str(self.folder / "state"),
        }

    def region(self, name: str = REGIONS[0]) -> Any:
        """The cloud's own view of the project in a region."""
        if name not in self._regions:
            self._regions[name] = self._open.enter_context(connection(self.plane.auth_url, name, self.name, self.name))
        return self._regions[name]

    def rempart(self, verb: str, deployment: Path, *more: str) -> Done:
        """``rempart cloud VERB`` in this process."""
        return self._ours("cloud", verb, str(deployment), "--cloud", self.name, *more)

    def preflight(self, deployment: Path) -> list[tuple[str, str]]:
        """What ``rempart preflight`` finds of a plan and this cloud: rules and messages."""
        done = self._ours("preflight", str(deployment), "--cloud", self.name, "--format", "json")
        assert done.status in (0, 1), done.errors
        findings = json.loads(done.output)["findings"]
        return [(each["rule"], told["message"]) for each in findings for told in (each, *each["also"])]

    def _ours(self, *words: str) -> Done:
        """A command of ours in this process."""
        output, errors = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environment, clear=True), redirect_stdout(output), redirect_stderr(errors):
            status = main(words)
        return Done(status, output.getvalue(), errors.getvalue())

    def start(self, verb: str, deployment: Path, **environment: str) -> subprocess.Popen[str]:
        """The same in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", "cloud", verb, str(deployment), "--cloud", self.name],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def openstack(self, commands: Sequence[str]) -> list[Done]:
        """Command lines of the guide, each run by the ``openstack`` client in the first region; all at once."""
        if self._client is None:
            self._client = self._open.enter_context(self._start_client())
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        print(json.dumps(commands), file=self._client.stdin, flush=True)
        return [Done(*each) for each in json.loads(self._client.stdout.readline())]

    def _start_client(self) -> subprocess.Popen[str]:
        environment = {
            **self.environment,
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(shared() / "cache"),  # the client's list of its plugins takes it seconds
            "OS_CLOUD": self.name,
            "OS_REGION_NAME": REGIONS[0],
        }
        return subprocess.Popen(
            [self.plane.client.with_name("python"), CLIENT],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def has(self, region: str) -> dict[str, list[str]]:
        """Names of all that is the project's own in a region, by kind."""
        cloud = self.region(region)
        project = cloud.current_project_id
        return {
            "networks": sorted(each.name for each in cloud.network.networks(project_id=project)),
            "subnets": sorted(each.name for each in cloud.network.subnets(project_id=project)),
            "ports": sorted(
                each.name for each in cloud.network.ports(project_id=project) if each.device_owner != "network:dhcp"
            ),
            "security groups": sorted(
                each.name for each in cloud.network.security_groups(project_id=project) if each.name != "default"
            ),
            "images": sorted(each.name for each in cloud.image.images(owner=project)),
            "key pairs": sorted(each.name for each in cloud.compute.keypairs()),
            "server groups": sorted(each.name for each in cloud.compute.server_groups()),
            "servers": sorted(each.name for each in cloud.compute.servers()),
        }

    def sweep(self, *regions: str) -> None:
        """Delete everything that the project has, in these regions or in all."""
        for name in regions or REGIONS:
            cloud = self.region(name)
            _sweep_computing(cloud.compute)
            _sweep_networking(cloud.network, cloud.current_project_id)
            for each in cloud.image.images(owner=cloud.current_project_id):
                if each.is_protected:
                    cloud.image.update_image(each, is_protected=False)
                cloud.image.delete_image(each)


def _sweep_computing(compute: Any) -> None:
    servers = list(compute.servers())
    for each in servers:
        compute.delete_server(each)
    for each in servers:
        compute.wait_for_delete(each, interval=0.2, wait=GONE_WITHIN)
    for each in compute.server_groups():
        compute.delete_server_group(each)
    for each in compute.keypairs():
        compute.delete_keypair(each)


def _sweep_networking(network: Any, project: str) -> None:
    for each in network.ports(project_id=project):
        if each.device_owner != "network:dhcp":
            network.delete_port(each)
    for each in network.networks(project_id=project):
        network.delete_network(each)
    for each in network.security_groups(project_id=project):
        if each.name != "default":
            network.delete_security_group(each)
