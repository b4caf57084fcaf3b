"""Which commands make a changed configuration file count, and all of them in one go: ``python3 -m lab.appliance.changes``.

``hasync`` does so on the member that received files; a harness that edits files from outside does too.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterable, Iterator, Mapping

from lab.appliance.errors import ApplianceError
from lab.appliance.ha_control import ask

AGENT = "agent"
"""Stands for the HA agent itself, which reads its files again."""

# By a file's first folder or its name; what is not listed needs enfilter.
_APPLIED_BY: Mapping[str, tuple[str, ...]] = {
    "network": ("ennetwork", "enfilter"),
    "route": ("ennetwork",),
    "dns": ("ennetwork",),
    "object": ("ennetwork", "enfilter", "envpn", "enopenvpn", "enservice"),
    "VPN": ("envpn", "enfilter"),
    "Openvpn": ("enopenvpn", "enfilter"),
    "Certificates": ("enopenvpn",),
    "uac": ("enopenvpn",),
    "ldap": ("enopenvpn",),
    "Data": ("enopenvpn",),
    "webadmin": ("enservice", "enfilter"),
    "system": ("enservice", "enfilter"),
    "HA": (AGENT,),
}
_COMMANDS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "ennetwork": ("lab.appliance.network", "main", ()),
    "enfilter": ("lab.appliance.filtering", "main", ("-u",)),
    "envpn": ("lab.appliance.vpn", "main_envpn", ("-u",)),
    "enopenvpn": ("lab.appliance.sslvpn", "main_enopenvpn", ()),
    "enservice": ("lab.appliance.management", "main_enservice", ()),
}
"""In the order in which they are run: addresses first, for the others name them."""


def commands_for(changed: Iterable[str]) -> list[str]:
    """The commands that make these files (``Filter/05``, ``Data/Ldapbase.ldif``) count, in order, :data:`AGENT` last."""
    wanted: set[str] = set()
    for name in changed:
        wanted.update(_APPLIED_BY.get(name.partition("/")[0], ("enfilter",)))
    if "ennetwork" in wanted:
        wanted.add(AGENT)
    return [name for name in (*_COMMANDS, AGENT) if name in wanted]


def apply(commands: Iterable[str]) -> Iterator[str]:
    """Run these commands in this process; what did not work, as ``command: reason``.

    The agent is not told of interfaces that ``ennetwork`` refused: it would look for them.
    """
    refused = set()
    for name in commands:
        if name == AGENT:
            if "ennetwork" not in refused:
                with contextlib.suppress(ApplianceError):  # none runs; it will read the files when it starts
                    ask("reload")
            continue
        module, function, arguments = _COMMANDS[name]
        try:
            getattr(importlib.import_module(module), function)(list(arguments))
        except (ApplianceError, OSError) as error:
            refused.add(name)
            yield f"{name}: {error}"


def main(commands: list[str]) -> int:
    """Run these commands up to the first that fails, without a word but its reason on standard error; then 1."""
    with contextlib.redirect_stdout(io.StringIO()):
        failure = next(apply(commands), None)
    if failure is not None:
        print(failure, file=sys.stderr)
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
