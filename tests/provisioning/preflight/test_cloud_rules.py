"""What a cloud must settle: the guide's plan beside facts that suit it, and beside each that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisioning.preflight.check import look
from provisioning.preflight.cloud_facts import (
    CredentialsRefused,
    Flavor,
    Image,
    NetworkFacts,
    RegionFacts,
    Room,
    ServerFacts,
)
from provisioning.preflight.rule import Severity
from tests.provisioning.plans import GUIDE, change, copy_of

SUITABLE = RegionFacts(
    flavors={"b3-32": Flavor(8, 32_000), "b2-7": Flavor(2, 7_000)},
    images=(Image("Ubuntu 22.04"),),
    networks=(NetworkFacts("Ext-Net", None, 1500, external=True),),
    keys=frozenset({"rempart-guide"}),
    room=Room(instances=4, vcpus=20, ram=78_000, networks=3, subnets=3, ports=14),
)


@dataclass(frozen=True)
class Facts:
    """A cloud as a test wants it."""

    by_region: dict[str, RegionFacts]
    refuses: bool = False

    def regions(self) -> frozenset[str]:
        if self.refuses:
            raise CredentialsRefused("ovh: the request you have made requires authentication")
        return frozenset(self.by_region)

    def region(self, name: str) -> RegionFacts:
        return self.by_region[name]


def cloud(**changes: object) -> Facts:
    """Both regions suit the plan, but for what is changed in the first."""
    return Facts({"SBG7": replace(SUITABLE, **changes), "GRA11": SUITABLE})  # type: ignore[arg-type]


def room(**changes: int | None) -> Facts:
    return cloud(room=replace(SUITABLE.room, **changes))


def with_network(network: NetworkFacts) -> Facts:
    return cloud(networks=(*SUITABLE.networks, network))


@pytest.fixture(autouse=True)
def nobodys_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def grave(facts: Facts, folder: Path = GUIDE) -> list[str]:
    return [str(finding) for finding in look(folder, cloud=facts).findings if finding.severity is not Severity.INFORMATION]


def test_a_cloud_that_suits_the_plan_leaves_nothing_open() -> None:
    assert grave(cloud()) == []
    told = {finding.rule.id for finding in look(GUIDE, cloud=cloud()).findings}
    assert told & {"O12", "O14", "O29"} == set()


UNSUITABLE: dict[str, tuple[Facts, str, str]] = {
    "one instance too few": (room(instances=3), "O12", "SBG7: 4 instances to be made, the quota leaves 3"),
    "one processor too few": (room(vcpus=19), "O12", "SBG7: 20 vCPU to be made, the quota leaves 19"),
    "too little memory": (room(ram=51_200), "O12", "SBG7: 78000 MB of memory to be made, the quota leaves 51200"),
    "too few networks": (room(networks=2), "O12", "SBG7: 3 networks to be made, the quota leaves 2"),
    "too few subnets": (room(subnets=2), "O12", "SBG7: 3 subnets to be made, the quota leaves 2"),
    "too few ports": (room(ports=13), "O12", "SBG7: 14 ports to be made, the quota leaves 13"),
    "a VLAN in use": (with_network(NetworkFacts("old", 200, 1500)), "O14", "VLAN 200 is that of old in SBG7"),
    "a name in use": (
        with_network(NetworkFacts("stormshield-ext", 7, 1500)),
        "O15",
        "SBG7 has 1 of the name stormshield-ext already, 0 of them this plan's",
    ),
    "a name twice": (
        cloud(networks=(*SUITABLE.networks, *[NetworkFacts("stormshield-ha", 199, 1500, ours=True)] * 2)),
        "O15",
        "SBG7 has 2 of the name stormshield-ha already, 2 of them this plan's",
    ),
    "an image of that name": (
        cloud(images=(*SUITABLE.images, Image("stormshield-SNS-EVA-4.8.3"))),
        "O15",
        "SBG7 has 1 image of the name 'stormshield-SNS-EVA-4.8.3', 1 of them not this plan's",
    ),
    "no such flavor": (cloud(flavors={"b2-7": Flavor(2, 7_000)}), "O20", "SBG7 has no b3-32"),
    "no key": (cloud(keys=frozenset()), "O21", "SBG7 has no key pair rempart-guide, and ~/.ssh/id_ed25519.pub is not here"),
    "no such region": (Facts({"GRA11": SUITABLE}), "O23", "the cloud has no region 'SBG7' (GRA11)"),
    "credentials": (
        Facts({}, refuses=True),
        "O24",
        "the cloud refuses: ovh: the request you have made requires authentication",
    ),
    "no such image": (cloud(images=()), "O29", "SBG7 has no image of the name 'Ubuntu 22.04'"),
    "an image twice": (cloud(images=SUITABLE.images * 2), "O29", "SBG7 has 2 image of the name 'Ubuntu 22.04'"),
    "another MTU": (
        with_network(NetworkFacts("stormshield-ha", 199, 9000, ours=True)),
        "O30",
        "stormshield-ha in SBG7 has 9000 bytes, the plan says 1500",
    ),
    "no public network": (cloud(networks=()), "V6", "SBG7 has no public network Ext-Net"),
}


@pytest.mark.parametrize("what", UNSUITABLE)
def test_a_cloud_that_does_not_suit_is_told_by_its_rule(what: str) -> None:
    facts, rule, message = UNSUITABLE[what]
    (found,) = grave(facts)
    assert message in found
    assert f"[{rule}]" in found


def test_what_is_there_already_and_the_plans_own_needs_no_room() -> None:
    names = ("stormshield-1", "stormshield-2", "ubuntu-webserver", "ubuntu-vpn-client")
    mine = tuple(ServerFacts(name, ours=True) for name in names)
    assert grave(cloud(servers=mine, room=replace(SUITABLE.room, instances=0, vcpus=0, ram=0, ports=0))) == []
    theirs = tuple(ServerFacts(name) for name in names)
    assert "4 instances to be made" in grave(cloud(servers=theirs, room=replace(SUITABLE.room, instances=0)))[0]


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (lambda facts: replace(facts, images=()), "RBX has no image of the name 'Ubuntu 22.04'"),
        (lambda facts: replace(facts, flavors={}), "RBX has no b2-7"),
        (lambda facts: replace(facts, keys=frozenset()), "RBX has no key pair rempart-guide"),
        (lambda facts: replace(facts, networks=()), "RBX has no public network Ext-Net"),
    ],
)
def test_the_vpn_clients_own_region_must_have_all_that_it_needs(
    lacking: Callable[[RegionFacts], RegionFacts], message: str, tmp_path: Path
) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", 'region = "SBG7"                             # any', 'region = "RBX" # any')

    (found,) = grave(Facts({"SBG7": SUITABLE, "GRA11": SUITABLE, "RBX": lacking(SUITABLE)}), folder)
    assert message in found
    assert "[V6]" in found
    (found,) = grave(cloud(), folder)
    assert "the cloud has no region 'RBX'" in found
