"""The engine that is missing, does not start, or dies under a lab; hosts that end with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab.own_machine import MINIMAL, Machine, finish, read_until

pytestmark = pytest.mark.lab

# In a mount namespace of its own the machine has no dockerd. The command's arguments follow.
WITHOUT_DOCKERD = (
    "unshare", "--mount", "sh", "-ec",
    'for found in $(which -a dockerd) /usr/sbin/dockerd; do mount --bind /dev/null "$found"; done; exec "$@"', "sh",
)  # fmt: skip


def _kill_engine(machine: Machine) -> None:
    os.kill(machine.engine_pid(), signal.SIGKILL)


def test_without_any_docker_up_says_what_to_install(bare_machine: Machine) -> None:
    done = bare_machine.rempart("lab", "up", "--deployment", "deployments/minimal", under=WITHOUT_DOCKERD)

    assert done.status == 1
    assert done.output == "rempart: no Docker Engine answers and dockerd is not installed: apt-get install docker.io\n"
    assert bare_machine.left() == []
    for verb in ("status", "down"):
        assert bare_machine.rempart("lab", verb, under=WITHOUT_DOCKERD).status == 0


@pytest.mark.parametrize("program", ["echo no iptables here >&2; exit 1", "echo thinking about it; exit 0"])
def test_an_engine_that_does_not_start_shows_the_end_of_its_log(bare_machine: Machine, program: str) -> None:
    fake = bare_machine.scratch / "bin" / "dockerd"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)

    done = bare_machine.up(PATH=f"{fake.parent}:{os.environ['PATH']}")

    fake.unlink()
    fake.parent.rmdir()
    assert done.status == 1
    assert "the private Docker Engine did not start" in done.output
    assert program.split(";")[0].removeprefix("echo ").removesuffix(" >&2") in done.output
    assert "Traceback" not in done.output
    assert bare_machine.left() == []


def test_a_plan_that_lacks_a_secret_leaves_no_engine_behind(bare_machine: Machine, tmp_path: Path) -> None:
    lacking = shutil.copytree(MINIMAL, tmp_path / "lacking")
    plan = lacking / "deployment.toml"
    plan.write_text(plan.read_text().replace('admin_password = "generate"', 'admin_password = "env:REMPART_NOT_THERE"'))

    done = bare_machine.rempart("lab", "up", "--deployment", str(lacking))

    assert done.status == 2
    assert "REMPART_NOT_THERE" in done.output
    assert bare_machine.left() == []


def test_a_state_folder_with_too_long_a_path_is_refused(bare_machine: Machine) -> None:
    done = bare_machine.up(REMPART_STATE=str(bare_machine.scratch / ("long" * 20)))

    assert done.status == 1
    assert "too long a path for the engine's sockets: have REMPART_STATE name a shorter one" in done.output
    for path in sorted(bare_machine.scratch.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_lab_goes_on_when_its_engine_dies_and_the_next_command_starts_it_again(machine: Machine) -> None:
    run = machine.up().run
    web = machine.pid(run, "web-sbg7")
    _kill_engine(machine)

    assert f"lab {run}" in machine.rempart("lab", "status").output
    assert machine.pid(run, "web-sbg7") == web

    _kill_engine(machine)
    second = machine.up()

    assert second.status == 0, second.output
    assert machine.pid(run, "web-sbg7") == web
    _kill_engine(machine)
    for file in ("engine/dockerd.pid", "engine/exec/containerd/containerd.pid"):
        (machine.state / file).write_text(str(os.getpid()))  # a number that was given out again: it stops nothing
    assert machine.rempart("lab", "down", "--all").output == "".join(
        f"lab {name}: 9 hosts removed\n" for name in sorted((run, second.run))
    )


@pytest.mark.parametrize("program, file", [("dockerd", "dockerd.pid"), ("containerd", "exec/containerd/containerd.pid")])
def test_what_lives_on_of_an_engine_that_was_cut_off_does_not_stop_the_next(machine: Machine, program: str, file: str) -> None:
    written = machine.state / "engine" / file
    written.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([f"{machine.state}/engine/{program}", "60"], executable="/bin/sleep") as alive:
        written.write_text(str(alive.pid))
        done = machine.up()

    assert done.status == 0, done.output
    assert alive.returncode == -signal.SIGKILL
    machine.rempart("lab", "down")


def test_features_lose_nothing_when_the_engine_dies_under_them(machine: Machine) -> None:
    process = machine.features()
    read_until(process, "PASS")
    _kill_engine(machine)
    done = finish(process)

    assert done.status == 0, done.output


def test_features_are_errors_with_the_reason_when_their_hosts_die(machine: Machine) -> None:
    process = machine.features()
    said = read_until(process, "PASS")
    (folder,) = (machine.state / "labs").iterdir()
    pids = [machine.pid(folder.name, host) for host in ("fabric", "web-sbg7", "fw1-sbg7", "stranger")]
    _kill_engine(machine)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    done = finish(process)

    assert done.status == 1, said + done.output
    assert "has stopped: its container has ended" in done.output
    assert " FAIL" not in done.output
    assert " ERROR" in done.output


def test_a_lab_whose_hosts_have_all_died_goes_with_the_next_up(machine: Machine) -> None:
    run = machine.up().run
    with machine.here():
        from lab import engine

        connected = engine.connect(start=False)
        for summary in connected.containers(run):
            os.kill(connected.pid(summary["Id"]), signal.SIGKILL)
        connected.close()

    told = machine.rempart("lab", "status")
    assert told.status == 1
    assert "take it down and bring it up again" in told.output
    again = machine.up()
    assert again.status == 0, again.output
    assert [folder.name for folder in (machine.state / "labs").iterdir()] == [again.run]
    machine.rempart("lab", "down")


def test_a_kept_lab_whose_secrets_are_damaged_says_so_and_can_be_taken_down(machine: Machine) -> None:
    run = machine.up().run
    store = Path(machine.state / "labs" / run / "secrets.json")
    store.write_text("{")

    told = machine.rempart("lab", "exec", "web-sbg7", "true")

    assert told.status == 1
    assert f"the lab's secrets in {store} cannot be read" in told.output
    assert machine.rempart("lab", "down").status == 0
