"""``rempart mutate`` on a lab of its own: each verdict as it comes about, and Ctrl-C in the middle."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.lab.own_machine import MINIMAL, Machine, interrupt, let_run, read_until
from tests.provisioning.plans import GUIDE

pytestmark = pytest.mark.lab

SUITE = "SNS-WEB-01"  # all that the runs here have to notice with: what it does not look at survives
NOTICES = "SNS-WEB-01[sbg7-http]"
UNPUBLISHED = "sbg7/Filter/05:11/rule deleted"
SPOOFED = "sbg7/Filter/05:5/rule deleted"
REORDERED = "sbg7/Filter/05:7/rule moved"
BOTH_ENDS = "sbg7/object:12/network doubled"


def _only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


def _told(output: str) -> dict[str, Any]:
    """The JSON at the end of what a run said, by mutant."""
    return {one["name"]: one for one in json.loads(output[output.index("{\n") :])["mutants"]}


def test_each_mutant_ends_by_what_noticed_it_or_why_nothing_could(machine: Machine) -> None:
    mutants = (UNPUBLISHED, SPOOFED, REORDERED, BOTH_ENDS)
    done = machine.rempart("mutate", str(GUIDE), "--scenario", SUITE, *_only(*mutants), "--format", "json")

    told = _told(done.output)
    assert {name: one["verdict"] for name, one in told.items()} == {
        UNPUBLISHED: "killed",
        SPOOFED: "survived",
        REORDERED: "equivalent",
        BOTH_ENDS: "invalid",
    }
    assert (told[UNPUBLISHED]["by"], told[UNPUBLISHED]["tried"]) == (NOTICES, [NOTICES])
    assert told[UNPUBLISHED]["message"].startswith("expected the answer: HTTP/1.1 200 OK, observed ")
    assert told[SPOOFED]["tried"] == [NOTICES]
    assert told[SPOOFED]["flows"][0].startswith("opens rfc5735 but ")
    assert told[BOTH_ENDS]["message"] == "sbg7/VPN/01:11: remote: 10.201.0.0/16 is at both ends of the tunnel"
    assert done.status == 1, "one survived"


def test_an_interrupted_run_tells_what_it_knows_and_leaves_nothing(machine: Machine) -> None:
    process = machine.start("cli.main", "mutate", str(MINIMAL), "--scenario", SUITE, *_only("rule deleted"))
    read_until(process, "2/14 ")
    let_run(process, 0.2)  # into the next mutant, which the lab then runs
    done = interrupt(machine, process)

    told = re.search(r"rempart: (\d+) of 14 mutants were run", done.output)
    assert told, done.output
    assert f"{told[1]} mutants: " in done.output
