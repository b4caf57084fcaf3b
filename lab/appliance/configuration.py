"""The configuration on the appliance: read, refused when it is broken, and a copy kept of what was applied.

A command looks at the findings of the files that it applies, and at no others: a mistake in ``VPN/peer`` does not keep
``enfilter`` from working.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.appliance import leases, paths
from lab.appliance.errors import ApplianceError, Refused
from sns.errors import ConfigurationNotFound
from sns.model import Configuration, Severity
from sns.rereading import Rereader

Concern = Callable[[str], bool]
"""Whether a command applies the file of this name (relative to ConfigFiles)."""

NETWORK_FILES = ("object", "objectgroup", "router", "network", "route", "dns")


_reader = Rereader()


def load(root: Path | None = None) -> Configuration:
    """ConfigFiles (or what is in ``root``), DHCP addresses as they are. Raises ApplianceError for a missing folder.

    What the process read last serves as long as no byte of it differs: some commands are run in one after the other.
    """
    try:
        return _reader.read(root or paths.CONFIG, leases=leases.by_section())
    except ConfigurationNotFound as error:
        raise ApplianceError(str(error)) from error


def check(configuration: Configuration, concerns: Concern) -> None:
    """Refuse a configuration with errors in the files of concern, all at once; tell the rest on standard error.

    Raises Refused.
    """
    found = [finding for finding in configuration.findings if concerns(finding.location.file)]
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors:
        raise Refused(errors)
    for finding in found:
        print(f"{finding.severity.value}: {finding}", file=sys.stderr)


def record(*names: str) -> None:
    """Keep a copy of these files and folders of ConfigFiles as the applied ones; without names, of all."""
    if not names:
        names = tuple(entry.name for entry in paths.CONFIG.iterdir())
        for gone in {entry.name for entry in _entries(paths.RUNNING)} - set(names):
            _remove(paths.RUNNING / gone)
    paths.RUNNING.mkdir(parents=True, exist_ok=True)
    for name in names:
        _remove(paths.RUNNING / name)
        source = paths.CONFIG / name
        if source.is_dir():
            shutil.copytree(source, paths.RUNNING / name)
        elif source.exists():
            shutil.copy2(source, paths.RUNNING / name)


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """One command at a time applies something; a second one waits."""
    paths.STATE.mkdir(parents=True, exist_ok=True)
    with (paths.STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.exists() else iter(())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
