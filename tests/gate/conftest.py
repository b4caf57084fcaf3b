"""One lab of the guide for all that is measured here; each test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.deployment import load
from provisioning.environment import LabEnvironment, lab_up
from tests.provisioning.plans import GUIDE


@pytest.fixture(scope="package")
def _environment() -> Iterator[LabEnvironment]:
    environment = lab_up(load(GUIDE), keep=False, progress=lambda _: None)
    try:
        yield environment
    finally:
        environment.close()
        environment.lab.down()


@pytest.fixture
def environment(_environment: LabEnvironment) -> Iterator[LabEnvironment]:
    """The lab; what a test applied and did not undo is seen, and put back."""
    clusters = [_environment.cluster(site) for site in _environment.deployment.sites]
    before = [cluster.snapshot() for cluster in clusters]
    yield _environment
    left = [cluster.site for cluster, found in zip(clusters, before, strict=True) if cluster.snapshot() != found]
    for cluster, found in zip(clusters, before, strict=True):
        cluster.restore(found)
    assert left == []
