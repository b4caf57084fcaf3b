"""One lab of the guide for all that is tested on its pairs; each test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.deployment import load
from provisioning.environment import LabEnvironment, lab_up
from tests.provisioning.plans import GUIDE


@pytest.fixture(scope="package")
def whole() -> Iterator[LabEnvironment]:
    """The lab, with no look at what a test leaves."""
    environment = lab_up(load(GUIDE), keep=False, progress=lambda _: None)
    try:
        yield environment
    finally:
        environment.close()
        environment.lab.down()
