"""The control plane itself: two side by side, and nothing left of one whose owner was killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane.clouds import Reached, reached
from lab.control_plane.plane import remove_what_the_dead_left
from lab.state import is_alive, process_identity
from tests.cloud.account import ROOT

GONE_WITHIN = 10.0  # s


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, and not below pytest's: a database's socket has a path of 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as found:
        yield Path(found)


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Somebody else's, whose temporary files are in a folder of their own."""
    with subprocess.Popen(
        [sys.executable, "-m", "lab.control_plane"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_two_run_side_by_side_and_one_whose_owner_is_killed_leaves_nothing(
    plane: Reached, owner: subprocess.Popen[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert owner.stdout is not None
    line = owner.stdout.readline()
    found = re.search(r"OS_CLIENT_CONFIG_FILE=(\S+)/clouds.yaml", line)
    assert found, line
    own = Path(found[1])
    second = reached(own)
    assert second.auth_url != plane.auth_url
    for each in (plane, second):
        with urllib.request.urlopen(each.auth_url, timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
    processes = _of(own)
    assert len(processes) > 9  # two databases, five services, of which four in two regions

    os.kill(owner.pid, signal.SIGKILL)

    end = time.monotonic() + GONE_WITHIN
    while any(is_alive(each) for each in processes) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [each for each in processes if is_alive(each)]
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    remove_what_the_dead_left()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("owner, stays", [("", True), (f"{os.getpid()}:0", False)], ids=["not said yet", "dead"])
def test_one_that_is_just_being_made_is_not_taken_for_a_dead_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str, stays: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Path(tempfile.mkdtemp(prefix="rempart-cloud-"))
    (made / "owner").write_text(owner)
    remove_what_the_dead_left()
    assert made.exists() is stays


def _of(folder: Path) -> list[str]:
    """The identities of all processes that were started for a folder."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and (identity := process_identity(int(command.parent.name))):
            found.append(identity)
    return found
