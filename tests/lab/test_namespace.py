"""Commands in a host's namespaces: those that are given up end there too. The host is this machine's own first namespaces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from lab import namespace
from lab.errors import CommandFailed
from lab.flows.instrument import Instrument
from lab.flows.plan import Flow

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
GIVEN_UP = "import os; from lab import namespace; namespace.run(os.getpid(), {command!r})"


def _runs(command: list[str]) -> bool:
    """Whether a process has exactly these arguments."""
    wanted = b"".join(part.encode() + b"\0" for part in command)
    return any(_arguments(process) == wanted for process in Path("/proc").glob("[0-9]*"))


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def _await(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


@pytest.fixture
def sleep() -> list[str]:
    """A command that no other process has."""
    return ["sleep", f"30.{os.getpid()}{time.monotonic_ns()}"]


def test_a_command_that_took_too_long_is_ended_and_does_not_go_on_in_the_host(sleep: list[str]) -> None:
    with pytest.raises(CommandFailed, match=r"no end after 0.2 s"):
        namespace.run(os.getpid(), ["sh", "-c", f"{' '.join(sleep)}; true"], timeout=0.2)
    assert _await(lambda: not _runs(sleep))


def test_a_command_whose_caller_is_interrupted_is_ended_too(sleep: list[str]) -> None:
    caller = subprocess.Popen([sys.executable, "-c", GIVEN_UP.format(command=sleep)], cwd=ROOT, stderr=subprocess.DEVNULL)
    assert _await(lambda: _runs(sleep))
    caller.send_signal(signal.SIGINT)
    caller.wait(10)
    assert _await(lambda: not _runs(sleep))


def test_the_program_of_a_flow_ends_with_the_flow(sleep: list[str]) -> None:
    shell = Flow(name="a shell", flow_class="ssh", kind="shell", near=os.getpid(), command=tuple(sleep))
    with Instrument([shell], 500):
        assert _await(lambda: _runs(sleep))
    assert _await(lambda: not _runs(sleep))


@pytest.fixture
def host() -> Iterator[int]:
    """A process in a network namespace of its own."""
    process = subprocess.Popen(["unshare", "--net", "sleep", "30"])
    assert _await(lambda: _network(f"/proc/{process.pid}") != _network("/proc/self"))
    yield process.pid
    process.kill()
    process.wait()


def _network(process: str) -> int:
    return Path(f"{process}/ns/net").stat().st_ino


NO_NUMBER = pytest.raises(ValueError, match="no number")


@pytest.mark.parametrize(("answer", "ends"), [("1", nullcontext()), ("no number", NO_NUMBER)])
def test_who_was_inside_a_host_keeps_nothing_of_it(host: int, answer: str, ends: AbstractContextManager[object]) -> None:
    seen: list[int] = []

    def act() -> int:
        seen.append(_network("/proc/thread-self"))
        return int(answer)

    with ends:
        namespace.inside(host, act)
    assert seen == [_network(f"/proc/{host}")]
    assert {_network(str(thread)) for thread in Path("/proc/self/task").iterdir()} == {_network("/proc/self")}
