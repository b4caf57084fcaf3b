"""Commands and programs that are forked from a process that has imported everything already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.appliance import command, paths
from lab.appliance.daemon import Daemon
from lab.appliance.errors import ServiceFailed
from steps.eventually import eventually

WORDS = """
import os, signal, subprocess, sys

def tell(words):
    print(os.getcwd(), os.environ.get("WHOSE"), *words, sys.stdin.read())
    print("complaint", file=sys.stderr)
    return 7

def rest(words):
    child = subprocess.Popen(["sleep", "60"])
    print(os.getpid(), child.pid, flush=True)
    signal.pause()

def fail(words):
    raise ValueError("for a reason")

def die(words):
    os.kill(os.getpid(), signal.SIGKILL)

def main(words):
    print(*words, flush=True)
    signal.pause()
"""
SERVER = """
import sys
from lab.appliance import __main__ as commands, command, fork_server
command.SOCKET = fork_server.SOCKET = sys.argv[1]
fork_server._LOG, fork_server._OURS = sys.argv[2], ("words",)
commands.COMMANDS = {name: f"words:{name}" for name in ("tell", "rest", "fail", "die")}
fork_server._PROGRAMS = ()
fork_server.start(cluster=False)
"""
CLIENT = """
import sys
from lab.appliance import command
command.SOCKET = sys.argv[1]
sys.exit(command.main(sys.argv[2:]))
"""
OURS = {"PYTHONPATH": command.CODE}
ROOT = Path(command.__file__).resolve().parents[2]


class Appliance:
    """A fork server of words, and who asks it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket, self.log = folder, folder / "commands", folder / "log"
        self.words = folder / "words.py"
        self.words.write_text(WORDS)
        self.environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"}

    def boot(self) -> None:
        subprocess.run([sys.executable, "-c", SERVER, str(self.socket), str(self.log)], env=self.environment, check=True)

    def server(self) -> int:
        """The server's process id."""
        return eventually(self._server, until=bool, within=5.0, phase="the server")

    def _server(self) -> int:
        """It has this folder's log among its arguments, and calls itself as it does once it is on its own."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                words = (process / "cmdline").read_bytes().split(b"\0")
                if str(self.log).encode() in words and (process / "comm").read_text() == "fork_server\n":
                    return int(process.name)
        return 0

    def begin(self, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(self.socket), *words], env={**self.environment, **environment}, cwd=cwd,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@pytest.fixture
def appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Appliance]:
    found = Appliance(tmp_path)
    monkeypatch.setattr(command, "SOCKET", str(found.socket))
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    found.boot()
    server = found.server()
    try:
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


def lives(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(*pids: int) -> None:
    eventually(lambda: [pid for pid in pids if lives(pid)], until=lambda seen: not seen, within=5.0, phase="their end")


def test_a_command_has_its_words_its_folder_its_environment_and_its_streams(appliance: Appliance, tmp_path: Path) -> None:
    asked = appliance.begin("tell", "a", "b c", cwd=tmp_path, WHOSE="mine")
    out, err = asked.communicate("given", timeout=10)
    assert (out, err, asked.returncode) == (f"{tmp_path} mine a b c given\n", "complaint\n", 7)


def test_a_command_that_fails_shows_where_and_one_that_is_killed_says_by_what(appliance: Appliance) -> None:
    failed, killed = appliance.begin("fail"), appliance.begin("die")
    assert "ValueError: for a reason" in failed.communicate(timeout=10)[1]
    assert (failed.returncode, killed.wait(10)) == (1, 128 + signal.SIGKILL)
    killed.communicate()


def test_a_command_ends_with_who_gave_it_and_so_does_what_it_started(appliance: Appliance) -> None:
    asked = appliance.begin("rest")
    assert asked.stdout is not None
    running = [int(word) for word in asked.stdout.readline().split()]
    asked.kill()
    asked.communicate()
    gone(*running)
    assert appliance.begin("tell").communicate("", timeout=10)[0], "others are served"


def test_code_that_changed_since_is_not_run(appliance: Appliance) -> None:
    assert command.answer(command.ask(command.COMMAND, ["die"], (0, 1, 2), [])) == 128 + signal.SIGKILL
    os.utime(appliance.words, (1, 1))
    assert command.answer(command.ask(command.COMMAND, ["die"], (0, 1, 2), [])) is None


def test_a_server_that_is_frozen_keeps_no_command_waiting_and_runs_none_of_them_later(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_READY_WITHIN", 0.05)
    os.kill(appliance.server(), signal.SIGSTOP)
    with (tmp_path / "out").open("w") as out:
        assert command.ask(command.COMMAND, ["tell"], (0, out.fileno(), out.fileno()), []) is None
        os.kill(appliance.server(), signal.SIGCONT)
        assert appliance.begin("tell").communicate("", timeout=10)[0], "it goes on"
    assert (tmp_path / "out").read_text() == ""


def test_in_a_folder_that_is_gone_a_command_runs_by_itself(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert command.ask(command.COMMAND, ["die"], (0, 1, 2), []) is None


def test_a_server_that_ends_meanwhile_is_told(appliance: Appliance) -> None:
    asked = appliance.begin("rest")
    assert asked.stdout is not None
    running = [int(word) for word in asked.stdout.readline().split()]
    os.kill(appliance.server(), signal.SIGKILL)
    assert asked.wait(10) == 1
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    assert asked.communicate(timeout=10)[1] == "rest: the appliance's fork server has ended\n"


def test_a_second_boot_leaves_the_server_that_serves(appliance: Appliance) -> None:
    before = appliance.server()
    appliance.boot()
    assert appliance.server() == before


def python(tmp_path: Path) -> Daemon:
    return Daemon("words", sys.executable, tmp_path / "program.log")


def test_a_program_is_forked_and_stays(appliance: Appliance, tmp_path: Path) -> None:
    daemon = python(tmp_path)
    pid = daemon.start(["-m", "words", "ready"], lambda: daemon.log.read_text() == "ready\n", environment=OURS)
    assert daemon.pid() == pid
    assert (Path("/proc") / str(pid) / "comm").read_text() == "words\n"
    daemon.stop()
    assert not lives(pid)


def test_a_program_that_does_not_start_tells_why(appliance: Appliance, tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="No module named 'nothing_of_that_name'"):
        python(tmp_path).start(["-m", "nothing_of_that_name"], lambda: False, environment=OURS)


def test_a_program_of_other_code_is_started_by_itself(appliance: Appliance, tmp_path: Path) -> None:
    """The fork server has this module, a process of its own finds it nowhere."""
    other = {"PYTHONPATH": str(tmp_path / "elsewhere")}
    with pytest.raises(ServiceFailed, match="No module named words"):
        python(tmp_path).start(["-m", "words"], lambda: False, environment=other)


def test_without_a_server_a_program_is_started_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SOCKET", str(tmp_path / "nobody"))
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    with pytest.raises(ServiceFailed, match="No module named"):
        python(tmp_path).start(["-m", "nothing_of_that_name"], lambda: False)
