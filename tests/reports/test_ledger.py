"""How gaps are spread over many failovers."""

from __future__ import annotations

import dataclasses

import pytest

from reports.ledger import Distribution, distribution, gaps_by_class
from tests.reports.test_record import LANE, TAKEOVER


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([7], Distribution(1, 7, 7, 7, 7)),
        ([4, 1, 3, 2], Distribution(4, 1, 2.5, 4, 4)),
        (list(range(100, 0, -1)), Distribution(100, 1, 50.5, 95, 100)),
        ([1] * 28 + [50, 500], Distribution(30, 1, 1, 50, 500)),
    ],
)
def test_values_are_told_by_median_p95_and_both_ends(values: list[float], spread: Distribution) -> None:
    assert distribution(values) == spread


def test_no_value_has_no_distribution() -> None:
    with pytest.raises(ValueError, match="no value"):
        distribution([])


def test_in_one_failover_the_worst_lane_of_a_class_counts() -> None:
    back = dataclasses.replace(LANE, direction="back", gap=90.0)
    tunnel = dataclasses.replace(LANE, flow_class="ipsec", gap=300.0)
    first = dataclasses.replace(TAKEOVER, lanes=(LANE, back, tunnel))
    second = dataclasses.replace(TAKEOVER, number=2, lanes=(dataclasses.replace(LANE, gap=70.0),))
    assert gaps_by_class([first, second]) == {
        "nat": Distribution(2, 70.0, 80.0, 90.0, 90.0),
        "ipsec": Distribution(1, 300.0, 300.0, 300.0, 300.0),
    }


@pytest.mark.parametrize(("gap", "budget", "within"), [(80, 100, True), (100, 100, True), (101, 100, False), (9000, 0, True)])
def test_a_gap_is_held_against_its_budget(gap: float, budget: float, within: bool) -> None:
    assert dataclasses.replace(LANE, gap=gap, budget=budget).within_budget is within
