"""Writes the run's record as the run goes, and gives steps the ``record`` fixture.

The run's folder is made when the first scenario begins, so that runs of other tests leave nothing. Parallel workers all
append to the one record; the controller ends it, and renders it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reports import junit, summary
from reports.entries import End, Entry, EnvironmentUp, Event, Observation, Outcome, Plan, RecordError, Run, Verdict
from reports.entries import Scenario as ScenarioEntry
from reports.entries import Step as StepEntry
from reports.record import Record, Writer, read
from steps.eventually import SYSTEM_CLOCK, Clock, late, watch
from steps.plugins import collection, instances, verdicts
from steps.verdict import File, Prediction, Refuted, words

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

T = TypeVar("T")

DEFAULT_RUNS = "reports/runs"

RECORDER = pytest.StashKey["Recorder"]()
_WORKER_FOLDER = "rempart_run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs are recorded, and who runs them."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption("--runs", metavar="DIR", help=f"where each run gets its folder (default: {DEFAULT_RUNS})")
    group.addoption("--operator", metavar="NAME", default="", help="who runs this, for the record")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the recorder; nothing is written yet."""
    config.stash[RECORDER] = Recorder(config)
    config.pluginmanager.register(config.stash[RECORDER], "rempart-recorder")
