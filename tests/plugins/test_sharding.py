"""``--shard``: each machine runs its part, and its record says what is in the others' parts, which is not left out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reports.record import Record, read
from tests.plugins.tree import DEFAULT, Finished, Tree, feature

OUTLINE = """
@SNS-A-01
Scenario Outline: <what>
  Given a host

  Examples:
    | what  |
    | one   |
    | two   |
    | three |
"""
CAMPAIGN = "@SNS-A-02 @campaign\nScenario: More\n  Given a host"
LAST = "@SNS-A-03\nScenario: Last\n  Given a host"
WHOLE = ("SNS-A-01[one]", "SNS-A-01[two]", "SNS-A-01[three]", "SNS-A-03")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Finished], list[Record]]:
    tree = Tree.plant(tmp_path_factory.mktemp("shards"), {"a.feature": feature(OUTLINE, CAMPAIGN, LAST)}, DEFAULT)
    done = [tree.run(*tree.features, "--shard", f"{number}/2", "--runs", str(number)) for number in (1, 2)]
    return tree.folder, done, [read(next((tree.folder / str(number)).iterdir())) for number in (1, 2)]


def test_each_scenario_runs_in_one_shard(shards: tuple[Path, list[Finished], list[Record]]) -> None:
    _, done, records = shards
    assert [one.status for one in done] == [0, 0]
    assert [list(one.scenarios) for one in records] == [["SNS-A-01[one]", "SNS-A-01[two]"], ["SNS-A-01[three]", "SNS-A-03"]]
    assert [one.complete for one in records] == [True, True]


def test_the_others_are_in_another_shard_and_not_left_out(shards: tuple[Path, list[Finished], list[Record]]) -> None:
    folder, done, records = shards
    digest = hashlib.sha256((folder / "features" / "a.feature").read_bytes()).hexdigest()
    for number, (told, record) in enumerate(zip(done, records, strict=True), start=1):
        assert record.shard is not None
        assert record.plan is not None
        assert (record.shard.number, record.shard.of, record.shard.whole) == (number, 2, WHOLE)
        assert (record.elsewhere, record.plan.deselected) == (2, 1), "the campaign alone was left out"
        assert record.plan.features == {"features/a.feature": digest}
        assert "2 passed, 1 left to --campaign (more ways to fail), 2 in other shards in " in told.output


def test_workers_of_a_shard_share_its_part(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(OUTLINE, LAST)}, DEFAULT)
    assert tree.run("-n", "2", *tree.features, "--shard", "2/2").status == 0
    assert sorted(tree.record().scenarios) == ["SNS-A-01[three]", "SNS-A-03"]


@pytest.mark.parametrize(
    "options, told",
    [
        (("--shard", "3/2"), "argument --shard: '3/2': there is no shard 3 of 2"),
        (("--shard", "half"), "argument --shard: 'half' is no shard: write its number and how many there are, as in 3/8"),
        (("--shard", "1/5"), "--shard 1/5: 4 scenarios are to run, which are too few for 5 shards"),
    ],
)
def test_what_is_no_shard_is_refused_before_anything_is_started(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(OUTLINE, CAMPAIGN, LAST)}, DEFAULT)
    done = tree.run(*tree.features, *options)
    assert done.status == 4
    assert told in done.output
    assert tree.runs == []
