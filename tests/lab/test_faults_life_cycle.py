"""A lab that is cut off, wherever: what was asked to end undoes what it began; what was killed is cleaned up by the next."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from steps.eventually import eventually
from tests.lab.own_machine import Machine, finish, let_run, read_until

pytestmark = pytest.mark.lab

INTERRUPTED, TERMINATED, HUNG_UP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
STATUS = {INTERRUPTED: 130, TERMINATED: 143, HUNG_UP: 129}

# Where `lab up` is when it is told to end: once a file is there, or it says a line, and then so many seconds.
MOMENTS = {
    "while it loads": ("labs/*", 0.0, INTERRUPTED),
    "while the engine starts": ("engine/dockerd.pid", 0.0, TERMINATED),
    "before the first container": ("starting", 0.0, TERMINATED),
    "while containers are made": ("starting", 0.4, INTERRUPTED),
    "while it boots": ("booting", 0.1, INTERRUPTED),
    "when its terminal is gone": ("booting", 0.0, HUNG_UP),
}


def _reach(machine: Machine, process: subprocess.Popen[str], sign: str, seconds: float = 0.0) -> None:
    if "/" in sign:
        eventually(lambda: any(machine.state.glob(sign)), within=20, phase=f"{sign} appears")
    else:
        read_until(process, sign)
    if seconds:
        let_run(process, seconds)


@pytest.mark.parametrize("sign, seconds, number", MOMENTS.values(), ids=MOMENTS)
def test_up_that_is_told_to_end_leaves_nothing(machine: Machine, sign: str, seconds: float, number: signal.Signals) -> None:
    process = machine.start_up()
    _reach(machine, process, sign, seconds)
    # Ctrl-C reaches everything that the terminal runs, another signal the command alone.
    os.killpg(process.pid, number) if number is INTERRUPTED else process.send_signal(number)
    done = finish(process)

    assert done.status == STATUS[number], done.output
    assert "Traceback" not in done.output
    assert machine.left() == []


def test_a_second_request_to_end_is_obeyed_at_once_and_the_next_up_cleans_up(machine: Machine) -> None:
    process = machine.start_up()
    read_until(process, "booting")
    process.send_signal(INTERRUPTED)
    let_run(process, 0.1)
    process.send_signal(INTERRUPTED)
    assert finish(process).status == 130

    assert machine.up().status == 0
    assert machine.rempart("lab", "down").status == 0
    assert machine.left() == []


def test_what_killed_runs_left_goes_with_the_next_up_and_other_labs_stay(machine: Machine) -> None:
    other = machine.up().run
    before = machine.pid(other, "web-sbg7")
    for sign, seconds in (("labs/??????/secrets.json", 0.0), ("starting", 0.3), ("booting", 0.0)):
        killed = machine.start_up()
        _reach(machine, killed, sign, seconds)
        killed.kill()
        finish(killed)
    labs = machine.state / "labs"
    assert len(list(labs.iterdir())) > 1

    again = machine.up()

    assert again.status == 0, again.output
    assert {folder.name for folder in labs.iterdir()} == {other, again.run}
    assert machine.pid(other, "web-sbg7") == before
    assert machine.rempart("lab", "exec", "--run", other, "web-sbg7", "hostname").output == "web-sbg7\n"
    assert machine.rempart("lab", "down", "--run", again.run).status == 0
    assert machine.pid(other, "web-sbg7") == before
    machine.rempart("lab", "down")


def test_down_all_removes_what_a_killed_test_run_left(machine: Machine) -> None:
    killed = machine.features()
    read_until(killed, "PASS")
    killed.kill()
    finish(killed)
    assert machine.left() != []

    alone, all_of_them = machine.rempart("lab", "down"), machine.rempart("lab", "down", "--all")

    assert alone.output == "no lab is running\n"
    assert "removed what killed runs left: " in all_of_them.output
    assert machine.left() == []


def test_two_runs_at_once_both_work(machine: Machine) -> None:
    both = [machine.start_up(), machine.start_up()]
    first, second = (finish(process) for process in both)

    assert (first.status, second.status) == (0, 0), first.output + second.output
    for run in (first.run, second.run):
        page = machine.rempart("lab", "exec", "--run", run, "stranger", "curl", "-sI", "-m", "5", "http://147.135.161.153/")
        assert "200 OK" in page.output
    refused = machine.rempart("lab", "down")
    assert refused.status == 1
    assert "name one with --run, or take --all" in refused.output
    assert machine.rempart("lab", "down", "--all").status == 0
