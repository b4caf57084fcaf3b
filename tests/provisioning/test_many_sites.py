"""Deployments that are not the guide's: written for any number of sites, or copied from it and edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agreement import check
from provisioning.deployment import load
from provisioning.many_sites import MOST_SITES, PATTERN, write_sites
from provisioning.secrets import Secrets
from provisioning.topology import topology


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, MOST_SITES])
def test_a_deployment_of_any_size_agrees_with_its_firewalls(count: int, tmp_path: Path) -> None:
    deployment = load(write_sites(tmp_path / "sites", count))
    assert [str(finding) for finding in check(deployment)] == []
    assert len(deployment.axis("cluster")) == count


@pytest.mark.parametrize("count", [1, 2, 8])
def test_every_remote_site_has_a_tunnel_to_the_first(count: int, tmp_path: Path) -> None:
    deployment = load(write_sites(tmp_path / "sites", count))
    assert deployment.axis("tunnel") == tuple(f"site1-site{number}" for number in range(2, count + 1))
    assert len(deployment.configuration("site1").vpn.tunnels) == count - 1


def test_nothing_of_the_pattern_is_left_in_a_written_deployment(tmp_path: Path) -> None:
    folder = write_sites(tmp_path / "sites", 3)
    words = ("sbg7", "gra11", "147.135.161", "203.0.113.15")
    left = {
        f"{path.relative_to(folder)} holds {word}"
        for path in folder.rglob("*")
        if path.is_file()
        for word in words
        if word in path.read_text().lower()
    }
    assert not left


def test_pairs_wait_longer_than_the_guides_and_so_do_their_budgets(tmp_path: Path) -> None:
    guide, written = load(PATTERN), load(write_sites(tmp_path / "sites", 2))
    pairs = [written.configuration(site).ha for site in written.sites]
    assert {(ha.token_timeout, ha.ping_interval * ha.ping_count) for ha in pairs} == {(300, 300)}
    before, after = guide.budgets.gaps, written.budgets.gaps
    later = {event: {kind: gap - before[event][kind] for kind, gap in after[event].items()} for event in after}
    assert set(later["member_killed"].values()) == {180, 0}
    assert later["member_killed"]["local"] == 0
    assert not any(later["link_lost"].values())
    assert not any(later["switch"].values())


def test_rule_names_stay_unique(tmp_path: Path) -> None:
    policy = load(write_sites(tmp_path / "sites", 5)).configuration("site1").policy
    names = [rule.name for rule in (*policy.filter, *policy.nat)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("count", [0, MOST_SITES + 1])
def test_an_impossible_number_of_sites_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{count} sites: the address plan holds 1 to {MOST_SITES}"):
        write_sites(tmp_path / "sites", count)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"):
        write_sites(tmp_path, 2)


def renamed(folder: Path, words: dict[str, str]) -> None:
    """Exchange words in every file of a deployment, and in its folders' names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_text()
            for before, after in words.items():
                text = text.replace(before, after)
            path.write_text(text)
    for site in [path for path in folder.iterdir() if path.is_dir() and path.name in words]:
        site.rename(folder / words[site.name])


def test_a_deployment_with_other_names_vlans_and_addresses_works_alike(tmp_path: Path) -> None:
    folder = write_sites(tmp_path / "acme", 3)
    words = {
        "site1": "paris",
        "site2": "lyon",
        "site3": "lille",
        "SITE2": "LYON",
        "SITE3": "LILLE",
        "vlan200": "office",
        "vlan201": "workshop",
        "vlan202": "depot",
        "vlan = 200": "vlan = 3010",
        "[200]": "[3010]",
        "vlan = 201": "vlan = 3011",
        "vlan = 202": "vlan = 3012",
        "10.200.": "172.20.",
        "10.201.": "172.21.",
        "10.202.": "172.22.",
        "ubuntu-webserver": "intranet",
        "stormshield.ovh": "acme.example",
        "dc=ovh": "dc=example",
        "Name=in\n": "Name=lan\n",
        " on in ": " on lan ",
        "Name=out\n": "Name=wan\n",
        " on out ": " on wan ",
        "Firewall_out": "Firewall_wan",
    }
    renamed(folder, words)
    deployment = load(folder)
    assert [str(finding) for finding in check(deployment)] == []
    assert deployment.axis("tunnel") == ("paris-lyon", "paris-lille")
    assert {segment.vlan for segment in topology(deployment, Secrets(deployment.secrets, folder)).segments} == {
        None, 0, 197, 198, 199, 3010, 3011, 3012,
    }  # fmt: skip
