"""``hainfo``: the state of the cluster as this member knows it."""

from __future__ import annotations

import json
import socket
from typing import Any

from lab.appliance import ha_cluster
from lab.appliance.errors import ApplianceError, Misused

_FIELDS = ("serial", "mode", "quality", "priority", "forced")


def main(arguments: list[str]) -> int:
    """``hainfo [--json]``, and ``hainfo switch | force active|passive|none`` for the administrator's word."""
    match arguments:
        case []:
            _show(ask("status"))
        case ["--json"]:
            print(json.dumps(ask("status")))
        case ["switch"]:
            ask("switch")
        case ["force", ("active" | "passive" | "none") as mode]:
            ask(f"force {mode}")
        case _:
            raise Misused("hainfo [--json] | switch | force active|passive|none")
    return 0


def ask(request: str) -> dict[str, Any]:
    """The agent's answer. Raises ApplianceError when there is none, or when it refuses."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            connection.connect(str(ha_cluster.CONTROL))
            connection.sendall(request.encode())
            answer: dict[str, Any] = json.loads(connection.makefile().read())
    except (OSError, ValueError) as error:
        raise ApplianceError(f"the HA agent does not answer ({error}): is HA enabled here?") from error
    if "error" in answer:
        raise ApplianceError(str(answer["error"]))
    return answer


def _show(status: dict[str, Any]) -> None:
    columns = [status["local"], status["peer"] or {}]
    print(f"{'':<14}{'this member':<20}{'peer':<20}")
    for field in _FIELDS:
        print(f"{field:<14}{columns[0][field]!s:<20}{columns[1].get(field, 'unknown')!s:<20}")
    synchronised = {True: "yes", False: "no", None: "unknown"}[status["synchronised"]]
    print(f"\nHA link: {status['link']}\nSynchronised: {synchronised}")
