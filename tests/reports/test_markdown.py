"""The summary for a CI job's page: short, and nothing in it acts on its reader."""

from __future__ import annotations

import re
from pathlib import Path

from cli.main import main
from reports.markdown import LIMIT, render
from tests.reports.examples import BASIC, RUN, outcome, scenario, written
from tests.reports.runs import ATTACK, MIXED, instance


def test_the_verdict_comes_first_then_what_failed_with_its_rule_and_place(tmp_path: Path) -> None:
    lines = render(written(tmp_path, BASIC)).splitlines()
    assert lines[0] == "### ✗ Rempart: One scenario of 3 did not hold."
    assert lines[2] == "✓ **1** pass · ✗ **1** fail · – **1** not applicable"
    (row,) = [line for line in lines if line.startswith("| ✗")]
    assert "[`SNS-WEB-01[gra11]`](report.html#SNS-WEB-01-gra11)" in row
    assert "`block, rule 3 (gra11/Filter/05:14)`" in row
    assert "`features/web.feature:7`" in row
    assert "`an answer 200` | `none within 1 s`" in row


def test_it_says_on_which_configuration_and_that_it_was_a_simulation(tmp_path: Path) -> None:
    text = render(written(tmp_path, BASIC))
    assert f"`{RUN.deployment_hash}`" in text
    assert f"`{RUN.run}`" in text
    assert "> Evidence of this configuration in simulation" in text


def test_a_run_without_failures_has_no_table(tmp_path: Path) -> None:
    text = render(written(tmp_path, [RUN, scenario("a"), outcome("a")]))
    assert "|" not in text


def test_a_run_that_was_cut_short_says_so(tmp_path: Path) -> None:
    assert "**The record is incomplete**" in render(written(tmp_path, BASIC[:5]))


def test_it_fits_into_a_comment_and_says_how_much_is_left_out(tmp_path: Path) -> None:
    failed = [entry for number in range(300) for entry in instance(number, f"a[{number}]", "fail", seen=[(ATTACK, 1, ATTACK)])]
    text = render(written(tmp_path, [RUN, *failed]))
    assert LIMIT - 2000 < len(text) <= LIMIT
    shown = text.count("\n| ✗")
    assert f"… and {300 - shown} more, in the report." in text


def test_nothing_in_the_record_becomes_markup_a_link_or_a_mention(tmp_path: Path) -> None:
    hostile = "@team ![x](http://203.0.113.66/x.png) **bold** #12 www.example.org <img src=x> a|b `c` \n# title"
    record = written(tmp_path, [RUN, *instance(1, "a", "fail", sentence=hostile, seen=[(hostile, 1, hostile)])])
    (row,) = [line for line in render(record).splitlines() if hostile[:5] in line or "&#64;team" in line]
    as_text = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", row)  # what stands outside of code
    for sign in ("@", "<", "![", "**", " #", "http:", "www.e"):
        assert sign not in as_text
    assert len(re.findall(r"(?<!\\)\|", row)) == 6, "the table has five columns, whatever stands in them"


def test_it_speaks_french_too(tmp_path: Path) -> None:
    text = render(written(tmp_path, MIXED), code="fr")
    assert "Un scénario sur 8 n’est pas conforme" in text
    assert "Règle qui s’applique" in text


def test_its_links_lead_to_where_the_run_is_served(tmp_path: Path) -> None:
    written(tmp_path / "run", BASIC)
    address = "https://ci.example.org/jobs/7/run"
    assert main(["report", str(tmp_path / "run"), "--format", "md", "--served-at", address]) == 0
    text = (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")
    assert f"({address}/report.html)" in text
    assert f"({address}/report.html#SNS-WEB-01-gra11)" in text
