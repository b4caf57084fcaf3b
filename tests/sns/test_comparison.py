"""A change of configuration changes what the comparison says, for every packet, and nothing that it does not say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sns.boxes import Box, meet
from sns.comparison import Comparison, compare
from sns.model import Configuration
from sns.prediction import Prediction, Predictor
from sns.settings_changed import settings_changed
from sns.wording import Wording

from .trees import GUIDE, guide

RULES = GUIDE["Filter/05"]

CHANGES = {
    "a port more is published": {"Filter/05": RULES.replace("port http -> to", "port http|ssh -> to")},
    "an egress rule is off": {
        "Filter/05": RULES.replace("pass from vlan200 on in to internet", "off pass from vlan200 on in to internet")
    },
    "the final block is a pass": {"Filter/05": RULES.replace("block from any to any", "pass from any to any")},
    "no source is translated": {"Filter/05": RULES.replace("nat from vlan200", "off nat from vlan200")},
    "the server moves": {"object": GUIDE["object"].replace("ubuntu-webserver=10.200.0.10", "ubuntu-webserver=10.200.0.11")},
    "the tunnel is off": {"VPN/slotinfo": "[Global]\nActive=0\n"},
    "the SSL VPN is off": {"Openvpn/openvpn": GUIDE["Openvpn/openvpn"].replace("state=1", "state=0")},
    "an implicit rule is on": {"Filter/filter": GUIDE["Filter/filter"].replace("Sshd=0", "Sshd=1")},
    "the remote network has no black hole": {"route": GUIDE["route"].replace("vlan201,loopback", "")},
    "an interface is renamed and trusted": {"network": GUIDE["network"].replace("Name=ha", "Name=ha\nProtected=1")},
}

NO_CHANGES = {
    "nothing": {},
    "a comment, and a log": {
        "Filter/05": RULES.replace("block from any to any\t# Block all", "block log from any to any # Other words")
    },
    "an object is renamed": {
        file: text.replace("ubuntu-webserver", "nginx") for file, text in (("object", GUIDE["object"]), ("Filter/05", RULES))
    },
    "disjoint rules change places": {
        "Filter/05": RULES.replace(
            "pass from vlan200 to vlan201\npass log from vlan201 via ipsec to vlan200",
            "pass log from vlan201 via ipsec to vlan200\npass from vlan200 to vlan201",
        )
    },
    "a rule that nothing reaches goes": {"Filter/05": RULES.replace("[NAT]", "pass from vlan200 to vlan201\n[NAT]")},
    "one rule becomes two": {
        "Filter/05": RULES.replace(
            "pass from vlan200 on in to internet port http|https|dns",
            "pass from vlan200 on in to internet port http\npass from vlan200 on in to internet port https|dns",
        )
    },
}


def _both(folder: Path, changes: dict[str, str]) -> tuple[Configuration, Configuration]:
    return guide(folder / "before"), guide(folder / "after", changes)


def _fate(told: Prediction) -> tuple[object, ...]:
    left = told.translated
    passes = told.verdict == "pass"
    return (told.verdict, *((told.departure, left.source, left.destination, left.destination_port) if passes else ()))


@pytest.mark.parametrize("name", CHANGES)
def test_packets_are_predicted_otherwise_exactly_where_the_comparison_says_so(name: str, tmp_path: Path) -> None:
    before, after = _both(tmp_path, CHANGES[name])
    comparison = compare(before, after)
    was, is_now, chance = Predictor(before), Predictor(after), random.Random(name)  # noqa: S311 - the same cells each time
    inside, outside = list(_cells_of(comparison, chance, 40)), list(_any_cells(comparison, chance, 600))

    assert comparison.differences
    for cell in inside + outside:
        flow = comparison.space.example(cell)
        says = any(meet(cell, box) for difference in comparison.differences for box in difference.boxes)
        assert (_fate(was.predict(flow)) != _fate(is_now.predict(flow))) is says, flow


def _cells_of(comparison: Comparison, chance: random.Random, count: int) -> list[Box]:
    boxes = [box for difference in comparison.differences for box in difference.boxes]
    return [_cell(box, chance) for box in boxes for _ in range(count // len(boxes) + 1)]


def _any_cells(comparison: Comparison, chance: random.Random, count: int) -> list[Box]:
    return [_cell(comparison.space.everything, chance) for _ in range(count)]


def _cell(box: Box, chance: random.Random) -> Box:
    return Box._make(1 << chance.choice([place for place in range(mask.bit_length()) if mask >> place & 1]) for mask in box)


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_changes_no_packet_is_no_difference(name: str, tmp_path: Path) -> None:
    assert compare(*_both(tmp_path, NO_CHANGES[name])).differences == ()


def test_a_difference_is_told_in_the_configurations_own_names_with_both_rules(tmp_path: Path) -> None:
    before, after = _both(tmp_path, CHANGES["a port more is published"])
    comparison = compare(before, after)
    words = Wording(after, comparison.space)
    (found,) = comparison.differences

    assert found.kind == "opens"
    assert [words.box(box).partition(" -> ")[2] for box in found.boxes] == ["Firewall_out, tcp/22, in by out"]
    assert (words.fate(found.before), words.fate(found.after)) == ("is refused", "passes by in to ubuntu-webserver:80")
    assert str(found.was) == 'rule 7 "block from any to any" (sbg7/Filter/05:10)'
    assert (
        str(found.now)
        == 'rule 3 "pass from any on out to Firewall_out port http|ssh -> to ubuntu-webserver port http" (sbg7/Filter/05:6)'
    )


def test_settings_that_no_packet_shows_are_told_with_their_place_and_without_secrets(tmp_path: Path) -> None:
    before, after = _both(
        tmp_path,
        {
            "VPN/peer": GUIDE["VPN/peer"].replace("DPDMode=low", "DPDMode=high"),
            "VPN/psk": "[psk]\nOVH_REMOTE_FW=hunter2\n",
            "VPN/ph1profile": GUIDE["VPN/ph1profile"].replace("enc=aes/128 auth=sha2_256 dh=15\n", ""),
            "uac": GUIDE["uac"].replace("openvpn=pass", "openvpn=block"),
            "webadmin": "[Config]\nState=1\n[ACL]\nadmin_client\nany\n",
            "HA/highavailability": GUIDE["HA/highavailability"].replace("TokenTimeout=4000", "TokenTimeout=300"),
        },
    )

    assert [str(change) for change in settings_changed(before, after)] == [
        "vpn.peers.ovh_gra11.dpd_mode: was low, now high (VPN/peer:1)",
        "vpn.phase1.strongencryption.proposals[2]: was aes/128 sha2_256 15, now nothing (VPN/ph1profile:3)",
        "vpn.preshared_keys.ovh_remote_fw: was (secret), now (secret)",
        "access.rules[1].rights.openvpn: was pass, now block (uac:6)",
        "management.web_access[2]: was nothing, now any",
        "ha.token_timeout: was 4000, now 300",
    ]
    assert settings_changed(before, before) == []


@pytest.mark.parametrize("file", ["VPN/peer", "webadmin"])
def test_settings_that_only_moved_are_the_same(file: str, tmp_path: Path) -> None:
    assert settings_changed(*_both(tmp_path, {file: "# a line more\n" + GUIDE[file]})) == []
