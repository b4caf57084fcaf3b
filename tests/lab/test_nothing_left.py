"""After a lab nothing is there that was not there before, but what is documented to stay."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.lab.own_machine import Machine, finish, read_until

pytestmark = pytest.mark.lab

STAYS = {"engine", "engine.lock", "image.lock", "labs", "labs.lock", "pycache", "scratch", "runs"}
"""The image with the stopped engine's data, byte code, locks; ``rempart lab down --all --image`` removes these too."""


def _stays(machine: Machine) -> set[str]:
    return {path.name for path in machine.state.iterdir()}


def test_a_lab_that_went_up_and_down_leaves_only_the_image(machine: Machine) -> None:
    up = machine.up()
    assert up.status == 0, up.output
    assert {line.split()[0] for line in machine.left()} == {"process", "mount", "file"}

    down = machine.rempart("lab", "down")

    assert (down.status, machine.left()) == (0, [])
    assert _stays(machine) <= STAYS


def test_a_test_run_leaves_only_the_image_and_its_record(machine: Machine) -> None:
    done = finish(machine.features("-k", "SNS-WEB-01"))

    assert (done.status, machine.left()) == (0, []), done.output
    assert _stays(machine) <= STAYS


def test_a_test_run_that_is_interrupted_takes_its_lab_down(machine: Machine) -> None:
    process = machine.features()
    read_until(process, "PASS")
    process.send_signal(signal.SIGINT)
    done = finish(process)

    assert (done.status, machine.left()) == (2, []), done.output


def test_down_with_the_image_leaves_nothing_at_all(bare_machine: Machine) -> None:
    state = bare_machine.state
    with bare_machine.here():
        from lab import engine
        from lab.state import locked

        with locked("engine"):
            engine.connect().close()
    (state / "labs" / "dead").mkdir(parents=True)
    assert (state / "engine" / "data").is_dir()

    done = bare_machine.rempart("lab", "down", "--all", "--image")

    assert done.status == 0, done.output
    bare_machine.scratch.rmdir()
    assert not list(Path(state).iterdir())
