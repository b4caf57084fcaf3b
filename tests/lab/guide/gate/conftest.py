"""The guide's lab for changes that are measured: what a test applied and did not undo is seen, and put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.environment import LabEnvironment


@pytest.fixture
def environment(whole: LabEnvironment) -> Iterator[LabEnvironment]:
    """The lab, configured after the test as before it."""
    clusters = [whole.cluster(site) for site in whole.deployment.sites]
    before = [cluster.snapshot() for cluster in clusters]
    yield whole
    left = [cluster.site for cluster, found in zip(clusters, before, strict=True) if cluster.snapshot() != found]
    for cluster, found in zip(clusters, before, strict=True):
        cluster.restore(found)
    assert left == []
