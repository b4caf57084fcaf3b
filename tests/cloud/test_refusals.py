"""What a cloud refuses, or would: said before anything is made where it can be known, and with the cloud's own reason else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.cloud.state import alone
from tests.cloud.account import Account
from tests.provisioning.cloud.applicable import IMAGE, guide, one_firewall, one_site

REGION = "SBG7"


@pytest.fixture
def deployment(account: Account, tmp_path: Path) -> Iterator[Path]:
    yield one_firewall(tmp_path).folder
    account.sweep(REGION)


def _nothing(account: Account) -> bool:
    return not any(account.has(REGION).values())


def test_a_new_accounts_quota_is_too_small_for_the_guide(small_account: Account, tmp_path: Path) -> None:
    folder = guide(tmp_path).folder

    planned = small_account.rempart("plan", folder)
    assert planned.status == 1
    assert "missing: SBG7: memory: 79536 MB more are needed, the quota is 51200 MB and 0 MB are in use" in planned.output

    done = small_account.rempart("apply", folder)
    assert done.status == 1
    assert done.errors.startswith("rempart: nothing was changed:\nGRA11: memory: 72536 MB more are needed")
    assert _nothing(small_account)


def test_a_vlan_that_somebody_has_is_said_before_anything_is_made(account: Account, deployment: Path) -> None:
    taken = account.region(REGION).network.create_network(
        name="backup", provider_network_type="vrack", provider_segmentation_id=200
    )

    done = account.rempart("apply", deployment)

    assert done.status == 1
    assert f"VLAN 200 is taken by network backup ({taken.id}), which is not ours" in done.errors
    assert account.has(REGION)["networks"] == ["backup"]


def test_a_vlan_of_another_project_is_refused_by_the_cloud_with_its_reason(
    account: Account, small_account: Account, deployment: Path
) -> None:
    # Another project's networks cannot be seen.
    small_account.region(REGION).network.create_network(
        name="backup", provider_network_type="vrack", provider_segmentation_id=200
    )

    done = account.rempart("apply", deployment)

    assert done.status == 1
    assert "rempart: SBG7 network stormshield-vlan200: " in done.errors
    assert "VLAN 200 on physical network vrack is in use" in done.errors


@pytest.mark.parametrize("kind", ["network", "key pair"])
def test_a_name_that_is_taken_by_what_is_not_ours_is_left_alone(kind: str, account: Account, deployment: Path) -> None:
    cloud = account.region(REGION)
    if kind == "network":
        cloud.network.create_network(name="stormshield-ext", provider_network_type="vrack", provider_segmentation_id=300)
        told = "cannot SBG7 network stormshield-ext: one of that name is there"
    else:
        from tests.provisioning.cloud.applicable import public_key

        cloud.compute.create_keypair(name="rempart-guide", public_key=public_key())
        told = "cannot SBG7 key pair rempart-guide: public key is ssh-ed25519"

    done = account.rempart("apply", deployment)

    assert done.status == 1
    assert told in done.errors
    assert account.has(REGION)["servers"] == []


def test_a_subnet_without_room_refuses_the_second_port(account: Account, tmp_path: Path) -> None:
    folder = one_site(
        tmp_path,
        ('name = "stormshield-ext"', 'name = "stormshield-ext"\npool = ["147.135.161.153", "147.135.161.153"]'),
        ('ports = { ext = "147.135.161.153", ', "ports = { "),
        ('ports = { ext = "147.135.161.154", ', "ports = { "),
    ).folder

    done = account.rempart("apply", folder)

    assert done.status == 1
    assert "rempart: SBG7 port stormshield-2-ext: No more IP addresses available on network" in done.errors
    account.sweep(REGION)


def test_a_server_that_does_not_start_is_told_with_novas_reason_and_made_again(account: Account, deployment: Path) -> None:
    # The image is there already, declared raw as the guide prints it, and no file here tells that it is not.
    plan, file, image = deployment / "deployment.toml", deployment / IMAGE, account.region(REGION).image
    plan.write_text(plan.read_text().replace('disk_format = "qcow2"', 'disk_format = "raw"'))
    made = image.create_image(
        "stormshield-SNS-EVA-4.8.3", data=file.read_bytes(), disk_format="raw", container_format="bare", tags=["rempart-guide"]
    )
    image.update_image(made, is_protected=True)
    file.unlink()

    done = account.rempart("apply", deployment)

    assert done.status == 1
    assert "rempart: SBG7 server stormshield-1 is in ERROR: " in done.errors
    assert "is unacceptable: Image not in a supported format" in done.errors
    shown = account.rempart("status", deployment)
    assert "make again SBG7 server stormshield-1: it is in ERROR: " in shown.output


def test_two_at_once_on_one_machine_the_second_steps_back(
    account: Account, deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMPART_STATE", account.environment["REMPART_STATE"])
    with alone("rempart", "guide", "", pytest.fail):
        done = account.rempart("apply", deployment)
    assert (done.status, done.errors) == (
        1,
        "rempart: another 'rempart cloud' is changing guide on rempart: wait for its end\n",
    )
    assert _nothing(account)
