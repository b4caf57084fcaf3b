"""The appliance's commands: ``python3 -m lab.appliance NAME ARGUMENT…``. One line of the table makes a command."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Mapping

from lab.appliance.errors import ApplianceError, Misused

COMMANDS: Mapping[str, str] = {
    "boot": "lab.appliance.boot:main",
    "enfilter": "lab.appliance.filtering:main",
    "ennetwork": "lab.appliance.network:main",
    "enldap": "lab.appliance.directory:main_enldap",
    "enopenvpn": "lab.appliance.sslvpn:main_enopenvpn",
    "enservice": "lab.appliance.management:main_enservice",
    "envpn": "lab.appliance.vpn:main_envpn",
    "fwpasswd": "lab.appliance.sshd:main_fwpasswd",
    "getconf": "lab.appliance.inifile:main_getconf",
    "hainfo": "lab.appliance.ha_info:main",
    "hasync": "lab.appliance.ha_sync:main",
    "setconf": "lab.appliance.inifile:main_setconf",
    "showSAD": "lab.appliance.vpn:main_showsad",
    "slotinfo": "lab.appliance.slots:main",
}
"""Command -> module and function ``(arguments) -> exit code``; the module is imported when the command is given."""

ALONE = frozenset({"boot", "fwpasswd"})
"""Commands that run in a process of their own: the boot begins the others' fork server, a password is asked for at a
terminal."""

_INTERNAL: Mapping[str, str] = {"changes": "lab.appliance.changes:main"}
"""What is no command of the product."""


def modules() -> list[str]:
    """The modules that commands are in."""
    return sorted({place.partition(":")[0] for place in (*COMMANDS.values(), *_INTERNAL.values())})


def main(arguments: list[str]) -> int:
    """Run a command. 1 when it refused or failed, with every reason on standard error; 2 when it was misused."""
    name = arguments[0] if arguments else ""
    place = COMMANDS.get(name) or _INTERNAL.get(name)
    if place is None:
        print(f"{name or 'no command'}: unknown command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, _, function = place.partition(":")
    try:
        code: int = getattr(importlib.import_module(module), function)(arguments[1:])
    except Misused as error:
        print(f"usage: {error}", file=sys.stderr)
        return 2
    except ApplianceError as error:
        print(error, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    gc.disable()  # a command has ended before garbage would matter; to look for it would be a tenth of what it takes
    status = main(sys.argv[1:])
    gc.freeze()
    sys.exit(status)
