"""``hainfo``: the state of the cluster as this member knows it, and the administrator's word in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from lab.appliance import ha_files
from lab.appliance.errors import Misused
from lab.appliance.ha_control import ask

TYPE_CHECKING = False  # as in lab.appliance.errors
if TYPE_CHECKING:
    from typing import Any


def main(arguments: list[str]) -> int:
    """``hainfo [--json]``, and ``hainfo switch | force active|passive|none`` for the administrator's word."""
    match arguments:
        case []:
            print(shown(_status()))
        case ["--json"]:
            print(json.dumps(_status()))
        case ["switch"]:
            ask("switch")
        case ["force", ("active" | "passive" | "none") as mode]:
            ask(f"force {mode}")
        case _:
            raise Misused("hainfo [--json] | switch | force active|passive|none")
    return 0


def _status() -> dict[str, Any]:
    """The agent's word; our own files as they are this moment, which the agent looks at only now and then."""
    status = ask("status")
    with suppress(FileNotFoundError):  # somebody saves a file right now
        status["local"]["digest"] = ha_files.digest().hex()
    if status["peer"]:
        status["synchronised"] = status["local"]["digest"] == status["peer"]["digest"]
    return status


def shown(status: Mapping[str, Any]) -> str:
    """Both members side by side, then what they share."""
    own = status["local"]
    peer = status["peer"] or {"serial": status["peer_serial"], "ip": status["peer_ip"], "reply": 0, "link": status["link"]}
    lines = [f"{name:<18}{_value(show, own):<22}{_value(show, peer)}".rstrip() for name, show in _ROWS]
    words = {True: "yes", False: "no (hasync copies the active member's configuration)", None: "unknown"}
    lines += ["", f"{'HA link:':<18}{status['link']}"]
    if status["link"] != "OK" and status["segments"]:
        lines.append(f"{'':<18}the peer is seen on {', '.join(status['segments'])}: it lives, the HA link is down")
    return "\n".join([*lines, f"{'Synchronised:':<18}{words[status['synchronised']]}"])


def _value(show: Callable[[Mapping[str, Any]], str], member: Mapping[str, Any]) -> str:
    try:
        return show(member)
    except KeyError:
        return "-"


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "never"


_ROWS: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("Serial", lambda member: str(member["serial"])),
    ("Reply", lambda member: str(member["reply"])),
    ("Mode", lambda member: str(member["mode"]).capitalize()),
    ("State", lambda member: str(member["state"])),
    ("Forced", lambda member: {"none": "No"}.get(member["forced"], str(member["forced"]).capitalize())),
    ("Quality", lambda member: f"{member['quality']} %"),
    ("Priority", lambda member: str(member["priority"])),
    ("Ip", lambda member: str(member["ip"])),
    ("Link", lambda member: str(member["link"])),
    ("LinkStatusChanged", lambda member: _when(member["link_changed"])),
    ("Boot", lambda member: _when(member["boot"])),
    ("LastConfigSync", lambda member: _when(member["last_sync"])),
    ("LastModeChange", lambda member: _when(member["last_change"])),
    ("Configuration", lambda member: str(member["digest"])[:16]),
)
"""The fields of the product's ``HA INFO`` that mean something here (sns.md 5.6), and the configuration's hash."""
