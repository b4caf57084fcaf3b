"""Preflight asks a cloud, and is answered by one: what its rules make of facts that the services themselves give."""

from __future__ import annotations

from pathlib import Path

from tests.cloud.account import Account
from tests.provisioning.cloud.applicable import guide, one_site

REGION = "SBG7"


def test_a_new_account_is_told_what_its_quota_and_its_keys_lack(small_account: Account, tmp_path: Path) -> None:
    folder = guide(tmp_path).folder
    (folder / "key.pub").unlink()

    found = small_account.preflight(folder)

    assert {
        ("O12", "SBG7: 79536 MB of memory to be made, the quota leaves 51200"),
        ("O12", "GRA11: 72536 MB of memory to be made, the quota leaves 51200"),
        ("O21", "SBG7 has no key pair rempart-guide, and key.pub is not here to make it from"),
        ("O21", "GRA11 has no key pair rempart-guide, and key.pub is not here to make it from"),
    } <= set(found)


def test_the_same_plan_has_room_and_needs_no_key_where_both_are_there(account: Account, tmp_path: Path) -> None:
    found = account.preflight(guide(tmp_path).folder)
    assert not {"O12", "O14", "O15", "O21"} & {rule for rule, _ in found}


def test_a_foreign_network_is_in_the_way_and_our_own_is_not(account: Account, tmp_path: Path) -> None:
    folder = one_site(tmp_path).folder
    network = account.region(REGION).network
    made = network.create_network(name="stormshield-vlan200", provider_network_type="vrack", provider_segmentation_id=200)
    try:
        foreign = account.preflight(folder)
        assert ("O14", "VLAN 200 is that of stormshield-vlan200 in SBG7") in foreign
        assert ("O15", "SBG7 has 1 of the name stormshield-vlan200 already, 0 of them this plan's") in foreign

        network.set_tags(made, ["rempart-guide"])
        assert not {"O14", "O15"} & {rule for rule, _ in account.preflight(folder)}
    finally:
        network.delete_network(made)
