"""Sequences follow from the seed alone, and are written so that they can be run again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.torture.sequence import Ground, Option, draw, read, written
from provisioning.deployment import load
from provisioning.torture.ground import ground
from tests.lab.own_machine import ROOT

GROUND = Ground(
    ("here", "there"),
    (
        Option("pull", {"cable": ("left", "right")}),
        Option("switch", lasts=False, parts=("active",)),
        Option("deafen", once="one way"),
    ),
    ("tcp", "udp"),
)
DRAWN = "import sys; from tests.lab.torture.test_sequence import *; print([written(draw(7, n, GROUND)) for n in range(20)])"


def test_the_same_seed_draws_the_same_in_another_process() -> None:
    told = [
        subprocess.run([sys.executable, "-c", DRAWN], cwd=ROOT, env={"PYTHONHASHSEED": hashes}, capture_output=True, text=True,
                       check=True).stdout
        for hashes in ("1", "2")
    ]  # fmt: skip
    assert told[0] == told[1] == f"{[written(draw(7, number, GROUND)) for number in range(20)]}\n"


def test_another_seed_draws_something_else() -> None:
    assert [draw(1, number, GROUND) for number in range(5)] != [draw(2, number, GROUND) for number in range(5)]


def test_a_round_does_not_depend_on_those_before_it() -> None:
    assert draw(5, 9, GROUND) == [draw(5, number, GROUND) for number in range(10)][9]


def test_everything_is_drawn_sooner_or_later() -> None:
    words = {
        word for number in range(60) for step in draw(3, number, GROUND).steps for word in (step.what, step.site, step.part)
    }
    assert words == {"pull cable=left", "pull cable=right", "switch", "deafen", "here", "there", "active", "passive"}


def test_what_nobody_promises_together_is_not_drawn_together() -> None:
    for number in range(200):
        deaf = [step.site for step in draw(4, number, GROUND).steps if step.what == "deafen"]
        assert len(deaf) == len(set(deaf))


def test_a_round_that_is_written_is_read_back() -> None:
    for number in range(20):
        assert read(written(draw(11, number, GROUND))) == draw(11, number, GROUND)


@pytest.mark.parametrize("text", ["{}", '{"steps": [{"at": 1}], "flows": []}', "no JSON", "[]"])
def test_what_is_no_round_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a round of a campaign"):
        read(text)


def test_the_guide_offers_every_fault_and_every_action() -> None:
    from lab.faults.catalogue import KINDS

    terrain = ground(load(ROOT / "deployments/guide"))
    assert terrain.sites == ("sbg7", "gra11")
    assert {option.name for option in terrain.options} >= {*KINDS, "switch", "hasync", "refuse-session"}
