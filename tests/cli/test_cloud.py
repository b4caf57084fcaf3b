"""``rempart cloud`` before a cloud is asked: wrong calls, and the plan as Terraform."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import main
from tests.provisioning.cloud.applicable import guide
from tests.provisioning.plans import GUIDE, MINIMAL

_CLOUDS = "clouds: {mine: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p}}}\n"


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("plan", str(MINIMAL), "--cloud", "mine"), "there is no [cloud]: nothing says what OpenStack is asked for"),
        (("plan", "nowhere", "--cloud", "mine"), "nowhere/deployment.toml:1: deployment: no such folder"),
        (("apply", str(GUIDE)), "rempart: cloud apply: --cloud NAME: which cloud of clouds.yaml?"),
    ],
)
def test_a_wrong_call(arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cloud", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "cloud, told",
    [
        ("other", "rempart: --cloud other: clouds.yaml has no such cloud (it has: mine; looked in "),
        ("mine", "cloud 'mine', region GRA11: "),
    ],
)
def test_a_cloud_that_is_unknown_or_away(
    cloud: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clouds.yaml").write_text(_CLOUDS)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    assert main(["cloud", "plan", str(guide(tmp_path).folder), "--cloud", cloud]) == 2
    assert told in capsys.readouterr().err


def test_the_plan_as_terraform_asks_no_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = guide(tmp_path).folder

    assert main(["cloud", "plan", str(folder), "--terraform", str(folder / "tf")]) == 0
    assert capsys.readouterr().out.startswith(f"43 resources written to {folder / 'tf'}: main.tf, resources.tf, first-boot-")
    assert sorted(path.suffix for path in (folder / "tf").iterdir()) == [".tf", ".tf", ".tftpl", ".tftpl", ".tftpl", ".tftpl"]
