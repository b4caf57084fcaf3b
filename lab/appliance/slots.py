"""Which policy slot is active: ``slotinfo``, and the ``Active`` token of ``Filter/slotinfo`` and ``VPN/slotinfo``."""

from __future__ import annotations

from collections.abc import Mapping

from lab.appliance import paths
from lab.appliance.errors import ApplianceError, Misused
from lab.appliance.inifile import get, set_token

_FOLDERS: Mapping[str, str] = {"filter": "Filter", "vpn": "VPN"}
_USAGE = "slotinfo -a|-n|-f|-g filter|vpn  (active slot, its name, its file, active global slot)"
MOST = 10


def main(arguments: list[str]) -> int:
    """``slotinfo``: print one fact about the active slot of a kind."""
    if len(arguments) != 2 or arguments[1] not in _FOLDERS or arguments[0] not in ("-a", "-n", "-f", "-g"):
        raise Misused(_USAGE)
    option, kind = arguments
    slot = active(kind)
    if option == "-a":
        print(f"{slot:02d}")
    elif option == "-n":
        print(name(kind, slot))
    elif option == "-f":
        print(paths.CONFIG / _FOLDERS[kind] / f"{slot:02d}")
    else:
        print("00")  # policies pushed by a central manager: there are none here
    return 0


def active(kind: str) -> int:
    """The active slot of ``filter`` or ``vpn``, 0 when none is. Raises ApplianceError when the file does not say it."""
    value = get(_slotinfo(kind), "Global", "Active") or "0"
    if not value.isdecimal() or int(value) > MOST:
        raise ApplianceError(f'{_FOLDERS[kind]}/slotinfo: Active: "{value}" is not a slot (00 to {MOST})')
    return int(value)


def name(kind: str, slot: int) -> str:
    """The name that the administrator gave to a slot, empty for none."""
    return get(_slotinfo(kind), f"{slot:02d}", "Name") or ""


def activate(kind: str, slot: int) -> None:
    """Make a slot the active one in ``slotinfo``; the file is not applied by that. Raises ApplianceError."""
    set_token(paths.CONFIG / _FOLDERS[kind] / "slotinfo", "Global", "Active", str(slot))


def number(text: str) -> int:
    """The slot that a command line names (``5``, ``05``). Raises Misused."""
    if not text.isdecimal() or len(text) > 2 or int(text) > MOST:
        raise Misused(f'"{text}" is not a slot (00 to {MOST})')
    return int(text)


def _slotinfo(kind: str) -> str:
    path = paths.CONFIG / _FOLDERS[kind] / "slotinfo"
    return path.read_text() if path.exists() else ""
