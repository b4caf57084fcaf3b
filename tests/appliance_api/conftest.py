"""One lab for all tests of the management API: appliances as they are delivered, which become the guide's pairs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.cluster import missing
from provisioning.appliance.driver import Access
from provisioning.appliance.in_lab import access
from provisioning.appliance.scripts import scripts
from provisioning.deployment import load
from provisioning.environment import LabEnvironment, lab_up
from provisioning.written_secrets import written
from steps.eventually import eventually
from tests.appliance_api.clients import Said, snscli
from tests.provisioning.plans import GUIDE

PAIRED_WITHIN = 60.0  # s: the second member starts again, and a busy machine starts it late


@dataclass(frozen=True)
class Ground:
    """The lab, and a folder for what clients need."""

    environment: LabEnvironment
    folder: Path

    def access(self, who: str) -> Access:
        return access(self.environment, who, self.folder)

    def run(self, to: Access, script: str, host: str = "admin") -> Said:
        return snscli(self.environment.lab.host(host), to, self.environment.secrets.fill(script), self.folder)


@pytest.fixture(scope="package")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The lab with appliances as they are delivered."""
    deployment = load(GUIDE)
    environment = lab_up(deployment, keep=False, progress=lambda _: None, factory=True)
    environment.hide(*written(deployment))
    try:
        yield Ground(environment, tmp_path_factory.mktemp("clients"))
    finally:
        environment.close()
        environment.lab.down()


@dataclass(frozen=True)
class Configured(Ground):
    """The same lab once the scripts ran, and what they said."""

    said: dict[str, Said]


@pytest.fixture(scope="package")
def configured(delivered: Ground) -> Configured:
    """The guide's two pairs, made by commands alone: both sites at once, the second members after the first ones."""
    written_ = scripts(delivered.environment.deployment)
    said: dict[str, Said] = {}
    for number in (1, 2, 3):
        with ThreadPoolExecutor() as pool:
            runs = {
                site: pool.submit(
                    delivered.run,
                    delivered.access(site if number == 3 else f"fw{number}-{site}"),
                    written_[f"{site}-{number}.commands"],
                )
                for site in delivered.environment.deployment.sites
            }
        said |= {f"{site}-{number}": run.result() for site, run in runs.items()}
        if number == 2:
            _await_pairs(delivered.environment)
    return Configured(delivered.environment, delivered.folder, said)


def _await_pairs(environment: LabEnvironment) -> None:
    for site in environment.deployment.sites:
        cluster = environment.cluster(site)
        eventually(
            lambda cluster=cluster: [lacks for member in cluster.members if (lacks := missing(member))],  # type: ignore[misc]
            until=lambda lacks: lacks == [],
            within=PAIRED_WITHIN,
            phase=f"{site}: two members that hear each other",
        )
