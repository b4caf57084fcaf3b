"""A split over machines: everything is in exactly one shard, the same one everywhere and every time."""

from __future__ import annotations

import random
from argparse import ArgumentTypeError
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.shard import Shard, shard

names = st.lists(st.text(max_size=6), max_size=60)
counts = st.integers(1, 20)


@given(names, counts)
def test_everything_is_in_exactly_one_shard(whole: list[str], of: int) -> None:
    parts = [Shard(number, of).part(whole) for number in range(1, of + 1)]
    assert Counter(name for part in parts for name in part) == Counter(set(whole))


@given(names, counts)
def test_no_shard_has_more_than_one_name_more_than_another(whole: list[str], of: int) -> None:
    sizes = [len(Shard(number, of).part(whole)) for number in range(1, of + 1)]
    assert max(sizes) - min(sizes) <= 1


@given(names, counts, st.randoms())
def test_the_order_in_which_names_come_does_not_count(whole: list[str], of: int, chance: random.Random) -> None:
    shuffled = whole[:]
    chance.shuffle(shuffled)
    assert Shard(1, of).part(shuffled) == Shard(1, of).part(whole)


def test_the_split_is_this_one() -> None:
    """A change of it would have the shards of two versions overlap: whoever changes it sees it here."""
    whole = ["SNS-WEB-01[sbg7]", "SNS-HA-04[sbg7]", "SNS-WEB-01[gra11]", "SNS-HA-04[gra11]", "SNS-PLAT-07"]
    assert [sorted(Shard(number, 2).part(whole)) for number in (1, 2)] == [
        ["SNS-HA-04[gra11]", "SNS-PLAT-07", "SNS-WEB-01[sbg7]"],
        ["SNS-HA-04[sbg7]", "SNS-WEB-01[gra11]"],
    ]


@pytest.mark.parametrize("text", ["1/1", "3/8", "8/8", "120/9999"])
def test_a_shard_is_read_as_it_is_written(text: str) -> None:
    assert str(shard(text)) == text


@pytest.mark.parametrize("text", ["", "3", "3/", "/8", "0/8", "3/0", "-1/8", "3/8/1", " 3/8", "3/8\n", "٣/٨", "03/8", "3.0/8"])
def test_what_is_no_shard_is_told_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no shard: write its number and how many there are, as in 3/8"):
        shard(text)


def test_a_shard_beyond_the_last_is_told() -> None:
    with pytest.raises(ArgumentTypeError, match="'9/8': there is no shard 9 of 8"):
        shard("9/8")
