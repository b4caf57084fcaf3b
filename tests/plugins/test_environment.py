"""The environment is started late and once, and what it cannot do is left out with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.tree import DEFAULT, Tree, feature

ENDINGS = """
@given("a host")
def _host(environment): ...

@when("it does nothing")
def _nothing(): ...

@when("it fails")
def _fails(): assert False

@when("it skips")
def _skips():
    import pytest
    pytest.skip("not today")

@when("it leaves a mess")
def _mess(changes):
    def stuck():
        raise RuntimeError("stuck")
    changes.undo(stuck)
"""


def _scenario(number: int, tags: str = "") -> str:
    return f"@SNS-A-{number:02d} {tags}\nScenario: s{number}\n  Given a host\n  When it does something"


@pytest.mark.parametrize(
    "tags, options, verdict, reason",
    [
        ("@needs_spoofing", [], "pass", ""),
        ("@needs_fault_injection", [], "skipped", "this environment has no fault injection"),
        ("@disruptive", [], "skipped", "disruptive: say --allow-disruptive to run it here"),
        ("@disruptive", ["--allow-disruptive"], "pass", ""),
    ],
)
def test_a_scenario_runs_where_its_needs_are_met(
    tmp_path: Path, tags: str, options: list[str], verdict: str, reason: str
) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(_scenario(1, tags))}, capabilities=["spoofing"])
    assert tree.run("features/a.feature", *options).status == 0
    ending = tree.record().scenarios["SNS-A-01"].ending
    assert (ending.verdict, ending.reason) == (verdict, reason)


def test_a_need_of_one_row_of_examples_leaves_out_that_row(tmp_path: Path) -> None:
    outline = """
    @SNS-A-01
    Scenario Outline: <what>
      Given a host

      Examples:
        | what  |
        | plain |

      @needs_spoofing
      Examples:
        | what  |
        | fancy |
    """
    tree = Tree.plant(tmp_path, {"a.feature": feature(outline)})
    tree.run("features/a.feature")
    assert {name: one.verdict for name, one in tree.record().scenarios.items()} == {
        "SNS-A-01[plain]": "pass",
        "SNS-A-01[fancy]": "skipped",
    }


def test_it_is_started_once_for_all_and_taken_down(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(*map(_scenario, (1, 2, 3)))}, DEFAULT)
    done = tree.run("features/a.feature", "--lab", "keep")
    assert "booting the hosts" in done.output
    assert tree.environment_log == ["up keep", "down"]
    assert len(tree.record().environments) == 1


def test_it_is_not_started_for_what_does_not_need_it(tmp_path: Path) -> None:
    scenario = "@SNS-A-01\nScenario: s\n  When it does something"
    tree = Tree.plant(tmp_path, {"a.feature": feature(scenario)})
    done = tree.run("features/a.feature")
    assert "no environment was started" in done.output
    assert not tree.environment_log


def test_what_keeps_it_from_starting_is_told_once_for_all(tmp_path: Path) -> None:
    tree = Tree.plant(
        tmp_path, {"a.feature": feature(*map(_scenario, (1, 2, 3)))}, refuses="no Docker Engine answers (install it)"
    )
    done = tree.run("features/a.feature")
    assert done.status == 1
    assert done.output.count("the environment did not start: no Docker Engine answers (install it)") == 1
    assert "and likewise SNS-A-02, SNS-A-03" in done.output
    assert "Traceback" not in done.output


def test_what_was_captured_is_kept_for_each_scenario_that_used_it(tmp_path: Path) -> None:
    idle = "@SNS-A-02\nScenario: s2\n  When it does something"
    tree = Tree.plant(tmp_path, {"a.feature": feature(_scenario(1), idle, _scenario(3))})
    tree.run()
    record = tree.record()
    kept = {name: [(file.what, file.path) for file in one.evidence] for name, one in record.scenarios.items()}
    assert kept == {
        "SNS-A-01": [("capture at internet", "evidence/SNS-A-01/internet.pcapng")],
        "SNS-A-02": [],
        "SNS-A-03": [("capture at internet", "evidence/SNS-A-03/internet.pcapng")],
    }
    comment = (tree.runs[0] / "evidence/SNS-A-03/internet.pcapng").read_text()
    title = f"features/a.feature::SNS-A-03 of run {record.run.run}"
    assert comment == f"{title}; Given a host; When it does something"


def test_captures_that_are_missing_are_told_and_the_others_kept(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(_scenario(1))}, loses_frames=True)
    assert tree.run().status == 0
    record = tree.record()
    assert [file.what for file in record.scenarios["SNS-A-01"].evidence] == ["capture at internet"]
    assert record.events[0].text == "SNS-A-01: its evidence is not whole: web:eth0: 3 frames were dropped"


@pytest.mark.parametrize(
    "act, kept", [("does nothing", []), ("fails", ["log-web.txt"]), ("skips", []), ("leaves a mess", ["log-web.txt"])]
)
def test_the_logs_of_those_who_took_part_are_kept_of_a_scenario_that_failed(act: str, kept: list[str], tmp_path: Path) -> None:
    scenario = f"@SNS-A-01\nScenario: s\n  Given a host\n  When it {act}"
    tree = Tree.plant(tmp_path, {"a.feature": feature(scenario)}, ENDINGS)
    tree.run()
    folder = tree.runs[0] / "evidence/SNS-A-01"
    assert sorted(path.name for path in folder.iterdir()) == sorted(["internet.pcapng", *kept])
    assert all(path.read_text() == "with the password [removed]" for path in folder.glob("log-*"))


@pytest.mark.parametrize("heavy", ["scapy", "docker", "openstack", "cryptography", "testinfra"])
def test_collecting_the_real_features_imports_nothing_heavy(heavy: str, collected_modules: set[str]) -> None:
    assert heavy not in collected_modules


@pytest.fixture(scope="module")
def collected_modules(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    import subprocess
    import sys

    from tests.plugins.tree import ROOT

    program = (
        "import sys, pytest\n"
        "status = pytest.main(['features', '--collect-only', '-q', '-p', 'no:cacheprovider', '-p', 'no:pytest11.testinfra'])\n"
        "assert status == 0, status\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("option", ["--failovers", "--flow-rate"])
@pytest.mark.parametrize("given", ["0", "-1", "many"])
def test_what_cannot_be_done_that_often_is_refused(tmp_path: Path, option: str, given: str) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(_scenario(1))})
    done = tree.run(*tree.features, f"{option}={given}")
    assert done.status == 4
    assert f"argument {option}: '{given}' is too few: write a whole number, 1 at least" in done.output
