"""Whose a lab is: claim a run, mark a lab that is to stay, find what dead owners left, and remove all of a run.

A lab belongs to the process that brings it up, and goes with it; its containers carry that process's identity. One that
was asked to stay is marked in its folder, and only once it is whole: a process that is killed half-way leaves nothing
that could pass for a lab. What belongs to nobody is removed by the next ``up``, and nothing else is.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lab import engine as engines
from lab import private_engine
from lab.engine import LABEL, Engine
from lab.errors import LabError, NotRoot
from lab.signals import Undisturbed
from lab.state import is_alive, locked, process_identity, state_folder, writing

OWNER = "rempart.owner"
"""Label: the identity of the process that brought the lab up."""
FOLDER = "rempart.folder"
"""Label: the lab's folder. Another user of the same engine may keep its labs elsewhere."""
KEPT = ""
"""The owner of a lab that was asked to stay."""

_OWNER_FILE = "owner"
_KEPT_FILE = "kept"
KEEPER_FILE = "keeper"
"""The identity of a process that keeps something for the lab, and ends when it is told to (:func:`remove` does)."""
_ENDS_WITHIN = 20.0  # s: a control plane takes 1


def lab_folder(run: str) -> Path:
    """Where a run keeps its own facts and secrets, readable by root alone."""
    return state_folder() / "labs" / run


def new_run() -> str:
    """A run's name: unlikely to meet another's, short enough for people."""
    return secrets.token_hex(3)


def labels(run: str) -> dict[str, str]:
    """What every container of a run carries: whoever creates it, its owner is the one who claimed the run."""
    return {LABEL: run, OWNER: _read(lab_folder(run) / _OWNER_FILE) or _me(), FOLDER: str(lab_folder(run))}


def require_root() -> None:
    """Raise NotRoot when we may not touch labs."""
    if os.geteuid() != 0:
        raise NotRoot("the lab needs root: it makes network namespaces and wires. Run the same command with sudo")


@contextmanager
def claimed(*, keep: bool = False) -> Iterator[str]:
    """A new run, and a folder for it. What fails inside takes all of the run with it; else it stays when it is to be kept.

    Raises NotRoot, and StateUnavailable when the folder cannot be made.
    """
    require_root()
    run = new_run()
    folder = lab_folder(run)
    try:
        with locked("labs"), writing(folder):
            folder.mkdir(parents=True, mode=0o700)
            (folder / _OWNER_FILE).write_text(_me())
        yield run
        if keep:
            with writing(folder):
                (folder / _KEPT_FILE).touch()
    except BaseException:
        with suppress(LabError):  # what it cannot remove now, the next `up` does
            remove(run)
        raise


def running() -> dict[str, str]:
    """All labs of this machine: run -> owner's process identity, KEPT for those that were asked to stay.

    Raises EngineUnavailable when the engine that has them died and does not start again.
    """
    with locked("engine"):
        engine = engines.find()
    if engine is None:
        return {}
    summaries = engine.containers()
    engine.close()
    return {summary["Labels"][LABEL]: KEPT if _is_kept(summary) else _owner(summary) for summary in summaries}


def remove(run: str) -> int:
    """Remove all that a run owns; the number of containers there were. A first Ctrl-C waits for its end."""
    with Undisturbed():
        end_keeper(run)
    with Undisturbed(), locked("engine"):
        # Half removed it is no lab any more: if we are killed now, the next `up` does the rest.
        (lab_folder(run) / _KEPT_FILE).unlink(missing_ok=True)
        identities: list[str] = []
        if (engine := engines.find()) is not None:
            identities = [summary["Id"] for summary in engine.containers(run)]
            engine.remove(identities)
            engine.close()
            engines.stop_private()
        shutil.rmtree(lab_folder(run), ignore_errors=True)
    return len(identities)


def is_wanted(run: str) -> bool:
    """Whether a run is there for somebody: it is to stay, or whoever claimed it lives."""
    folder = lab_folder(run)
    return (folder / _KEPT_FILE).exists() or is_alive(_read(folder / _OWNER_FILE))


def end_keeper(run: str) -> None:
    """End the process that keeps something for a lab, when there is one; it needs the lab no longer."""
    keeper = _read(lab_folder(run) / KEEPER_FILE)
    if not is_alive(keeper):
        return
    with suppress(ProcessLookupError):
        os.kill(int(keeper.partition(":")[0]), signal.SIGTERM)
    deadline = time.monotonic() + _ENDS_WITHIN
    while is_alive(keeper) and time.monotonic() < deadline:
        time.sleep(0.02)


def remove_abandoned() -> list[str]:
    """Remove what dead owners left behind; the runs there were."""
    with Undisturbed(), locked("engine"):
        engine = engines.find()
        found = sweep(engine)
        if engine is not None:
            engine.close()
            engines.stop_private()
    return found


def sweep(engine: Engine | None) -> list[str]:
    """Remove labs and folders of dead owners, and no others; the runs there were. Hold the ``engine`` lock."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for summary in engine.containers() if engine else ():
        runs.setdefault(summary["Labels"][LABEL], []).append(summary)
    abandoned = [run for run, summaries in runs.items() if _is_abandoned(summaries)]
    for run in abandoned:
        if engine:
            engine.remove(summary["Id"] for summary in runs[run])
        shutil.rmtree(_folder(runs[run][0]), ignore_errors=True)
    return [*abandoned, *_sweep_folders(runs)]


def _sweep_folders(has_containers: Mapping[str, object]) -> list[str]:
    """Remove the folders of runs that were killed before they had a container."""
    removed = []
    labs = state_folder() / "labs"
    with locked("labs"):
        for folder in labs.iterdir() if labs.is_dir() else ():
            if folder.name in has_containers or (folder / _KEPT_FILE).exists() or is_alive(_read(folder / _OWNER_FILE)):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return removed


def wipe() -> None:
    """Remove the image, the private engine with its data, and all else that labs share. No lab may be left.

    Raises LabError when one is.
    """
    with Undisturbed(), locked("image"), locked("engine"):
        engine = engines.find()
        if engine is not None:
            left = {summary["Labels"][LABEL] for summary in engine.containers()}
            if left:
                engine.close()
                raise LabError(f"the image stays: lab {', '.join(sorted(left))} is still in use by a running process")
            from lab.image import REPOSITORY

            for reference in engine.images(REPOSITORY):
                engine.remove_image(reference)
            engine.close()
            engines.stop_private()
        private_engine.wipe()
        state = state_folder()
        for name in ("image", "pycache", "labs"):
            shutil.rmtree(state / name, ignore_errors=True)
        for lock in state.glob("*.lock"):
            lock.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps other things there
            state.rmdir()


def _me() -> str:
    return process_identity(os.getpid()) or ""


def _owner(summary: Mapping[str, Any]) -> str:
    return str(summary["Labels"].get(OWNER, ""))


def _folder(summary: Mapping[str, Any]) -> Path:
    return Path(summary["Labels"].get(FOLDER) or lab_folder(summary["Labels"][LABEL]))


def _is_kept(summary: Mapping[str, Any]) -> bool:
    return (_folder(summary) / _KEPT_FILE).exists()


def _is_abandoned(summaries: list[Mapping[str, Any]]) -> bool:
    """Whether nobody has these containers any more: their owner is dead, and they are no lab that was to stay and runs."""
    if is_alive(_owner(summaries[0])):
        return False
    return not (_is_kept(summaries[0]) and any(summary["State"] == "running" for summary in summaries))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def write_facts(run: str, name: str, facts: Mapping[str, object]) -> None:
    """Keep facts of a run for whoever attaches to it. Raises StateUnavailable."""
    path = lab_folder(run) / name
    with writing(path):
        path.write_text(json.dumps(facts))
