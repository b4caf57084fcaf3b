"""Whole sets of packets meet the same fate as each of their packets alone."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from sns.boxes import Box, meet, outside, without
from sns.first_match import FirstMatch
from sns.model import Configuration
from sns.prediction import Predictor

from .trees import guide, rules_of

POLICIES = {
    "as the guide has it": (),
    "both interfaces, ranges of ports, a kind of ICMP": (
        "pass from vlan200 on in to internet on out port http|https",
        "pass ipproto icmp type 8 code 0 from any to any",
        "block ipproto tcp from any port ephemeral_fw to any",
        "pass from !vlan200 to vlan201 on ipsec port ssh",
        "reset ipproto tcp from any to internet",
        "pass from any via none to vlan200|vlan201 port dns",
        "block log from any to any",
    ),
    "what goes through the tunnel, out, to the firewall": (
        "pass from any to any on out port dns",
        "pass from any to any on ipsec",
        "pass from any to any on in port http",
        "block ipproto udp from any to firewall_all",
        "log from any to any",
        "pass ipproto vpn-esp from internet to firewall_all",
    ),
}


def _configuration(name: str, folder: Path) -> Configuration:
    lines = POLICIES[name]
    return rules_of(folder, *lines) if lines else guide(folder)


@pytest.mark.parametrize("name", POLICIES)
def test_every_packet_of_a_part_is_predicted_to_meet_the_rule_that_takes_the_part(name: str, tmp_path: Path) -> None:
    configuration = _configuration(name, tmp_path)
    first_match, predictor = FirstMatch(configuration), Predictor(configuration)
    space, chance = first_match.space, random.Random(20261125)  # noqa: S311 - any cells will do, and the same each time
    for box, layer in first_match.fates([space.everything]):
        for _ in range(12):
            cell = Box._make(
                1 << chance.choice([place for place in range(mask.bit_length()) if mask >> place & 1]) for mask in box
            )
            flow = space.example(cell)
            told = predictor.predict(flow)
            if layer is None or layer.rule is None:
                assert told.rule is None, flow
                assert told.verdict == "block", flow
            else:
                assert told.rule is not None, flow
                assert told.rule.location == layer.rule.location, flow


@pytest.mark.parametrize("name", POLICIES)
def test_the_parts_are_disjoint_and_together_everything(name: str, tmp_path: Path) -> None:
    first_match = FirstMatch(_configuration(name, tmp_path))
    parts = [box for box, _ in first_match.fates([first_match.space.everything])]

    assert all(meet(one, other) is None for place, one in enumerate(parts) for other in parts[:place])
    assert outside([first_match.space.everything], parts) == []


def test_what_is_left_of_a_box_is_disjoint_and_has_nothing_of_what_was_taken() -> None:
    box, taken = Box(0b111, 0b1111, 0b11, 0b1, 0b11), Box(0b011, 0b0110, 0b01, 0b1, 0b01)
    left = without(box, taken)

    assert all(meet(part, taken) is None for part in left)
    assert all(meet(one, other) is None for one, other in pairwise(left))
    assert sum(_size(part) for part in left) == _size(box) - _size(taken)


def _size(box: Box) -> int:
    product = 1
    for mask in box:
        product *= mask.bit_count()
    return product
