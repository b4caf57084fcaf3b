"""A campaign's order of things, with a runner that breaks an invariant whenever two certain steps are in a round."""

from __future__ import annotations

import json
from pathlib import Path

from lab.invariants.violation import Finding, Violation
from lab.torture.campaign import Campaign, Log, Outcome
from lab.torture.sequence import Round, Step


def step(at: float, what: str) -> Step:
    return Step(at, what, "here", "active", 0.0)


def round_of(*names: str) -> Round:
    return Round(tuple(step(float(place), name) for place, name in enumerate(names)), ("tcp",))


class Fragile:
    """Breaks "it holds" when both guilty steps are there; ``excuse`` is the machine's, ``fickle`` shows it every other time."""

    def __init__(self, *guilty: str, excuse: str = "", fickle: bool = False) -> None:
        self.guilty, self.excuse, self.fickle = set(guilty), excuse, fickle
        self.ran: list[Round] = []

    def run(self, wanted: Round) -> Outcome:
        self.ran.append(wanted)
        shows = not self.fickle or len(self.ran) % 2
        if shows and self.guilty <= {one.what for one in wanted.steps}:
            return Outcome((Violation("it holds", 0, 1.0, 2.0, ("fw1",), "it did not", excuse=self.excuse),))
        return Outcome()

    def findings(self) -> list[Finding]:
        return []


def campaign(runner: Fragile, folder: Path, minutes: float = 1.0) -> Campaign:
    return Campaign(runner, Log(folder / "campaign.jsonl"), lambda _: None, minutes)


def test_a_violation_is_made_small(tmp_path: Path) -> None:
    runner = Fragile("kill", "switch")
    broken = campaign(runner, tmp_path).run([round_of("pull", "hasync"), round_of("pull", "kill", "hasync", "switch")])
    assert [one.number for one in broken] == [1]
    assert [one.what for one in broken[0].smallest.steps] == ["kill", "switch"]
    assert broken[0].minimal


def test_one_that_does_not_show_each_time_is_made_small_too(tmp_path: Path) -> None:
    broken = campaign(Fragile("kill", fickle=True), tmp_path).run([round_of("kill", "pull", "switch")])
    assert [one.what for one in broken[0].smallest.steps] == ["kill"]


def test_an_invariant_is_made_small_once(tmp_path: Path) -> None:
    runner = Fragile("kill")
    assert len(campaign(runner, tmp_path).run([round_of("kill")] * 5)) == 1


def test_what_the_machine_did_itself_is_not_a_violation_of_the_pair(tmp_path: Path) -> None:
    run = campaign(Fragile("kill", excuse="it stood still"), tmp_path)
    assert run.run([round_of("kill")]) == []
    assert [violation.excuse for violation in run.excused] == ["it stood still"]


def test_no_round_begins_when_the_time_is_up(tmp_path: Path) -> None:
    runner = Fragile("kill")
    campaign(runner, tmp_path, minutes=0).run([round_of("kill")])
    assert runner.ran == []


def test_every_round_and_every_trial_is_written_down(tmp_path: Path) -> None:
    runner = Fragile("kill", "switch")
    campaign(runner, tmp_path).run([round_of("kill", "pull", "switch")])
    lines = [json.loads(line) for line in (tmp_path / "campaign.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["round", *["trial"] * (len(runner.ran) - 1)]
    assert lines[0]["violations"][0]["what"] == "it did not"
    assert [one["what"] for one in lines[0]["round"]["steps"]] == ["kill", "pull", "switch"]
