"""The agent's control socket: one line asked, one JSON object answered. ``hainfo`` and ``hasync`` speak it.

    status                          what this member knows of itself and of its peer
    switch                          hand the active role over
    force active|passive|none       the administrator's word, until it is taken back or the agent restarts
    synchronised HEX                hasync made both configurations this digest
    quiet SECONDS                   one lease for so long and no renewal meanwhile; 0 ends it
    reload                          the HA files or the interfaces changed

An answer with ``error`` is a refusal, in words for the administrator.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from lab.appliance import paths
from lab.appliance.errors import ApplianceError

TYPE_CHECKING = False  # as in lab.appliance.errors
if TYPE_CHECKING:
    from typing import Any

CONTROL = paths.RUN / "ha.sock"
_LONGEST = 256
_PATIENCE = 2.0  # s for the agent's answer


def ask(request: str) -> dict[str, Any]:
    """The agent's answer. Raises ApplianceError when there is none, or when it refuses."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(CONTROL))
            connection.sendall(request.encode() + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile().read())
    except (OSError, ValueError) as error:
        raise ApplianceError(
            f"the HA agent does not answer ({error}): is high availability on (HA/highavailability State=1), and does "
            "/log/l_ha tell of a failure?"
        ) from error
    if "error" in answer:
        raise ApplianceError(str(answer["error"]))
    return answer


class ControlSocket:
    """The agent's side. It never waits for a client: who is slow to ask is not listened to."""

    def __init__(self) -> None:
        CONTROL.unlink(missing_ok=True)
        CONTROL.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(CONTROL))
        self.socket.listen(8)
        self.socket.setblocking(False)

    def accept(self) -> socket.socket | None:
        """A client who wants to ask."""
        try:
            client, _ = self.socket.accept()
        except OSError:
            return None
        client.setblocking(False)
        return client

    def serve(self, client: socket.socket, answer: Callable[[list[str]], Mapping[str, object]]) -> None:
        """Read the client's line, answer and hang up."""
        with client:
            try:
                words = client.recv(_LONGEST).decode(errors="replace").split()
            except OSError:
                return  # it hung up before it asked
            answered = json.dumps(answer(words)).encode()  # what fails there is no matter of the client's
            with suppress(OSError):  # it hung up before we did
                client.sendall(answered)
