"""The deployment itself is tested only when all was seen and said before, and nothing is disrupted without permission."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.tree import DEFAULT, Tree, feature

REAL = ("--target", "openstack", "--cloud", "ovh")
STEPS = f"""{DEFAULT}
@when("it asks for a stranger")
def _stranger():
    class NotHere(Exception): ...
    raise NotHere("the deployment itself offers no stranger")
"""


def _scenario(number: int, tags: str = "", act: str = "it does something") -> str:
    return f"@SNS-A-{number:02d} {tags}\nScenario: s{number}\n  Given a host\n  When {act}"


def _plant(folder: Path, *, kind: str = "lab", open_gates: str = "") -> Tree:
    scenarios = [
        _scenario(1),
        _scenario(2, "@disruptive"),
        _scenario(3, "@needs_spoofing"),
        _scenario(4, act="it asks for a stranger"),
    ]
    return Tree.plant(
        folder, {"a.feature": feature(*scenarios)}, STEPS, capabilities=["spoofing"], kind=kind, open_gates=open_gates
    )


def test_what_is_going_to_be_done_is_said_and_recorded_before_anything_is_reached(tmp_path: Path) -> None:
    tree = _plant(tmp_path, kind="openstack")
    done = tree.run("features/a.feature", *REAL)
    said = [
        "The deployment itself is about to be tested: guide, on the cloud ovh",
        "  sbg7 in SBG7: firewall 192.0.2.1",
        "  at most 2 scenarios run; 2 or more are left out, each with its reason",
        "  none of them takes down what others may be using",
        "  what a scenario changes it puts back when it ends, also when it fails",
    ]
    assert done.status == 0
    assert "\n".join(said) in done.output
    record = tree.record()
    (announcement,) = record.announcements
    assert list(announcement.said) == said
    assert (announcement.cloud, announcement.disruptive) == ("ovh", False)
    assert [(gate.id, gate.who, gate.day, gate.saw) for gate in announcement.gates] == [
        ("vrack", "Ada", "2026-11-20", "pn-1234 has both")
    ]
    assert record.simulated is False
    assert "Real deployment: evidence of the appliances that were tested" in done.output
    assert tree.environment_log[0] == "attached to ovh"


def test_nothing_is_disrupted_without_permission_and_what_only_a_lab_has_is_left_out(tmp_path: Path) -> None:
    tree = _plant(tmp_path, kind="openstack")
    tree.run("features/a.feature", *REAL)
    endings = {name: (one.verdict, one.ending.reason) for name, one in tree.record().scenarios.items()}
    assert endings == {
        "SNS-A-01": ("pass", ""),
        "SNS-A-02": ("skipped", "disruptive: say --allow-disruptive to run it here"),
        "SNS-A-03": ("skipped", "this environment has no spoofing"),
        "SNS-A-04": ("skipped", "the deployment itself offers no stranger"),
    }


def test_with_permission_it_is_said_what_is_taken_down(tmp_path: Path) -> None:
    tree = _plant(tmp_path, kind="openstack")
    done = tree.run("features/a.feature", *REAL, "--allow-disruptive")
    assert "  1 of them take down what others may be using: SNS-A-02" in done.output
    assert tree.record().scenarios["SNS-A-02"].verdict == "pass"


@pytest.mark.parametrize(
    ("options", "open_gates", "told"),
    [
        (("--target", "openstack"), "", "--target openstack: --cloud NAME: which cloud of clouds.yaml?"),
        (REAL, "vrack", "the deployment itself is not tested while gates are open:\ngates.toml:1: vrack: open"),
        ((*REAL, "--gates", "seen.toml"), "vrack", "seen.toml:1: vrack: open"),
    ],
)
def test_it_is_refused_before_anything_is_reached(options: tuple[str, ...], open_gates: str, told: str, tmp_path: Path) -> None:
    tree = _plant(tmp_path, open_gates=open_gates)
    done = tree.run("features/a.feature", *options)
    assert done.status == 4
    assert told in done.output
    assert not tree.environment_log
    assert not tree.runs


def test_a_lab_announces_nothing_and_asks_for_no_gates(tmp_path: Path) -> None:
    tree = _plant(tmp_path, open_gates="vrack")
    done = tree.run("features/a.feature", "--scenario", "SNS-A-01")
    assert done.status == 0
    assert "about to be tested" not in done.output
    assert tree.record().announcements == []
