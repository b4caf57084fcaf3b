"""The arithmetic behind the tables, on figures made up here; nothing is timed."""

from __future__ import annotations

import json

import pytest

from benchmarks.figures import Line, Measure, Run, Sample, fit, medians, of, ratio


def sample(
    contestant: str = "rempart",
    *,
    sites: int = 1,
    number: int = 0,
    up: float = 1.0,
    services: bool = True,
    memory: float = 100.0,
) -> Sample:
    return Sample(
        contestant, services, sites, hosts=5 * sites + 5, round=number, up=up, down=0.5, memory=memory, processes=9,
        command=2.0, load=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "budget", "kept"),
    [
        ((1.0, 9.0, 2.0), 3.0, True),
        ((3.0,), 3.0, False),
        ((1.0, 9.0, 9.0), 3.0, False),
        ((0.0,), 0.0, True),
        ((1.0,), 0.0, False),
        ((1.0,), None, None),
    ],
)
def test_a_promise_is_kept_by_the_median_alone(values: tuple[float, ...], budget: float | None, kept: bool | None) -> None:
    assert Measure("a cost", "s", values, budget, load=0.0).kept is kept


@pytest.mark.parametrize(
    ("points", "line"),
    [
        ([(10, 3.0), (20, 5.0)], Line(1.0, 0.2)),
        ([(0, 0.0), (1, 0.0), (2, 3.0)], Line(-0.5, 1.5)),
        ([(10, 3.0), (10, 5.0)], None),
        ([], None),
    ],
)
def test_growth_is_the_least_squares_line(points: list[tuple[float, float]], line: Line | None) -> None:
    found = fit(points)
    assert (found is None) == (line is None)
    if found and line:
        assert (found.fixed, found.slope) == pytest.approx((line.fixed, line.slope))


def test_growth_is_fitted_through_the_medians_of_each_size() -> None:
    samples = [sample(sites=2, up=8.0), sample(up=1.0), sample(up=2.0), sample(up=9.0)]
    assert medians(samples, "up") == [(10, 2.0), (15, 8.0)]


def test_a_ratio_compares_neighbours_in_time() -> None:
    ours = [sample(number=0, up=1.0), sample(number=1, up=10.0), sample(number=2, up=1.0)]
    theirs = [sample("munet", number=0, up=2.0), sample("munet", number=1, up=20.0)]
    assert ratio(ours, theirs, "up") == 0.5  # the loaded round counts as any other; the one without a neighbour does not


def test_there_is_no_ratio_without_neighbours() -> None:
    assert ratio([sample(number=0)], [sample("munet", number=1)], "up") is None


def test_samples_are_chosen_by_contestant_variant_and_size() -> None:
    wanted = sample("munet", sites=4, services=False)
    others = [sample("munet", sites=4), sample("munet", services=False), sample(sites=4, services=False)]
    assert of([wanted, *others], "munet", services=False, sites=4) == [wanted]


def test_a_run_survives_its_file() -> None:
    run = Run(
        {"date": "2026-01-01"}, (Measure("a cost", "s", (1.0, 2.0), 3.0, 0.2),), (sample(),), ("munet: it did not start",)
    )
    assert Run.of_data(json.loads(json.dumps(run.as_data()))) == run
