"""The image's build that is cut off, fails, or finds no room: half an image is never used, the next build starts clean."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from lab import image
from tests.lab.own_machine import Machine, finish, let_run, read_until

pytestmark = pytest.mark.lab

# In the place of mmdebstrap: its last argument but one is the archive, TMPDIR where it works. It refuses to work among
# the leftovers of another, leaves some itself, and has a child as the real one has.
_HEAD = """#!/bin/sh
set -e
[ -z "$(ls -A "$TMPDIR")" ] || { echo "leftovers: $(ls "$TMPDIR")" >&2; exit 9; }
for archive; do [ "$archive" = - ] || last=$archive; done
mkdir "$TMPDIR/mmdebstrap.tree"
echo half > "$last"
"""
BUILDS = {
    "hangs": "(while :; do date > $TMPDIR/mmdebstrap.tree/date || true; sleep 0.05; done) & wait\n",
    "fails": "echo 'E: Unable to locate package nginx-light' >&2; exit 100\n",
    "is cut short": "tar -C /usr/bin -cf - nsenter unshare | head -c 100000 > $last\n",
    "is slow to import": "truncate -s 400M $TMPDIR/zeros; tar -C $TMPDIR -cf $last zeros\n",
}


@pytest.fixture
def building(bare_machine: Machine) -> Machine:
    """A machine without image, whose mmdebstrap is ours."""
    programs = bare_machine.state.parent / "bin"
    programs.mkdir()
    return Machine(bare_machine.state, {"PATH": f"{programs}:{os.environ['PATH']}"})


def _let_it(what: str, machine: Machine) -> None:
    program = machine.state.parent / "bin" / "mmdebstrap"
    program.write_text(_HEAD + BUILDS[what])
    program.chmod(0o755)


def _images(machine: Machine) -> list[str]:
    from lab import engine
    from lab.state import locked

    with machine.here(), locked("engine"), closing(engine.connect()) as connected:
        return connected.images(image.REPOSITORY)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_build_that_is_cut_off_ends_whole_and_the_next_starts_clean(building: Machine, number: signal.Signals) -> None:
    _let_it("hangs", building)
    process = building.start_up()
    read_until(process, "building the lab's image")
    let_run(process, 0.3)
    process.send_signal(number)
    assert finish(process).status == {signal.SIGINT: 130, signal.SIGKILL: -9}[number]

    if number is signal.SIGINT:
        assert building.left() == []
    assert _images(building) == []
    _let_it("fails", building)
    again = building.up()
    assert again.status == 1
    assert "mmdebstrap ended with status 100; nothing was imported:\n    E: Unable to locate package" in again.output
    assert building.left() == []


def test_an_import_that_is_killed_leaves_no_image(building: Machine) -> None:
    _let_it("is slow to import", building)
    process = building.start_up()
    read_until(process, "importing the image")
    let_run(process, 0.1)
    process.kill()
    finish(process)

    assert _images(building) == []
    assert building.rempart("lab", "down", "--all").status == 0
    assert [line for line in building.left() if not line.startswith("file")] == []


def test_an_archive_that_is_cut_short_is_not_imported(building: Machine) -> None:
    _let_it("is cut short", building)

    done = building.up()

    assert done.status == 1
    assert "rempart: the image could not be imported: the Docker Engine refused: " in done.output
    assert "unexpected EOF" in done.output
    assert _images(building) == []


def test_a_second_run_waits_for_the_build_of_the_first(building: Machine) -> None:
    _let_it("hangs", building)
    first = building.start_up()
    read_until(first, "building the lab's image")
    second = building.start_up()
    read_until(second, "another run builds the lab's image; waiting for it")
    for process in (second, first):
        process.send_signal(signal.SIGINT)
    assert [finish(process).status for process in (first, second)] == [130, 130]
    assert building.left() == []


ON_A_FULL_DISK = (
    "unshare", "--mount", "sh", "-ec",
    'mount -t tmpfs -o size="$1" none "$REMPART_STATE"; mkdir "$TMPDIR"; shift; exec "$@"', "sh",
)  # fmt: skip


@pytest.mark.parametrize(
    "size, told",
    [
        ("8k", "0 MB free; a lab needs 100 MB"),
        ("20m", "MB free; a lab needs 100 MB: make room, or have REMPART_STATE name a folder elsewhere"),
        ("200m", "MB free; the build needs 1500 MB: make room, or have REMPART_STATE name a folder elsewhere"),
    ],
)
def test_a_full_disk_is_told_before_anything_is_begun(bare_machine: Machine, size: str, told: str) -> None:
    done = bare_machine.rempart("lab", "up", "--deployment", "deployments/minimal", under=(*ON_A_FULL_DISK, size))

    assert done.status == 1
    assert told in done.output
    assert "Traceback" not in done.output
    assert str(bare_machine.state) in done.output.splitlines()[-1]


def test_without_mmdebstrap_the_message_says_what_to_install(bare_machine: Machine, tmp_path: Path) -> None:
    for program in ("unshare", "umount", "containerd", "dockerd", "runc", "setpriv"):
        found = subprocess.run(["sh", "-c", f"PATH=$PATH:/usr/sbin command -v {program}"], capture_output=True, text=True)
        (tmp_path / program).symlink_to(found.stdout.strip())

    done = bare_machine.up(PATH=str(tmp_path))

    assert done.output.endswith("rempart: mmdebstrap is not installed: apt-get install mmdebstrap\n")
    assert (done.status, bare_machine.left()) == (1, [])
