"""A small project of features and steps in a temporary folder, with a fake deployment and a fake environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.record import Record, read

ROOT = Path(__file__).parent.parent.parent

_CONFTEST = """
import json
from collections import namedtuple
from datetime import date
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.register_assert_rewrite("steps")

from reports import renderings
from steps.plugins import PLUGINS, surroundings

HERE = Path(__file__).parent
FAKE = json.loads((HERE / "fake.json").read_text())


class Deployment:
    name, folder, sites, secrets = "guide", HERE, {}, {}

    def axis(self, name):
        return FAKE["axes"].get(name, [])

    def without(self, condition, axis, identifier):
        return [identifier] if identifier in FAKE["without"].get(condition, []) else []


Piece = namedtuple("Piece", "name content what")


class Environment:
    kind = FAKE["kind"]
    capabilities = frozenset(FAKE["capabilities"])

    def begin_scenario(self):
        log("capture")

    def evidence(self, title, steps):
        said = "; ".join([title, *(sentence for _, sentence in steps)])
        yield Piece("internet.pcapng", said.encode(), "capture at internet")
        if FAKE["loses_frames"]:
            from lab.errors import CaptureIncomplete

            raise CaptureIncomplete("web:eth0: 3 frames were dropped")

    def rules(self):
        return {"sbg7": {"Filter/05:2": "block from any to any"}}

    def exercised(self):
        return {"sbg7": SimpleNamespace(places={"Filter/05:2": 1}, whole=True)}

    def logs(self):
        yield Piece("log-web.txt", "with the password s3cret", "what the logs of web gained")

    def hide(self, *secrets):
        self.hidden = secrets

    def members(self):
        if FAKE["unreadable_members"]:
            from lab.errors import LabError

            raise LabError("fw1-sbg7 does not answer")
        yield SimpleNamespace(name="fw1-sbg7", site="sbg7", firmware="simulated", files={"ConfigFiles/object": "0" * 64})

    def redact(self, text):
        for one in ("s3cret", *self.hidden):
            text = text.replace(one, "[removed]")
        return text


def log(what):
    with (HERE / "environment.log").open("a") as file:
        file.write(what + "\\n")


@contextmanager
def open_environment(deployment, *, lab, run, progress):
    if FAKE["refuses"]:
        raise surroundings.Unusable(FAKE["refuses"])
    progress("booting the hosts")
    log(f"up {lab}")
    try:
        yield Environment()
    finally:
        log("down")


@contextmanager
def open_deployment_itself(deployment, *, cloud, reach, progress):
    log(f"attached to {cloud}")
    yield Environment()


def gates(deployment, file):
    if FAKE["open_gates"]:
        raise surroundings.Unusable(f"{file.name}:1: {FAKE['open_gates']}: open")
    yield SimpleNamespace(id="vrack", what="one vRack", who="Ada", day=date(2026, 11, 20), saw="pn-1234 has both")


def load_deployment(folder):
    if FAKE["unusable"]:
        raise surroundings.Unusable(FAKE["unusable"])
    return Deployment()


surroundings.load_deployment = load_deployment
surroundings.capabilities = lambda deployment, target: frozenset(FAKE["capabilities"] if target == "lab" else ())
surroundings.open_environment = open_environment
surroundings.remove_abandoned = lambda: log("swept") or ["ab12cd"]
surroundings.open_deployment_itself = open_deployment_itself
surroundings.gates = lambda deployment, file: list(gates(deployment, file))
surroundings.reached = lambda deployment: ["sbg7 in SBG7: firewall 192.0.2.1"]
surroundings.is_not_here = lambda error: type(error).__name__ == "NotHere"
surroundings.outline = lambda deployment: {"sites": (), "segments": (), "hosts": ()}
if not FAKE["renders"]:
    renderings.LEFT_BY_A_RUN = ("junit",)
pytest_plugins = [*PLUGINS, "sentences"]
"""

_SENTENCES = """
from pytest_bdd import given, parsers, step, then, when
from steps.eventually import eventually
from steps.verdict import Inconclusive, Refuted
"""

_SETTINGS = """
[pytest]
strict = true
filterwarnings = error
addopts = -p no:cacheprovider -p pytest_bdd.plugin -p xdist.plugin
"""

# Plugins that nothing here wants cost each run a fifth of its time.
_ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "PYTHONDONTWRITEBYTECODE": "",
    "COLUMNS": "110",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}

DEFAULT = """
@given("a host")
def _host(environment): ...

@when("it does something")
def _act(): ...

@then("all is well")
def _well(record):
    record.observe("all", expected="well", observed="well")
"""
"""Sentences for tests that are about something else."""

SITES = {"site": ["sbg7", "gra11"], "tunnel": ["sbg7-gra11"], "pool": ["udp", "tcp"]}


@dataclass(frozen=True)
class Finished:
    """How a run ended and what it printed."""

    status: int
    output: str


@dataclass(frozen=True)
class Tree:
    """The project. ``run`` calls pytest in it."""

    folder: Path
    features: tuple[str, ...]

    @classmethod
    def plant(
        cls,
        folder: Path,
        features: Mapping[str, str],
        sentences: str = DEFAULT,
        *,
        axes: Mapping[str, Sequence[str]] = SITES,
        without: Mapping[str, Sequence[str]] | None = None,
        capabilities: Sequence[str] = ("disruption",),
        kind: str = "lab",
        refuses: str = "",
        unusable: str = "",
        loses_frames: bool = False,
        unreadable_members: bool = False,
        open_gates: str = "",
        complete: bool = False,
        renders: bool = False,
    ) -> Tree:
        """Write the files of a project.

        Unless it is ``complete`` there is one feature more, which nobody runs: then no step is held to be unused.
        Only one that ``renders`` makes its record into pages, which takes a run more time than all the rest of it.
        """
        fake = {
            "axes": axes,
            "without": without or {},
            "capabilities": capabilities,
            "kind": kind,
            "refuses": refuses,
            "unusable": unusable,
            "loses_frames": loses_frames,
            "unreadable_members": unreadable_members,
            "open_gates": open_gates,
            "renders": renders,
        }
        (folder / "fake.json").write_text(json.dumps(fake))
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "pytest.ini").write_text(_SETTINGS)
        (folder / "sentences.py").write_text(_SENTENCES + textwrap.dedent(sentences))
        plan = folder / "deployments" / "guide" / "deployment.toml"
        plan.parent.mkdir(parents=True)
        plan.write_text('name = "guide"\n')
        (folder / "features").mkdir()
        for name, text in features.items():
            (folder / "features" / name).write_text(textwrap.dedent(text).lstrip("\n"))
        if not complete:
            (folder / "features" / "unread.feature").write_text("")
        return cls(folder, tuple(f"features/{name}" for name in features))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start pytest with these arguments and let it run."""
        return self.start_command(sys.executable, "-m", "pytest", *arguments)

    def start_command(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the project's folder and let it run."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | _ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> Finished:
        """Call pytest with these arguments; by default, its features."""
        return self.finish(self.start(*(arguments or self.features)))

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for what was started."""
        output, _ = process.communicate(timeout=180)
        return Finished(process.returncode, output)

    @property
    def runs(self) -> list[Path]:
        """The folders of the runs so far."""
        return sorted((self.folder / "reports" / "runs").glob("*"))

    def record(self) -> Record:
        """The record of the only run."""
        (only,) = self.runs
        return read(only)

    @property
    def environment_log(self) -> list[str]:
        """What happened to the fake environment: up, down."""
        path = self.folder / "environment.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line != "capture"]


def feature(*scenarios: str, tags: str = "") -> str:
    """A feature of these scenarios."""
    return "\n".join([tags, "Feature: Something holds", *(textwrap.dedent(one).strip("\n") for one in scenarios)]).lstrip("\n")
