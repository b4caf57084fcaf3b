"""``rempart lab torture`` with arguments that cannot work: told at once, before any lab is brought up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.main import BAD_INPUT, DONE, main
from tests.lab.own_machine import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the lab's verbs need root")

GUIDE, MINIMAL = str(ROOT / "deployments/guide"), str(ROOT / "deployments/minimal")


def test_a_deployment_without_a_pair_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "torture", "--deployment", MINIMAL]) == BAD_INPUT
    told = capsys.readouterr().err
    assert "deployment.toml:1: sites: no site has a pair" in told
    assert "give a site's firewall a second one" in told


@pytest.mark.parametrize("content", [None, "not a round\n", '{"steps": [{"at": 0}], "flows": []}\n'])
def test_a_replay_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    replay = tmp_path / "broken-1.jsonl"
    if content is not None:
        replay.write_text(content)
    assert main(["lab", "torture", "--deployment", GUIDE, "--replay", str(replay)]) == BAD_INPUT
    assert f"{replay}: " in capsys.readouterr().err


def test_what_would_be_drawn_is_shown_and_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for _ in range(2):
        assert main(["lab", "torture", "--deployment", GUIDE, "--seed", "7", "--show"]) == DONE
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert shown[0].count("round ") == 10
