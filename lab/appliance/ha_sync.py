"""``hasync``: make the peer's configuration identical to ours, over the HA link. Nothing else ever copies it.

Only the active member sends, for the passive one would spread what nobody works with. The receiver checks what came as if it
had been edited there, replaces its own folders whole, and applies what differs; a configuration with errors stays where it is.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from lab.appliance import changes, ha_channel, ha_cluster, ha_files, leases, paths
from lab.appliance import configuration as configurations
from lab.appliance.errors import ApplianceError, Misused, Refused
from lab.appliance.ha_channel import Channel
from lab.appliance.ha_cluster import SYNC_PORT, Place
from lab.appliance.ha_control import ask
from lab.appliance.ha_files import SYNCHRONISED
from sns.model import Configuration, Severity
from sns.reader import read

_INCOMING = paths.FIREWALL / "incoming"  # on the file system of what it replaces: a full one is noticed before that
_WITHIN = 30.0  # s for the peer to check, replace and apply
_LOOK_EVERY = 0.5  # s between two looks at whether the member's address is another

_libc = ctypes.CDLL(None, use_errno=True)
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


def main(arguments: list[str]) -> int:
    """``hasync``: send, wait until the peer has applied, and say what was copied. 1 when it was not, with the reason."""
    if arguments:
        raise Misused("hasync")
    configuration = configurations.load()
    if not configuration.ha.enabled:
        raise ApplianceError("hasync: high availability is off (HA/highavailability: State): there is no other member")
    _refuse_broken(configuration)
    place = ha_cluster.place(configuration)
    _refuse_from_here(ask("status"), place)
    digest, archive = ha_files.digest().hex(), pack()
    answer = _send(place, archive)
    if refused := answer.get("refused"):
        raise ApplianceError("\n".join([f"hasync: {place.peer.serial} refused, and keeps what it had:", *refused]))
    for path in answer["replaced"]:
        print(f"  {path}")
    for path in answer["removed"]:
        print(f"  {path} (removed)")
    changed = len(answer["replaced"]) + len(answer["removed"])
    print(f"{changed or 'no'} file{'' if changed == 1 else 's'} differed on {place.peer.serial}")
    if failures := answer["failures"]:
        raise ApplianceError("\n".join([f"hasync: {place.peer.serial} has the files but did not apply all:", *failures]))
    if answer["digest"] != digest:
        raise ApplianceError("hasync: the configuration was changed meanwhile; the members differ, run it again")
    ask(f"synchronised {digest}")
    print(f"Synchronised: both members are identical ({digest})")
    return 0


def _refuse_from_here(status: Mapping[str, Any], place: Place) -> None:
    mode = status["local"]["mode"]
    if mode != "active":
        raise ApplianceError(
            f"hasync: this member ({place.own.serial}) is {mode}: only the active one gives its configuration away, "
            f"run hasync on {place.peer.serial} ({place.peer.address})"
        )
    if status["link"] != "OK":
        raise ApplianceError(
            f"hasync: {place.peer.serial} ({place.peer.address}) does not answer on the HA link; nothing was sent"
        )


def _refuse_broken(configuration: Configuration) -> None:
    errors = [finding for finding in configuration.findings if finding.severity is Severity.ERROR]
    if errors:
        raise Refused(errors)


def pack() -> bytes:
    """All synchronised files, named from the root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in ha_files.files():
            archive.add(path, arcname=str(path.relative_to("/")), recursive=False)
    return buffer.getvalue()


def _send(place: Place, archive: bytes) -> dict[str, Any]:
    with ha_channel.call(str(place.peer.address), SYNC_PORT, place.secret, within=_WITHIN) as channel:
        channel.send(archive)
        answer: dict[str, Any] = json.loads(channel.receive())
    return answer


# The other end -------------------------------------------------------------------------------------------------------


def serve(place: Callable[[], Place]) -> None:
    """Receive, one configuration at a time, until the member has another address; runs in the agent's worker.

    Raises OSError while it does not have the address, and ApplianceError.
    """
    address = place().own.address
    server, context = ha_channel.listen(str(address), SYNC_PORT)
    with server:
        server.settimeout(_LOOK_EVERY)
        while place().own.address == address:
            try:
                connection, _ = server.accept()
                with ha_channel.answer(connection, context, place().secret, within=_WITHIN) as channel:
                    _take(channel)
            except TimeoutError:
                continue
            except ApplianceError as error:
                print(f"hasync: {error}", file=sys.stderr, flush=True)


def _take(channel: Channel) -> None:
    archive = channel.receive()
    try:
        answer = receive(archive)
    except (Refused, ApplianceError) as error:
        answer = {"refused": str(error).splitlines()}
    except (OSError, tarfile.TarError) as error:
        answer = {"refused": [f"it cannot be unpacked here: {error}"]}
    channel.send(json.dumps(answer).encode())


def receive(archive: bytes) -> dict[str, Any]:
    """Check, replace and apply a configuration; what to answer. Raises Refused when it has errors: nothing is changed."""
    shutil.rmtree(_INCOMING, ignore_errors=True)
    try:
        unpack(archive, _INCOMING)
        return _put_in_place()
    finally:
        shutil.rmtree(_INCOMING, ignore_errors=True)


def replace_all(archive: bytes) -> None:
    """Check a configuration and put it in place of ours without applying it: who joins starts again. Raises Refused."""
    shutil.rmtree(_INCOMING, ignore_errors=True)
    try:
        unpack(archive, _INCOMING)
        _refuse_broken(read(_fresh(paths.CONFIG), leases=leases.by_section()))
        for folder in SYNCHRONISED:
            _replace(folder, _fresh(folder))
    finally:
        shutil.rmtree(_INCOMING, ignore_errors=True)


def _put_in_place() -> dict[str, Any]:
    _refuse_broken(read(_fresh(paths.CONFIG), leases=leases.by_section()))
    replaced, removed = _differences()
    failures: list[str] = []
    if replaced or removed:
        for folder in SYNCHRONISED:
            _replace(folder, _fresh(folder))
        failures = list(changes.apply(changes.commands_for([*replaced, *removed])))
    digest = ha_files.digest().hex()
    with suppress(ApplianceError):  # it will see the files by itself
        ask(f"synchronised {digest}")
    return {"replaced": replaced, "removed": removed, "failures": failures, "digest": digest}


def unpack(archive: bytes, target: Path) -> None:
    """Unpack plain files of the synchronised folders below ``target``. Raises ApplianceError for anything else."""
    allowed = [PurePosixPath(folder.relative_to("/")) for folder in SYNCHRONISED]
    for folder in allowed:
        (target / folder).mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for entry in files:
            name = PurePosixPath(entry.name)
            if not entry.isreg() or ".." in name.parts or not any(name.is_relative_to(folder) for folder in allowed):
                raise ApplianceError(f"{entry.name} is no configuration file")
            content = files.extractfile(entry)
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read() if content else b"")
            path.chmod(entry.mode & 0o777)


def _fresh(folder: Path) -> Path:
    return _INCOMING / folder.relative_to("/")


def _differences() -> tuple[list[str], list[str]]:
    """What the incoming files change: replaced or new ones, and those that go. Named as people do (``Filter/05``)."""
    ours = {path: path.read_bytes() for path in ha_files.files()}
    theirs = {Path("/") / path.relative_to(_INCOMING): path.read_bytes() for path in _plain_files(_INCOMING)}
    replaced = sorted(_named(path) for path, content in theirs.items() if ours.get(path) != content)
    return replaced, sorted(_named(path) for path in ours.keys() - theirs.keys())


def _plain_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _named(path: Path) -> str:
    root = paths.CONFIG if path.is_relative_to(paths.CONFIG) else paths.FIREWALL
    return str(path.relative_to(root))


def _replace(folder: Path, fresh: Path) -> None:
    """Exchange two folders, at once: a member that loses power has the one or the other. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if _libc.renameat2(_HERE, os.fsencode(folder), _HERE, os.fsencode(fresh), _EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), f"cannot replace {folder}")
