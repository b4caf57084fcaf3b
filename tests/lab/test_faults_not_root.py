"""Without root: what needs none works, what needs it says so, in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.own_machine import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")

# A real process of nobody's. It may read what is root's, as the interpreter may live in root's home; and nothing else.
NOBODY = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--",
)  # fmt: skip
NEEDS_ROOT = "the lab needs root: it makes network namespaces and wires. Run the same command with sudo"
# What builds a lab, sends its packets and makes its reports. Requests, the least of them, take 0.2 s to import.
HEAVY = {"cryptography", "docker", "jinja2", "openstack", "requests", "scapy", "trestle", "weasyprint"}


def _as_nobody(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NOBODY, sys.executable, "-m", *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "verb",
    [("up",), ("status",), ("down", "--all"), ("exec", "web-sbg7", "true"), ("shell", "web-sbg7"), ("capture", "internet")],
)
def test_every_verb_of_the_lab_says_that_it_needs_root(verb: tuple[str, ...]) -> None:
    done = _as_nobody("cli.main", "lab", *verb)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"rempart: {NEEDS_ROOT}\n")


def test_the_doctor_says_so_too_and_looks_at_all_the_rest() -> None:
    done = _as_nobody("cli.main", "doctor")

    assert done.returncode == 1
    assert " missing  root                        uid 65534\n          needed for the lab: run with sudo" in done.stdout
    assert "disk space for the image" in done.stdout
    assert done.stderr == ""


@pytest.fixture(scope="module")
def collected() -> subprocess.CompletedProcess[str]:
    """The features, collected by nobody; on standard error stands what was imported for it."""
    return _as_nobody("pytest", "features/", "--collect-only", "-q", "-p", "no:cacheprovider", PYTHONPROFILEIMPORTTIME="1")


def test_collecting_the_features_needs_neither_root_nor_docker(collected: subprocess.CompletedProcess[str]) -> None:
    assert collected.returncode == 0, collected.stdout + collected.stderr
    assert "tests collected" in collected.stdout


def test_collecting_the_features_imports_nothing_that_it_could_do_without(
    collected: subprocess.CompletedProcess[str],
) -> None:
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in collected.stderr.splitlines()}

    assert "pytest_bdd" in imported  # so these are the names of what was imported
    assert not imported & HEAVY  # what keeps it under the two seconds that `make bench` measures


def test_features_are_errors_that_say_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    done = _as_nobody("pytest", "features/publication.feature", "-q", "-p", "no:cacheprovider", "--runs", str(tmp_path))

    assert done.returncode == 1
    assert f"the environment did not start: {NEEDS_ROOT}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
