"""The form of a boot script: what is started, what is awaited, and what is said when a service fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.roles.boot import Service, command, compose, ip_batch, word


def run(boot: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", boot], capture_output=True, text=True, check=False, timeout=20)


def test_everything_is_started_before_anything_is_awaited() -> None:
    first = Service(start=("echo start one",), ready=("echo await one",))
    second = Service(start=("echo start two",), ready=("echo await two",))

    assert run(compose(first, second).boot).stdout.splitlines() == [
        "start one",
        "start two",
        "await one",
        "await two",
    ]


def test_a_service_can_wait_for_those_before_it() -> None:
    slow = Service(ready=("echo ready",))
    dependent = Service(start=("echo start",), ready=("echo await",)).afterwards()

    assert run(compose(slow, dependent).boot).stdout.splitlines() == ["ready", "start", "await"]


def test_folders_are_made_first_in_one_process(tmp_path: Path) -> None:
    wanted = [str(tmp_path / "one" / "deep"), str(tmp_path / "two")]
    boot = compose(Service(folders=(wanted[0],), start=(f"test -d {wanted[1]}",)), Service(folders=tuple(wanted))).boot

    assert run(boot).returncode == 0
    assert boot.count("mkdir") == 1


def test_files_of_all_services_are_the_hosts() -> None:
    setup = compose(Service(files={"/a": (b"1", 0o644)}), Service(files={"/b": (b"2", 0o600)}))

    assert setup.files == {"/a": (b"1", 0o644), "/b": (b"2", 0o600)}


def test_two_services_may_not_write_one_file() -> None:
    with pytest.raises(ValueError, match="two services of one host write /a"):
        compose(Service(files={"/a": (b"1", 0o644)}), Service(files={"/a": (b"2", 0o644)}))


def test_a_service_that_ends_badly_ends_the_boot_and_shows_its_log(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    failing = command("run", "adder", log, "sh", "-c", "echo out of numbers; exit 3")

    ended = run(compose(Service(start=(failing, "echo not reached"))).boot)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "adder did not start" in ended.stderr
    assert "out of numbers" in ended.stderr


def test_a_service_that_never_answers_is_given_up_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("still thinking\n")
    never = command("await", "thinker", log, "false")
    # The bound is a count of looks: a sleep that returns at once makes it short.
    ended = run(compose(Service(start=("sleep() { :; }",), ready=(never,))).boot)

    assert ended.returncode == 1
    assert "thinker did not start" in ended.stderr
    assert "still thinking" in ended.stderr


def test_what_is_there_is_not_waited_for(tmp_path: Path) -> None:
    there = command("await", "service", tmp_path / "log", "test", "-d", tmp_path)

    assert run(compose(Service(start=("sleep() { exit 9; }",), ready=(there,))).boot).returncode == 0


@pytest.mark.parametrize("value", ["two words", "a;reboot", "$(id)", "line\nbreak", "'", '"', "{", ""])
def test_a_value_that_is_no_plain_word_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"site name .* holds a character other than"):
        word(value, "site name")


def test_no_ip_commands_make_no_process() -> None:
    assert ip_batch([]) == ()
