"""What a wrong call of ``rempart`` says, and its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli import lab as verbs
from cli import main as command
from lab.errors import LabError
from tests.provisioning.plans import GUIDE, change, copy_of

ROOT = Path(__file__).resolve().parents[2]


def _rempart(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env={**os.environ, "REMPART_STATE": str(state), "REMPART_ENGINE": "private"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the lab's verbs need root")


@needs_root
def test_every_mistake_of_a_deployment_is_told_at_once_before_anything_is_begun(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", "vlan = 200", 'vlan = "200"')
    change(folder / "deployment.toml", 'gateway = "147.135.161.158"', 'gateway = "147.135.161.358"')

    done = _rempart("lab", "up", "--deployment", str(folder), state=tmp_path / "state")

    assert (done.returncode, done.stdout) == (2, "")
    assert "gateway: '147.135.161.358' is not an IPv4 address" in done.stderr
    assert "vlan: must be a whole number" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "arguments, status, told",
    [
        (("nowhere",), 2, "rempart: nowhere/deployment.toml:1: deployment: no such folder"),
        (
            ("deployments/guide", "--only", "a bit of everything"),
            2,
            "--only: no operator or mutant is called a bit of everything",
        ),
        (("deployments/guide", "--shard", "9/8"), 2, "rempart: --shard: '9/8': there is no shard 9 of 8"),
    ],
)
def test_a_wrong_call_of_mutate(arguments: tuple[str, ...], status: int, told: str, tmp_path: Path) -> None:
    done = _rempart("mutate", *arguments, state=tmp_path)

    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


_NO_RECORD = "rempart: nowhere: no run's folder: record.jsonl is not there (name one like reports/runs/…)"
_NO_SOURCE = "rempart: nowhere: no such file or folder (give a folder, a backup, or REV:path of a git repository)"


@needs_root
@pytest.mark.parametrize(
    "arguments, status, told",
    [
        (("matrix", "--deployment", "nowhere"), 2, "rempart: nowhere/deployment.toml:1: deployment: no such folder"),
        (("matrix", "--site", "par1"), 2, "rempart: --site par1: the plan has sbg7, gra11"),
        (("matrix", "--one-in", "0"), 2, "rempart: --one-in: write a number from 1 on"),
        (("matrix", "--run", "abc"), 1, "rempart: no lab abc of a deployment is running"),
        (("matrix", "--lab", "attach"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("gate", "--before", "deployments/guide"), 2, "the following arguments are required: --after"),
        (("gate", "--before", "nowhere", "--after", "deployments/guide"), 2, _NO_SOURCE),
        (
            ("gate", "--static", "--before", "deployments/guide", "--after", "deployments/minimal"),
            2,
            "rempart: the two are not of the same sites: gra11 only in one of them",
        ),
        (("check", "nowhere"), 2, _NO_SOURCE),
        (("compare", "deployments/guide", "nowhere"), 2, _NO_SOURCE),
        (("preflight", "nowhere"), 2, "nowhere"),
        (
            ("gate", "--before", "deployments/guide", "--after", "deployments/guide", "--policy", "nowhere"),
            2,
            "rempart: --policy: nowhere: no such file (see docs/gating.md)",
        ),
        (("check", "docs"), 2, "nor a ConfigFiles tree (object, network) (name the folder that holds one of them)"),
        (("check", "--fomat", "json", "docs"), 2, "rempart check: error: unknown option --fomat (did you mean --format?)"),
        (("check", "docs", "docs"), 2, "rempart check: error: one argument too many: docs"),
        (("chek",), 2, "invalid choice: 'chek' (did you mean check?)"),
        (("report-merge", "docs"), 2, "invalid choice: 'report-merge'"),
        (
            ("report", "merge", "docs", "--output", "x", "--sing", "KEY"),
            2,
            "unknown option --sing (did you mean --sign?)",
        ),
        (("verify", "nowhere"), 2, _NO_RECORD),
        (("report", "nowhere"), 2, _NO_RECORD),
        (
            ("report", "merge", "nowhere", "--output", "nowhere/else"),
            2,
            _NO_RECORD,
        ),
        (("lab", "torture", "--minutes", "x"), 2, "argument --minutes"),
        (("lab", "torture", "--deployment", "nowhere"), 2, "rempart: nowhere/deployment.toml:1: deployment: no such folder"),
        (("sideways",), 2, "invalid choice: 'sideways' (choose from doctor, lab, check, "),
    ],
)
def test_a_wrong_call_of_a_command(arguments: tuple[str, ...], status: int, told: str, tmp_path: Path) -> None:
    done = _rempart(*arguments, state=tmp_path)

    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@needs_root
@pytest.mark.parametrize(
    "arguments, status, told",
    [
        (("up", "--deployment", "nowhere"), 2, "rempart: nowhere/deployment.toml:1: deployment: no such folder"),
        (("up", "--cloud", "--factory"), 2, "rempart: lab up --cloud: on a cloud every appliance is as delivered"),
        (
            ("up", "--cloud", "--deployment", "deployments/minimal"),
            2,
            "rempart: deployments/minimal/deployment.toml:1: cloud: there is none: nothing says what OpenStack is asked for",
        ),
        (("exec", "web-sbg7"), 2, "rempart: lab exec HOST CMD ...: no command given"),
        (("down", "--image"), 2, "rempart: lab down --image: say --all too"),
        (("status", "--run", "abc"), 1, "rempart: lab abc is not running"),
        (("exec", "web-sbg7", "true"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("fault", "member-killed", "fw1-sbg7"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("api", "sbg7", "VERSION"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("fault", "undo"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("fault", "member-killed", "fw1-sbg7", "--for", "601"), 2, "argument --for: write seconds up to 600"),
        (("capture", "internet"), 1, "rempart: no lab is running (`rempart lab up` starts one)"),
        (("shell", "web-sbg7", "--run", "abc"), 1, "rempart: no lab abc of a deployment is running"),
        (("sideways",), 2, "invalid choice: 'sideways'"),
    ],
)
def test_a_wrong_call(arguments: tuple[str, ...], status: int, told: str, tmp_path: Path) -> None:
    done = _rempart("lab", *arguments, state=tmp_path)

    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@needs_root
@pytest.mark.parametrize("verb", ["status", "down"])
def test_without_a_lab_there_is_nothing_to_show_or_remove(verb: str, tmp_path: Path) -> None:
    done = _rempart("lab", verb, state=tmp_path)

    assert (done.returncode, done.stdout.partition(";")[0].strip(), done.stderr) == (0, "no lab is running", "")


@pytest.mark.parametrize(
    "raised, status",
    [
        (KeyboardInterrupt(), 130),
        (command.Terminated(signal.SIGTERM), 143),
        (command.Terminated(signal.SIGHUP), 129),
        (LabError("no"), 1),
        (verbs.WrongUse("no"), 2),
    ],
    ids=repr,
)
def test_every_ending_has_its_exit_code(raised: BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(_: object) -> int:
        raise raised

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(verbs, "run_verb", ends)
    assert command.main(["lab", "status"]) == status
    assert {number: signal.getsignal(number) for number in before} == before, "whoever called us ends as before"


INTERRUPTED_IMPORT = """
import os, signal, sys
from cli.entry import main

class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["cli.main", "argparse", "cli.doctor"], ids=["first", "second", "the command's own"])
def test_an_interrupt_while_modules_are_imported_is_no_trace_of_code(module: str) -> None:
    program = INTERRUPTED_IMPORT.format(module=module)
    done = subprocess.run([sys.executable, "-c", program, "doctor"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@needs_root
def test_a_reader_that_has_gone_is_no_trace_of_code(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "doctor"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (1, "")


@needs_root
def test_every_fault_is_told_with_its_parameters_also_where_no_lab_is(tmp_path: Path) -> None:
    done = _rempart("lab", "fault", "list", state=tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert "member-frozen\n    the member hangs" in done.stdout
    assert "    delay=50 ms          added to each frame, in each direction (0 to 2000)" in done.stdout
    assert "    daemon=ha_agent      which (ha_agent, conntrackd, charon, openvpn)" in done.stdout
