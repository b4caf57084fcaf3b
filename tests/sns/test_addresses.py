"""Sets of addresses obey the algebra of sets, whatever they are made of."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sns.addresses import ALL, EMPTY, AddressSet

ADDRESSES = st.integers(0, 2**32 - 1)
SETS = st.lists(st.tuples(ADDRESSES, ADDRESSES), max_size=6).map(
    lambda pairs: AddressSet((min(pair), max(pair)) for pair in pairs)
)


@given(SETS, SETS, ADDRESSES.map(IPv4Address))
def test_an_address_is_in_a_result_exactly_when_logic_says_so(a: AddressSet, b: AddressSet, x: IPv4Address) -> None:
    assert (x in (a | b)) == (x in a or x in b)
    assert (x in (a & b)) == (x in a and x in b)
    assert (x in (a - b)) == (x in a and x not in b)
    assert (x in ~a) == (x not in a)


@given(SETS, SETS)
def test_sets_that_hold_the_same_addresses_are_equal(a: AddressSet, b: AddressSet) -> None:
    assert ~~a == a
    assert a | b == b | a
    assert ~(a | b) == ~a & ~b
    assert hash((a - b) | (a & b)) == hash(a)
    assert len(a) + len(~a) == 2**32


@given(SETS)
def test_a_set_survives_being_written_as_networks_and_as_ranges(a: AddressSet) -> None:
    assert AddressSet.of(*a.networks()) == a
    assert AddressSet.of(*a.ranges()) == a


@given(SETS, SETS)
def test_a_set_is_within_another_when_nothing_of_it_is_left_over(a: AddressSet, b: AddressSet) -> None:
    assert (a in b) == (not a - b)


def test_the_ends_of_the_address_space_are_ordinary_addresses() -> None:
    ends = AddressSet.of(IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255"))
    assert ALL - ends == AddressSet.of((IPv4Address("0.0.0.1"), IPv4Address("255.255.255.254")))
    assert ALL - ALL == EMPTY
    assert not EMPTY


def test_adjacent_networks_become_one() -> None:
    halves = AddressSet.of(IPv4Network("10.0.0.0/25"), IPv4Network("10.0.0.128/25"))
    assert halves.networks() == [IPv4Network("10.0.0.0/24")]


@pytest.mark.parametrize(
    "held, text",
    [
        (ALL, "any"),
        (EMPTY, "none"),
        (AddressSet.of(IPv4Address("10.0.0.1"), IPv4Network("10.1.0.0/16")), "10.0.0.1, 10.1.0.0/16"),
    ],
)
def test_a_set_prints_as_an_engineer_writes_it(held: AddressSet, text: str) -> None:
    assert str(held) == text


def test_a_range_that_ends_before_it_begins_is_no_range() -> None:
    with pytest.raises(ValueError, match="not a range"):
        AddressSet.of((IPv4Address("10.0.0.2"), IPv4Address("10.0.0.1")))
