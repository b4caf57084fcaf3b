"""A lab that is a cloud, brought up: surroundings, control plane, and what the provider of a cloud has there already."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import ownership, running
from lab.control_plane import places
from lab.control_plane.clouds import clouds_yaml
from lab.control_plane.plane import READY_WITHIN, REGIONS
from lab.control_plane.seeding import INTERNET, ROOMY, connection
from lab.errors import LabError
from provisioning.cloud.state import secrets_of, settings
from provisioning.cloud_plan import Cloud
from provisioning.deployment import Deployment, DeploymentError, located
from provisioning.environment import SERVERS, refuse_broken
from provisioning.keys import Keys
from provisioning.lab_cloud import reaching
from provisioning.lab_cloud.cloud_lab import FACTS
from provisioning.lab_cloud.image import stand_in
from provisioning.lab_cloud.keeper import LOG, READY
from provisioning.live.reach_file import REACH_FILE
from provisioning.secrets import Secrets
from provisioning.toml_lines import field_name
from provisioning.topology import surroundings

CLOUD = "lab"
"""What it is called in the clouds.yaml that is written."""
CLOUDS_FILE = "clouds.yaml"
_FIRST_START = 120.0  # s more: the databases are made, once for this machine


@dataclass(frozen=True)
class Up:
    """One that is up. ``auth_url`` is its Keystone's."""

    run: str
    folder: Path
    auth_url: str

    @property
    def reach(self) -> Path:
        """What says how its machines are reached from here."""
        return self.folder / REACH_FILE

    @property
    def clouds(self) -> Path:
        """What ``OS_CLIENT_CONFIG_FILE`` names."""
        return self.folder / CLOUDS_FILE


def cloud_up(deployment: Deployment, *, keep: bool, progress: Callable[[str], None]) -> Up:
    """Bring up the surroundings of a deployment, and a cloud on which it can be made.

    Raises DeploymentError for one that cannot be, LabError; then nothing is left.
    """
    refuse_broken(deployment)
    cloud = _planned(deployment)
    places.python()
    with ownership.claimed(keep=keep) as run:
        folder = ownership.lab_folder(run)
        secrets = Secrets(deployment.secrets, deployment.folder, folder / "secrets.json")
        lab = running.up(surroundings(deployment, Keys(deployment, secrets)), run=run, progress=progress)
        lab.engine.close()
        ownership.write_facts(run, FACTS, {"folder": str(deployment.folder.resolve())})
        (folder / SERVERS).mkdir()
        _share(deployment, secrets, run)
        progress("starting OpenStack's services (the first time on this machine: a minute)")
        told = _control_plane(run)
        for region in dict.fromkeys(site.region for site in deployment.sites.values()):
            progress(f"{region}: what the provider has there")
            _provide(deployment, cloud, told["auth_url"], region)
        (folder / CLOUDS_FILE).write_text(clouds_yaml(told["auth_url"], settings(run), {CLOUD: ROOMY}))
        for name, text in reaching.files(deployment, Keys(deployment, secrets), lab).items():
            (folder / name).write_text(text)
    return Up(run, folder, told["auth_url"])


def _planned(deployment: Deployment) -> Cloud:
    if deployment.cloud is None:
        why = "there is none: nothing says what OpenStack is asked for"
        raise DeploymentError(located(str(deployment.plan), [(1, "cloud", why, "see docs/cloud.md")]))
    known = f"the lab's cloud has the regions {', '.join(REGIONS)}"
    elsewhere = [(*site.place, "region") for site in deployment.sites.values() if site.region not in REGIONS]
    if elsewhere:
        lines = [(deployment.lines.line(place), field_name(place), known, "choose one of them") for place in elsewhere]
        raise DeploymentError(located(str(deployment.plan), lines))
    return deployment.cloud


def _share(deployment: Deployment, secrets: Secrets, lab: str) -> None:
    """What is generated for the deployment on this cloud is what the lab knows: its own commands log in to appliances too."""
    generated = [name for name, reference in deployment.secrets.items() if reference.kind == "generate"]
    on_cloud = Secrets({}, deployment.folder, secrets_of(CLOUD, deployment.name, lab))
    on_cloud.keep({name: secrets.value(name) for name in generated})


def _control_plane(run: str) -> Mapping[str, str]:
    """Start its keeper, and wait until the services answer; where."""
    folder = ownership.lab_folder(run)
    with (folder / LOG).open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "provisioning.lab_cloud.keeper", run],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,  # it outlives us on purpose
        )  # fmt: skip
    try:
        _await(folder, keeper)
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise
    keeper.returncode = 0  # keeps Popen from warning at collection
    told: dict[str, str] = json.loads((folder / READY).read_text())
    return told


def _await(folder: Path, keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN + _FIRST_START
    while not (folder / READY).exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            said = (folder / LOG).read_text(errors="replace").strip().splitlines() or ["nothing"]
            raise LabError(f"OpenStack's services did not start: {said[-1]}")
        time.sleep(0.05)


def _provide(deployment: Deployment, cloud: Cloud, auth_url: str, region: str) -> None:
    """The public network as the plan has it, and an image of the appliance where the plan's file is not here."""
    with connection(auth_url, region, "admin", "admin") as provider:
        _public_network(deployment, provider.network)
    image = cloud.appliances.image
    if (deployment.folder / Path(image.file).expanduser()).exists():
        return
    with connection(auth_url, region, ROOMY, ROOMY) as customer:
        made = customer.image.create_image(
            image.name, data=io.BytesIO(stand_in(image.disk_format)), disk_format=image.disk_format, container_format="bare",
            tags=[cloud.tag], allow_duplicates=True,
        )  # fmt: skip
        if image.protected:
            customer.image.update_image(made, is_protected=True)


def _public_network(deployment: Deployment, network: Any) -> None:
    """Its only address to give away is the VPN user's: all others of it are somebody's in the plan."""
    internet = deployment.internet
    there = network.find_network(INTERNET)
    for subnet in network.subnets(network_id=there.id):
        network.delete_subnet(subnet)
    network.create_subnet(
        network_id=there.id,
        name=INTERNET,
        ip_version=4,
        cidr=str(internet.network),
        gateway_ip=None,
        is_dhcp_enabled=False,
        allocation_pools=[{"start": str(internet.vpn_client), "end": str(internet.vpn_client)}],
        dns_nameservers=[str(internet.resolver)],
        host_routes=[
            {"destination": str(site.block), "nexthop": str(site.gateway_internet)} for site in deployment.sites.values()
        ],
    )
