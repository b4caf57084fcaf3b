"""``hasync``: make the peer's configuration identical to ours, over the HA link.

The files travel as an archive under an HMAC with the cluster's password. The peer replaces its own and applies them; a
member that is not active refuses to send, for it would spread what nobody works with.
"""

from __future__ import annotations

import hmac
import io
import shutil
import socket
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

from lab.appliance import configuration as configurations
from lab.appliance import ha_cluster, paths
from lab.appliance.errors import ApplianceError, Misused
from lab.appliance.ha_cluster import SYNC_PORT, Place
from lab.appliance.ha_info import ask

_TAG = 32
_COMMANDS = (("ennetwork",), ("enfilter", "-u"), ("envpn", "-u"), ("enopenvpn",), ("enservice",))


def main(arguments: list[str]) -> int:
    """``hasync``: send, wait until the peer has applied, and say so."""
    if arguments:
        raise Misused("hasync")
    status = ask("status")
    if status["local"]["mode"] != "active":
        raise ApplianceError("hasync: this member is passive; run it on the active one")
    if status["link"] != "OK":
        raise ApplianceError("hasync: the peer does not answer on the HA link; nothing was sent")
    place = ha_cluster.place(configurations.load())
    archive = pack()
    answer = _send(place, archive)
    if answer != "synchronised":
        raise ApplianceError(f"hasync: the peer refused: {answer}")
    ask("synchronised")
    count = sum(1 for _ in ha_cluster.files())
    print(f"{count} files sent to {place.peer.serial}; both members are identical ({ha_cluster.digest().hex()})")
    return 0


def pack() -> bytes:
    """All synchronised files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in ha_cluster.files():
            archive.add(path, arcname=str(path.relative_to("/")), recursive=False)
    return buffer.getvalue()


def _send(place: Place, archive: bytes) -> str:
    tag = hmac.digest(place.secret, archive, "sha256")
    try:
        with socket.create_connection((str(place.peer.address), SYNC_PORT), timeout=20) as connection:
            connection.sendall(tag + archive)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile().read().strip() or "no answer"
    except OSError as error:
        raise ApplianceError(f"hasync: {place.peer.serial} at {place.peer.address} cannot be reached: {error}") from error


def serve(place: Place) -> None:
    """Receive for ever; runs beside the agent."""
    with socket.create_server((str(place.own.address), SYNC_PORT)) as server:
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.settimeout(20)
                received = connection.makefile("rb").read()
                connection.sendall(_receive(place, received).encode())


def _receive(place: Place, received: bytes) -> str:
    """Replace our files by those received, and apply them; what to answer."""
    tag, archive = received[:_TAG], received[_TAG:]
    if not hmac.compare_digest(tag, hmac.digest(place.secret, archive, "sha256")):
        return "made with another HA password"
    fresh = paths.STATE / "incoming"
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(fresh)  # noqa: S202 - the HMAC says that our peer made it
    for folder in ha_cluster.SYNCHRONISED:
        _replace(folder, fresh / folder.relative_to("/"))
    for command in _COMMANDS:
        done = subprocess.run(
            [str(paths.FIREWALL / "sbin" / command[0]), *command[1:]], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"{' '.join(command)}: {done.stderr.strip()}"
    with suppress(ApplianceError):
        ask("synchronised")
    return "synchronised"


def _replace(folder: Path, fresh: Path) -> None:
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    if fresh.exists():
        shutil.move(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)
