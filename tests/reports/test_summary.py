"""The terminal's text: use case by use case, the failing flow with its rule, and what the run was."""

from __future__ import annotations

from pathlib import Path

from reports.entries import EnvironmentUp, Outcome, Plan
from reports.summary import DISCLAIMER, render
from tests.reports.examples import BASIC, RUN, outcome, scenario, written


def test_the_whole_of_a_small_run(tmp_path: Path) -> None:
    text = render(written(tmp_path, BASIC), width=80).replace(str(tmp_path), "RUN")
    assert text == (
        "── Deployment guide · SIMULATED LAB ────────────────────────────────────────────\n"
        "\n"
        "The web site is published                                   features/web.feature\n"
        "  ✓ SNS-WEB-01[sbg7]     0.25 s  A stranger gets the page\n"
        "  ✗ SNS-WEB-01[gra11]    1.02 s  FAIL\n"
        "\n"
        "The web site is published                                 features/ipsec.feature\n"
        "  - SNS-WEB-02[none]             What crosses is ESP · not applicable: the deployment has no tunnel\n"
        "\n"
        "FAIL  SNS-WEB-01[gra11]  A stranger gets the page  features/web.feature:5\n"
        "  Then all is well  features/web.feature:7\n"
        "    expected  an answer 200\n"
        "    observed  none within 1 s\n"
        "    predicted block, rule 3 (gra11/Filter/05:14)\n"
        "    evidence  evidence/x.pcapng\n"
        "\n"
        "1 passed, 1 failed, 1 not applicable in 9.8 s, 3.2 s of it to start the environment\n"
        "Record: RUN/record.jsonl (JUnit and evidence beside it)\n"
        "Simulated lab: evidence of this configuration in simulation, not of the production appliance."
    )


def test_a_terminal_gets_colours_and_a_file_gets_none(tmp_path: Path) -> None:
    record = written(tmp_path, BASIC)
    assert "\x1b[32m✓\x1b[0m" in render(record, colour=True)
    assert "\x1b" not in render(record)


def test_what_failed_alike_is_told_once(tmp_path: Path) -> None:
    lost = [
        entry
        for number in (1, 2, 3)
        for entry in (scenario(f"SNS-X-0{number}"), outcome(f"SNS-X-0{number}", "error", reason="gone", detail="gone"))
    ]
    text = render(written(tmp_path, [RUN, *lost]))
    assert text.count("    gone") == 1
    assert "and likewise SNS-X-02, SNS-X-03" in text


def test_two_refutations_are_told_both_even_when_they_read_the_same(tmp_path: Path) -> None:
    same = [entry for name in "ab" for entry in (scenario(name), outcome(name, "fail", reason="no", detail="no"))]
    assert render(written(tmp_path, [RUN, *same])).count("    no") == 2


def test_a_late_phase_is_named_above_what_was_expected(tmp_path: Path) -> None:
    late = Outcome(
        instance="a",
        verdict="fail",
        seconds=1,
        reason="the takeover was late: expected x, observed y",
        expected="x",
        observed="y",
    )
    text = render(written(tmp_path, [RUN, scenario("a"), late]))
    assert "    the takeover was late: expected x, observed y\n    expected  x\n    observed  y" in text


def test_an_incomplete_record_says_so_and_names_what_did_not_run(tmp_path: Path) -> None:
    text = render(written(tmp_path, BASIC[:6]))
    assert "The record is incomplete" in text
    assert "NOT RUN  planned, but the run ended before:\n  SNS-WEB-02[none]" in text
    assert "1 passed, 1 error, 1 not run" in text


def test_only_a_lab_is_called_a_simulation(tmp_path: Path) -> None:
    cloud = EnvironmentUp(kind="openstack", capabilities=(), seconds=0)
    text = render(written(tmp_path, [RUN, cloud, scenario("a"), outcome("a")]))
    assert "openstack" in text
    assert DISCLAIMER not in text
    assert "SIMULATED" not in text


def test_parallel_results_are_shown_in_the_order_of_the_plan(tmp_path: Path) -> None:
    mixed = [entry for name in ("c", "a", "b") for entry in (scenario(name), outcome(name))]
    text = render(written(tmp_path, [RUN, Plan(planned=("a", "b", "c"), deselected=4), *mixed]))
    assert [line.split()[1] for line in text.splitlines() if line.startswith("  ✓")] == ["a", "b", "c"]
    assert "3 passed, 4 left out on request\n" in text


def test_the_campaign_which_nobody_asked_for_is_not_left_out_on_request(tmp_path: Path) -> None:
    told = [
        render(written(tmp_path / name, [RUN, Plan(planned=("a",), deselected=left, campaign=3), scenario("a"), outcome("a")]))
        for name, left in (("whole", 3), ("part", 5))
    ]
    assert "1 passed, 3 left to --campaign (more ways to fail)\n" in told[0]
    assert "1 passed, 2 left out on request, 3 left to --campaign (more ways to fail)\n" in told[1]
