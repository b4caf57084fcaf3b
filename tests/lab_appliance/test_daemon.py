"""Programs that the appliance keeps running: started, awaited, told apart from strangers, stopped."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from lab.appliance import paths
from lab.appliance.daemon import Daemon, accepts, tail, write_private
from lab.appliance.errors import ServiceFailed

FOR_EVER = "import signal; print('ready', flush=True); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    return Daemon("python", sys.executable, tmp_path / "log")


def test_it_runs_until_it_is_stopped(python: Daemon) -> None:
    pid = python.start(["-c", FOR_EVER], python.log.exists)
    assert python.pid() == pid
    python.stop()
    assert python.pid() is None
    assert not python.pid_file.exists()


def test_one_that_does_not_listen_is_killed(python: Daemon) -> None:
    python.start(["-c", DEAF], lambda: "ready" in python.log.read_text())
    python.stop(within=0.05)
    assert python.pid() is None


def test_one_that_ends_is_told_with_the_end_of_its_log(python: Daemon) -> None:
    python.log.write_text("of an earlier run\n")
    with pytest.raises(ServiceFailed) as failed:
        python.start(["-c", "raise SystemExit('cannot bind')"], lambda: False)
    assert failed.value.log_tail == "cannot bind"
    assert python.pid() is None


def test_one_that_is_never_ready_is_stopped(python: Daemon) -> None:
    with pytest.raises(ServiceFailed, match="not ready after"):
        python.start(["-c", FOR_EVER], lambda: False, within=0.05)
    assert python.pid() is None


def test_a_socket_is_ready_when_somebody_listens_and_not_when_its_file_exists(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert not accepts(path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        assert path.exists()
        assert not accepts(path)
        bound.listen()
        assert accepts(path)


def test_a_stale_pid_file_names_nobody(tmp_path: Path, python: Daemon) -> None:
    shell = Daemon(python.name, "/bin/sh", tmp_path / "log")  # our own process is alive, and another program
    paths.RUN.mkdir()
    for content in ("", "garbage", "999999999", str(os.getpid())):
        shell.pid_file.write_text(content)
        assert shell.pid() is None


def test_stopping_what_does_not_run_is_fine(python: Daemon) -> None:
    python.stop()


def test_a_private_file_is_whole_and_only_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert write_private(path, "one")
    assert not write_private(path, "one")
    assert write_private(path, "two")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["b"]


def test_a_log_that_is_not_there_has_no_tail(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == ""
