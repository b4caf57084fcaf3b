"""The first line of a record: which tool, of which commit, on which machine, tested which files."""

from __future__ import annotations

import hashlib
import platform
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.entries import Plan, Run
from steps.plugins import clock, collection, gating, instances, surroundings

if TYPE_CHECKING:
    from provisioning.redaction import Redaction

DEFAULT_RUNS = "reports/runs"

_FOLDER = pytest.StashKey[Path]()
_SECRETS = pytest.StashKey["Redaction"]()
_WORKER_FOLDER = "rempart_run"
_STAMP = "%Y%m%dT%H%M%SZ"


def folder_of(config: pytest.Config) -> Path:
    """Where this run goes: ``<UTC time>-<deployment>-<six random digits>`` below ``--runs``. It is not made yet."""
    if _FOLDER not in config.stash:
        given: str = getattr(config, "workerinput", {}).get(_WORKER_FOLDER, "")
        config.stash[_FOLDER] = Path(given) if given else _new_folder(config)
    return config.stash[_FOLDER]


def tell_worker(config: pytest.Config, workerinput: dict[str, str]) -> None:
    """Tell a parallel worker where the run goes, and with that when it began."""
    workerinput[_WORKER_FOLDER] = str(folder_of(config))


def begun(config: pytest.Config) -> str:
    """When the run began (UTC, ISO 8601), the same in all of its workers: as the name of its folder says."""
    stamp = folder_of(config).name.partition("-")[0]
    moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _new_folder(config: pytest.Config) -> Path:
    named: str | None = config.getoption("--runs")
    base = config.invocation_params.dir / named if named else config.rootpath / DEFAULT_RUNS
    stamp = datetime.now(UTC).strftime(_STAMP)
    return base / f"{stamp}-{instances.deployment_folder(config).name}-{secrets.token_hex(3)}"


def header(config: pytest.Config, run: str) -> Run:
    """The header of a run of this name."""
    folder = instances.deployment_folder(config)
    files = hashes(folder)
    commit, dirty = _commit(config.rootpath)
    kept = clock.look()
    return Run(
        at=begun(config),
        run=run,
        tool=_tool(),
        commit=commit,
        dirty=dirty,
        python=platform.python_version(),
        platform=platform.platform(),
        deployment=folder.name,
        deployment_hash=hash_of_list(files),
        deployment_files=files,
        lab=config.getoption("--lab"),
        operator=config.getoption("--operator"),
        role=config.getoption("--role"),
        arguments=tuple(str(argument) for argument in config.invocation_params.args),
        clock=clock.SOURCE,
        clock_synchronised=kept.synchronised,
        clock_error_ms=kept.error_ms,
    )


def known_secrets(config: pytest.Config) -> Redaction:
    """What is known to be secret before anything is started, found once."""
    if _SECRETS not in config.stash:
        arguments = [str(argument) for argument in config.invocation_params.args]
        config.stash[_SECRETS] = surroundings.known_secrets(instances.deployment_of(config), arguments)
    return config.stash[_SECRETS]


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by path relative to it, in order."""
    return {path.relative_to(folder).as_posix(): hash_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def hash_of(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def plan(config: pytest.Config, items: Sequence[pytest.Item], left_out: Sequence[pytest.Item]) -> Plan:
    """What is going to run, and what was left out."""
    return Plan(
        planned=tuple(item.name for item in items),
        deselected=len(left_out),
        campaign=sum(map(instances.is_campaign, left_out)),
        features={collection.relative(path, config): hash_of(path) for path in sorted({item.path for item in items})},
        unaffected=gating.unaffected(config),
    )


def hash_of_list(files: Mapping[str, str]) -> str:
    """The SHA-256 of what ``sha256sum`` prints for these files, whose hashes are known, in order of their paths."""
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def _tool() -> str:
    try:
        return f"rempart {version('rempart')}"
    except PackageNotFoundError:
        return "rempart, not installed"


def _commit(root: Path) -> tuple[str, bool]:
    """The commit that is checked out and whether files differ from it; "" outside a git work tree."""
    git = ["git", "--no-optional-locks", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return head.stdout.strip(), bool(status.stdout.strip())
