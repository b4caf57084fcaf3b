"""Activation: edited files become the configuration, and the appliance's own commands apply them; or all stays as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from lab.appliance import changes, paths, programs
from lab.appliance.errors import ApplianceError, ProgramFailed
from lab.appliance.serverd.clone import Clone, below_config, in_place
from lab.appliance.serverd.command import Call
from lab.appliance.serverd.replies import Refusal
from sns.model import Configuration

_WITHIN = 40.0  # s: DHCP is asked for fifteen


def of(call: Call, concerns: Collection[str], *, also: tuple[str, ...] = ()) -> None:
    """``… ACTIVATE [CANCEL]`` for these files and folders. Raises Refusal."""
    words = [word.upper() for word in call.words]
    if words == ["CANCEL"]:
        call.clone.drop(call.clone.edited(concerns))
    elif words:
        raise Refusal.format(f"{call.command.path} [CANCEL]")
    else:
        activate(call.clone, call.appliance.running(), concerns, also=also)


def activate(clone: Clone, running: Configuration, concerns: Collection[str], *, also: tuple[str, ...] = ()) -> None:
    """Activate the edits of these files and folders; ``also`` is a command to run in any case, with its arguments.

    Raises Refusal when the disk is full or a command refuses: the files are then as they were, and the edits are kept.
    """
    edits = clone.edited(concerns)
    commands = [name for name in _commands(edits, running) if name not in also[:1]]
    try:
        with in_place(paths.FIREWALL, edits):
            apply(commands)
            if also:
                run(*also)
    except OSError as error:  # a full disk, mostly
        raise Refusal(f"the files are as they were, they cannot be replaced: {error}") from error
    except ApplianceError as error:
        with suppress(ApplianceError):  # it was refused before the edits, too
            apply(commands)
        raise Refusal(error.said if isinstance(error, ProgramFailed) else str(error)) from error
    clone.drop(edits)


def apply(commands: Iterable[str]) -> None:
    """Run these commands of :mod:`lab.appliance.changes`, in a process of their own. Raises ProgramFailed."""
    if wanted := tuple(commands):
        environment = (f"{name}={value}" for name, value in paths.PYTHON.items())
        programs.run(("env", *environment, "python3", "-S", "-m", changes.__name__, *wanted), within=_WITHIN)


def run(name: str, *arguments: str) -> str:
    """Run one of the appliance's own commands; what it printed. Raises ProgramFailed."""
    return programs.run((str(paths.FIREWALL / "sbin" / name), *arguments), within=_WITHIN)


def _commands(edits: Mapping[str, str | None], running: Configuration) -> list[str]:
    """What makes these files count, in order; services that are off, and stay so, need nothing."""
    changed = [below_config(name) for name in edits]
    folders = {name.partition("/")[0] for name in changed}
    idle: set[str] = set()
    if not running.vpn.active and "VPN" not in folders:
        idle.add("envpn")
    if not running.ssl_vpn.enabled and not folders & {"Openvpn", "Data", "ldap", "uac"}:
        idle.add("enopenvpn")
    return [name for name in changes.commands_for(changed) if name not in idle]
