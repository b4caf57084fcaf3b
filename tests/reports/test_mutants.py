"""The results of mutants: survivors are told with what differs, and the page names every operator."""

from __future__ import annotations

import json
import re
from pathlib import Path

from reports import mutants
from sns.mutation.mutant import Edit, Mutant
from sns.mutation.operators import OPERATORS
from sns.mutation.result import VERDICTS, Result

ROOT = Path(__file__).resolve().parents[2]

MUTANT = Mutant("sbg7", "source widened", "filter rule 4: the source is any", (Edit("Filter/05", 8, "a", ("b",)),))
FLOW = "opens any -> Firewall_out, tcp/22: it is refused, by rule 9; now it reaches the firewall, by rule 4"
EXAMPLE = "tcp 0.0.0.0:0 -> 147.135.161.153:22, in by out"
KILLED = Result(MUTANT, "killed", by="SNS-MGMT-04[sbg7]", message="expected silent, observed answered", seconds=1.5)
SURVIVED = Result(MUTANT, "survived", flows=(FLOW,), examples=(EXAMPLE,), tried=("SNS-WEB-01[sbg7-http]",))


def test_a_survivor_is_told_with_the_flow_that_differs_and_a_scenario_that_would_notice() -> None:
    told = mutants.text([KILLED, SURVIVED], 4.0)
    assert "SURVIVED sbg7/Filter/05:8/source widened: filter rule 4: the source is any" in told
    assert FLOW in told
    assert "1 scenarios did not notice" in told
    assert f"When {EXAMPLE} is sent" in told
    assert "Then it is refused, beside a control that gets through" in told
    assert told.endswith("2 mutants: 1 killed, 1 survived\n4 s, 30 mutants a minute")


def test_machines_get_every_mutant_and_the_counts() -> None:
    told = json.loads(mutants.as_json([KILLED, SURVIVED], 4.0))
    assert told["counts"] == {"killed": 1, "survived": 1, "latent": 0, "equivalent": 0, "invalid": 0, "unproven": 0}
    assert [one["verdict"] for one in told["mutants"]] == ["killed", "survived"]
    assert told["mutants"][0]["by"] == "SNS-MGMT-04[sbg7]"


def test_a_mutant_that_ran_again_counts_as_it_ended_last() -> None:
    again = Result(MUTANT, "killed", by="SNS-EGRESS-11[sbg7]")
    results, seconds = mutants.joined([mutants.as_json([SURVIVED], 40.0), mutants.as_json([again], 2.0)])
    assert [(one.verdict, one.by) for one in results] == [("killed", "SNS-EGRESS-11[sbg7]")]
    assert seconds == 42.0


def test_the_page_counts_by_operator_and_says_which_scenario_kills_what() -> None:
    page = mutants.page([KILLED, SURVIVED], 4.0, "deployments/guide", 5)
    assert "| source widened | A rule's source is a larger object, or any | 1 | 1 |  |  |  |  |" in page
    assert "| SNS-MGMT-04 | 1 | source widened (1) |" in page
    assert "- **survived** `sbg7/Filter/05:8/source widened`" in page
    assert "50.0 % are killed" in page
    assert "The lab ran 1 of them; the model alone decided the others." in page
    assert "**Not a full run**: 2 of 5 mutants were run." in page


def test_the_page_of_the_documentation_has_the_operators_of_the_code() -> None:
    page = (ROOT / "docs/mutants.md").read_text()
    row = rf"^\| ([a-zA-Z][^|]+?) \| [^|]+ \|(?: *\d* *\|){{{len(VERDICTS)}}}$"
    assert re.findall(row, page, re.MULTILINE) == list(OPERATORS)
