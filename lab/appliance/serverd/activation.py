"""Activation: edited files become the configuration, and the appliance's own commands apply them; or all stays as it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from lab.appliance import ha_sync, paths, programs
from lab.appliance.errors import ApplianceError, ProgramFailed
from lab.appliance.ha_control import ask
from lab.appliance.serverd.clone import Clone, below_config, put
from lab.appliance.serverd.command import Call
from lab.appliance.serverd.replies import Refusal
from sns.model import Configuration

_WITHIN = 40.0  # s: DHCP is asked for fifteen
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {"enfilter": ("-u",), "envpn": ("-u",)}


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

    Raises Refusal when a command refuses: the files are then as they were, and the edits are kept.
    """
    edits = clone.edited(concerns)
    commands = [(name, *_ARGUMENTS.get(name, ())) for name in _commands(edits, running) if name not in also[:1]]
    if also:
        commands.append(also)
    before = put(paths.FIREWALL, edits)
    done: list[tuple[str, ...]] = []
    for command in commands:
        try:
            run(*command)
        except ApplianceError as error:
            put(paths.FIREWALL, before)
            for again in done:
                with suppress(ApplianceError):  # it was refused before the edits, too
                    run(*again)
            raise Refusal(f"{command[0]}: {error.said if isinstance(error, ProgramFailed) else error}") from error
        done.append(command)
    clone.drop(edits)


def run(name: str, *arguments: str) -> str:
    """Run one of the appliance's own commands; what it printed. Raises ProgramFailed."""
    if name == "agent":
        ask("reload")
        return ""
    return programs.run((str(paths.FIREWALL / "sbin" / name), *arguments), within=_WITHIN)


def _commands(edits: Mapping[str, str | None], running: Configuration) -> list[str]:
    """What makes these files count, in order; services that are off, and stay so, need nothing."""
    changed = [below_config(name) for name in edits]
    wanted = ha_sync.commands_for(changed)
    folders = {name.partition("/")[0] for name in changed}
    if not running.vpn.active and "VPN" not in folders:
        wanted = [name for name in wanted if name != "envpn"]
    if not running.ssl_vpn.enabled and not folders & {"Openvpn", "Data", "ldap", "uac"}:
        wanted = [name for name in wanted if name != "enopenvpn"]
    if not running.ha.enabled:
        wanted = [name for name in wanted if name != "agent"]
    return wanted
