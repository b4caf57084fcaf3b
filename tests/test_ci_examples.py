"""The files for CI are what docs/gating-ci.md says they are: their commands exist, and their shards are a whole."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import _given
from provisioning.shard import shard

ROOT = Path(__file__).parents[1]
GITHUB: dict[str, Any] = yaml.safe_load((ROOT / "examples/ci/github-actions.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "examples/ci/gitlab-ci.yml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def _commands() -> Iterator[str]:
    for job in GITHUB["jobs"].values():
        for step in job["steps"]:
            yield from step.get("run", "").splitlines()
    for job in GITLAB.values():
        if isinstance(job, dict):
            yield from (*job.get("before_script", ()), *job.get("script", ()))


@pytest.mark.parametrize("command", [one for one in _commands() if one.startswith(".venv/bin/rempart ")])
def test_the_command_understands_what_it_is_asked(command: str) -> None:
    assert _given(shlex.split(command)[1:]).command


def test_the_shards_of_the_github_file_are_all_there_are() -> None:
    shards = [shard(text) for text in GITHUB["jobs"]["scenarios"]["strategy"]["matrix"]["shard"]]
    assert [one.number for one in shards] == [*range(1, len(shards) + 1)]
    assert {one.of for one in shards} == {len(shards)}


def test_the_hook_is_a_command_of_ours_and_runs_on_what_it_reads() -> None:
    (hook,) = HOOKS
    assert _given([*shlex.split(hook["entry"])[1:], "deployments/guide"]).command == "check"
    wanted = re.compile(hook["files"])
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "deployments/guide").rglob("*") if path.is_file()]
    read = [name for name in files if "/ConfigFiles/" in name or name.endswith("/deployment.toml")]
    assert read
    assert [name for name in read if not wanted.search(name)] == []
    assert not wanted.search("deployments/guide/README.md")
