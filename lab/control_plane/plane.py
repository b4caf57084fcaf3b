"""A control plane, started and ended. The first start makes and seeds the databases (half a minute) and keeps a snapshot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from lab.control_plane import database, places, schemas, seeding, settings
from lab.control_plane.places import HERE, REGIONAL, SERVICES, TYPES, ControlPlaneUnavailable, Doors, Region
from lab.control_plane.processes import Processes, eventually
from lab.state import is_alive, locked, process_identity, state_folder

REGIONS = ("SBG7", "GRA11")
READY_WITHIN = 120.0  # s: 8 on a calm machine
Settings = Mapping[str, object]
_PREFIX = "rempart-cloud-"
_KEPT = ("database", "images", "state", "fernet", "credential")


class ControlPlane:
    """One that runs. ``auth_url`` is Keystone's; what each service says is in ``logs``.

    ``hypervisor`` is what boots servers (:mod:`lab.control_plane.services.booting`); without it nothing boots.
    """

    def __init__(self, folder: Path, regions: tuple[str, ...] = REGIONS, hypervisor: Settings | None = None) -> None:
        self.folder = folder
        self._hypervisor = hypervisor
        self.regions = tuple(Region(name, folder / name) for name in regions)
        self.logs = folder / "logs"
        self.processes = Processes(self.logs)
        self.doors = Doors(regions)
        self._python = places.python()
        for region in self.regions:
            region.folder.mkdir(exist_ok=True)
            settings.write(region, self.doors, self._python.parents[1], boots=hypervisor is not None)

    @property
    def auth_url(self) -> str:
        """Where to get a token."""
        return self.doors.endpoint("keystone", self.regions[0].name)

    @property
    def client(self) -> Path:
        """The ``openstack`` command."""
        return self._python.parent / "openstack"

    def start_databases(self) -> None:
        """One MariaDB per region."""
        for region in self.regions:
            database.start(region, self.processes)
        for region in self.regions:
            database.wait(region, self.processes)

    def start_services(self, services: tuple[str, ...] = SERVICES) -> None:
        """Start them; requests wait until they are ready."""
        for service in services:
            regions = self.regions if service in REGIONAL else self.regions[:1]
            doors = {region: self.doors.descriptor(service, region.name) for region in regions}
            self.processes.start(
                service,
                [
                    str(self._python),
                    str(HERE / "services" / "serve.py"),
                    service,
                    *(f"{region.name}:{region.configuration}:{descriptor}" for region, descriptor in doors.items()),
                ],
                self.environment(),
                tuple(doors.values()),
            )

    def wait_for_services(self, services: tuple[str, ...] = SERVICES) -> None:
        """Until each answers. Raises ControlPlaneUnavailable when one ends, or is late."""
        for service in services:
            for region in self.regions if service in REGIONAL else self.regions[:1]:
                url = self.doors.url(service, region.name)
                eventually(partial(_answers, url), READY_WITHIN, f"{service} of {region.name} answers at {url}", self.processes)

    def supervise(self) -> None:
        """Start again a service that was ended from outside, by a person or by a kernel that was short of memory, as a
        provider does. Raises ControlPlaneUnavailable for one that ended by itself."""
        for name, status in self.processes.ended().items():
            if name not in SERVICES or status != -signal.SIGKILL:
                raise self.processes.failure(name, status)
            self.start_services((name,))

    def environment(self) -> dict[str, str]:
        """What the services' processes get to see: nothing of the user's clouds or home."""
        plugin = _plugin()
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "XDG_CACHE_HOME": str(shared() / "cache"),  # stevedore's list of plugins
            "PYTHONPATH": f"{HERE / 'services'}:{plugin}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            **({"REMPART_HYPERVISOR": json.dumps(self._hypervisor)} if self._hypervisor else {}),
        }

    def come_from(self, snapshot: Path) -> None:
        """Take over the snapshot's data, and tell it where it is now."""
        for region in self.regions:
            for part in _KEPT:
                shutil.copytree(snapshot / region.name / part, region.folder / part, dirs_exist_ok=True)
        self.start_databases()
        for region in self.regions:
            database.execute(region, *self._here(region))

    def _here(self, region: Region) -> Iterator[str]:
        """Statements that put our ports and folders in the place of those of whoever made the data."""
        endpoints = "keystone.endpoint JOIN keystone.service ON service.id = endpoint.service_id"
        for service, kind in TYPES.items():
            for name in (each.name for each in self.regions):
                which = f"service.type = '{kind}' AND endpoint.region_id = '{name}'"
                yield f"UPDATE {endpoints} SET endpoint.url = '{self.doors.endpoint(service, name)}' WHERE {which}"  # noqa: S608
        for cell, name in (("cell0", "nova_cell0"), ("cell1", "nova")):
            yield f"UPDATE nova_api.cell_mappings SET database_connection = '{region.url(name)}' WHERE name = '{cell}'"  # noqa: S608
        yield f"UPDATE glance.image_locations SET value = CONCAT('file://{region.images}/', image_id)"  # noqa: S608

    def end(self) -> None:
        """Kill every process, let go of the ports, remove the folder."""
        self.processes.kill()
        self.doors.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def control_plane(hypervisor: Settings | None = None) -> Iterator[ControlPlane]:
    """One of our own that answers, gone afterwards; ``hypervisor`` as :class:`ControlPlane` has it.

    Raises ControlPlaneUnavailable.
    """
    remove_what_the_dead_left()
    with locked("control-plane"):
        snapshot = _snapshot()
    plane = ControlPlane(_own_folder(), hypervisor=hypervisor)
    try:
        plane.come_from(snapshot)
        plane.start_services()
        plane.wait_for_services()
        yield plane
    finally:
        plane.end()


def _snapshot() -> Path:
    """The seeded data, made when this recipe has none yet. Only one process makes it at a time."""
    kept = shared() / _recipe()
    if not kept.exists():
        with closing(_Making(ControlPlane(_own_folder()))) as making:
            making.everything()
            part = kept.with_name(f"{kept.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            for region in making.plane.regions:
                for name in _KEPT:
                    shutil.copytree(region.folder / name, part / region.name / name)
            part.rename(kept)
    return kept


class _Making:
    """The first start of all: schemas in one region, copied to the others, then what a cloud has before its customers."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.close = plane.end

    def everything(self) -> None:
        plane, (first, *others) = self.plane, self.plane.regions
        programs = plane.client.parent
        database.create(first)
        database.start(first, plane.processes)
        database.wait(first, plane.processes)
        schemas.create(first, plane.processes, plane.environment(), programs)
        plane.processes.end(f"mariadb-{first.name}")
        for region in others:
            shutil.copytree(first.database, region.database)
        plane.start_databases()
        for region in plane.regions:
            database.execute(region, *plane._here(region))
        plane.start_services(("keystone",))
        plane.wait_for_services(("keystone",))
        names = tuple(region.name for region in plane.regions)
        seeding.catalogue(plane.doors, names)
        plane.start_services(REGIONAL)
        plane.wait_for_services(REGIONAL)
        for name in names:
            seeding.region_contents(plane.doors, name)
        for name in (*SERVICES, *(f"mariadb-{region}" for region in names)):
            plane.processes.end(name)


def _recipe() -> str:
    """What the snapshot depends on: the versions, and the modules that decide what is in it."""
    made_of = hashlib.sha256((HERE / "control-plane.lock").read_bytes())
    for module in (database, schemas, seeding, settings):
        made_of.update(Path(str(module.__file__)).read_bytes())
    for file in sorted((HERE / "services").glob("*.py")):
        made_of.update(file.read_bytes())
    return made_of.hexdigest()[:16]


def shared() -> Path:
    """What all control planes of this machine share: snapshots, and lists of plugins."""
    return state_folder() / "control-plane"


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (folder / "owner").write_text(process_identity(os.getpid()) or "")
    return folder


def remove_what_the_dead_left() -> None:
    """Folders of control planes whose owner was killed; one that has no word in it yet is just being made."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if (owner := (folder / "owner").read_text()) and not is_alive(owner):
                shutil.rmtree(folder, ignore_errors=True)


def _plugin() -> Path:
    """Neutron finds its drivers by a distribution's entry points: one that consists of nothing else."""
    info = shared() / "plugin" / "rempart_vrack-1.dist-info"
    if not info.exists():
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rempart-vrack\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[neutron.ml2.type_drivers]\nvrack = vrack:Vrack\n[neutron.ml2.mechanism_drivers]\nvrack_bind = vrack:Binding\n"
        )
    return info.parent


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False


__all__ = ["ControlPlane", "ControlPlaneUnavailable", "control_plane"]
