"""Classes are what the configuration tells apart, no more and no less, and their packets stand at every border."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path

import pytest

from sns.cuts import Cuts
from sns.model import Configuration
from sns.packet_classes import PacketClass, packet_classes
from sns.prediction import Predictor

from .trees import guide, rules_of

STRANGER = IPv4Address("198.51.100.102")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return guide(tmp_path_factory.mktemp("guide"))


@pytest.fixture(scope="module")
def classes(site: Configuration) -> tuple[PacketClass, ...]:
    return packet_classes(site)


def test_addresses_of_one_class_are_in_the_same_objects(site: Configuration, classes: tuple[PacketClass, ...]) -> None:
    sets = Cuts.of(site).addresses
    for addresses in {tuple(one.sources) for one in classes}:
        assert len({tuple(address in each for each in sets) for address in addresses}) == 1, addresses


def test_no_two_classes_are_in_the_same_objects(site: Configuration, classes: tuple[PacketClass, ...]) -> None:
    sets = Cuts.of(site).addresses
    kinds = [tuple(one[0] in each for each in sets) for one in {tuple(one.sources) for one in classes}]
    assert len(kinds) == len(set(kinds))


def test_both_ends_of_every_object_and_their_neighbours_stand_for_a_class(
    site: Configuration, classes: tuple[PacketClass, ...]
) -> None:
    standing = {int(address) for one in classes for address in one.destinations}
    for first, last in (span for each in Cuts.of(site).addresses for span in each.ranges()):
        assert {int(first), int(last)} <= standing
        assert {max(int(first) - 1, 0), min(int(last) + 1, 2**32 - 1)} <= standing
    ports = {service.part for one in classes for service in one.services if service.protocol == "tcp"}
    assert {0, 21, 22, 23, 79, 80, 81, 442, 443, 444, 65535} <= ports


@pytest.mark.parametrize("every_end", [False, True])
def test_every_end_is_in_a_packet(classes: tuple[PacketClass, ...], every_end: bool) -> None:
    flows = [flow for one in classes for flow in (one.flows() if every_end else [one.flow()])]
    assert {flow.source for flow in flows} == {address for one in classes for address in one.sources}
    assert {flow.destination for flow in flows} == {address for one in classes for address in one.destinations}
    wanted = {(service.protocol, service.part) for one in classes for service in one.services}
    assert {(flow.protocol, flow.destination_port if flow.icmp_type is None else flow.icmp_type) for flow in flows} == wanted


def test_no_two_packets_are_of_one_session(classes: tuple[PacketClass, ...]) -> None:
    for arrival in {one.arrival for one in classes}:
        flows = [flow for one in classes if one.arrival == arrival for flow in one.flows()]
        assert len(flows) == len(set(flows))


def test_all_packets_of_a_class_meet_the_same_rule(site: Configuration, classes: tuple[PacketClass, ...]) -> None:
    predictor = Predictor(site)
    for one in classes[::41]:
        met = {(told.verdict, told.where, told.departure) for told in map(predictor.predict, one.flows())}
        assert len(met) == 1, (one.flow(), met)


def test_a_host_that_no_object_names_is_a_class_of_its_own(site: Configuration) -> None:
    assert [STRANGER] in [list(one.sources) for one in packet_classes(site, [STRANGER])]


def test_source_ports_are_told_apart_when_a_rule_looks_at_them(tmp_path: Path) -> None:
    classes = packet_classes(rules_of(tmp_path, "pass ipproto tcp from any port ephemeral_fw to any port http"))
    told = sorted({tuple(one.source_ports) for one in classes if one.services[0].protocol == "tcp"})
    assert told == [(0, 19999, 60000, 65535), (20000, 59999)]
    assert {tuple(one.source_ports) for one in classes if one.services[0].protocol == "icmp"} == {()}
    assert all(one != other for one, other in pairwise(one.flow() for one in classes))
