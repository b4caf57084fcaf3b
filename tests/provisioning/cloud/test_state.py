"""What a machine remembers of deployments on clouds: each lab that is a cloud has its own, though all are called the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane.clouds import clouds_yaml
from provisioning.cloud.state import alone, lab_of, secrets_of, settings

HOLD = "from provisioning.cloud.state import alone\nwith alone('lab', 'guide', 'a', exit):\n print(flush=True)\n input()"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMPART_STATE", str(tmp_path))


def _configured(folder: Path, *lab: str) -> Any:
    """The settings of the cloud ``lab``, as the client reads them."""
    from openstack.config import OpenStackConfig

    file = folder / "clouds.yaml"
    file.write_text(clouds_yaml("http://127.0.0.1:5000/v3", settings(*lab) if lab else {}, {"lab": "rempart"}))
    return OpenStackConfig(config_files=[str(file)]).get_one("lab", region_name="SBG7")


@pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning")  # the client's, of itself
def test_clouds_yaml_tells_which_lab_a_cloud_is(tmp_path: Path) -> None:
    assert lab_of(_configured(tmp_path, "1f2e3d")) == "1f2e3d"
    assert lab_of(_configured(tmp_path)) == ""


def test_secrets_are_kept_by_cloud_deployment_and_lab() -> None:
    asked = [("ovh", "guide", ""), ("ovh", "mine", ""), ("lab", "guide", ""), ("lab", "guide", "a"), ("lab", "guide", "b")]
    assert len({secrets_of(*each) for each in asked}) == len(asked)


class Busy(Exception):
    """Somebody else is at it."""


def _refuse() -> None:
    raise Busy


@pytest.fixture
def _at_it_in_lab_a() -> Iterator[None]:
    """Another process changes the deployment in one lab."""
    holding = [sys.executable, "-c", HOLD]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield
        other.communicate(b"\n")


@pytest.mark.usefixtures("_at_it_in_lab_a")
def test_two_are_not_at_one_deployment_in_one_lab_and_may_be_in_two() -> None:
    with alone("lab", "guide", "b", _refuse):
        pass
    with pytest.raises(Busy), alone("lab", "guide", "a", _refuse):
        pass
