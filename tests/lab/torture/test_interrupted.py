"""Ctrl-C in the middle of a campaign: what was seen until then is told, and nothing of the lab is left."""

from __future__ import annotations

import json
import re

import pytest

from tests.lab.own_machine import Machine, interrupt, let_run, read_until

pytestmark = pytest.mark.lab


def test_an_interrupted_campaign_tells_what_it_saw_and_leaves_nothing(machine: Machine) -> None:
    runs = machine.state / "runs"
    process = machine.start("cli.main", "lab", "torture", "--seed", "3", "--minutes", "5", "--runs", str(runs))
    read_until(process, "round 0: ")
    let_run(process, 0.5)  # into the next round, with whatever it does to the pairs
    done = interrupt(machine, process)

    told = re.search(r"(\d+) rounds of seed 3; the log is (\S+)", done.output)
    assert told, done.output
    assert "sbg7: two members forward: " in done.output
    events = [json.loads(line)["event"] for line in (runs / told[2]).read_text().splitlines()]
    assert (events[0], events.count("round")) == ("campaign", int(told[1]))
