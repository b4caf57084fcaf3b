"""Commands about the session and the appliance itself: HELP, LIST, MODIFY, VERSION, SYSTEM …"""

from __future__ import annotations

import time

from lab.appliance import ha_cluster, paths, programs
from lab.appliance.inifile import get, set_token
from lab.appliance.serverd import passwords, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.replies import REBOOTING, Disconnected, Refusal, Reply

FIRMWARE = "4.8.11"
"""What the simulated appliance says it runs: the guide's own is 4.8."""
MODEL = "EVA1"
_MACHINE = {"Type": "Virtual", "MachineType": "amd64", "ASQVersion": FIRMWARE}


def reboot() -> None:
    """Start the appliance again, as after a power cut; who calls this ends with everything else."""
    boot = f"kill -KILL -1; exec {paths.FIREWALL}/sbin/boot >>{paths.LOG}/l_boot 2>&1"
    programs.run(("setsid", "--fork", "sh", "-c", f"sleep 0.2; {boot}"))


def _help(call: Call) -> Reply:
    asked = " ".join(call.words).upper()
    commands = call.appliance.commands.values()
    below = [command for command in commands if f"{command.path} ".startswith(f"{asked} " if asked else "")]
    if not below:
        raise Refusal.format(f'there is no command "{asked}"')
    if asked and len(below) == 1:
        return replies.listing({"Result": [_usage(below[0])]})
    place = len(asked.split())
    return replies.listing({"Result": sorted({command.path.split()[place] for command in below if command.path != asked})})


def _usage(command: Command) -> str:
    return " ".join([command.path, *(f"[{token}=]" for token in command.tokens)])


def _list(call: Call) -> Reply:
    lines = [
        {
            "User": one.user,
            "Address": one.client,
            "Level": ",".join(sorted(one.level)),
            "SessionID": one.number,
            "SessionLevel": one.shown_level,
        }
        for one in call.appliance.sessions.all()
    ]
    return replies.section_line({"Result": lines})


def _modify(call: Call) -> None:
    """``MODIFY ON|OFF``; ``MODIFY ON FORCE`` (or ``FORCE ON``) takes it from another session."""
    words = {word.upper() for word in call.words}
    if words == {"OFF"}:
        call.appliance.sessions.give_modify(call.session)
    elif words in ({"ON"}, {"ON", "FORCE"}):
        call.appliance.sessions.take_modify(call.session, force="FORCE" in words)
    else:
        raise Refusal.format("MODIFY ON|OFF [FORCE]")


def _nop(_call: Call) -> None:
    return None


def _quit(_call: Call) -> None:
    raise Disconnected


def _version(_call: Call) -> Reply:
    return replies.section(Result={"Version": FIRMWARE, "Protocol": "1.0"})


def _property(call: Call) -> Reply:
    configuration = call.appliance.running()
    return replies.section(
        Result={
            **_MACHINE,
            "Model": MODEL,
            "Version": FIRMWARE,
            "SerialNumber": ha_cluster.own_serial(),
            "SystemName": _system("SystemName"),
            "MTUmax": 1500,
            "Ethernet": sum(one.section.startswith("ethernet") for one in configuration.interfaces),
            "Bridge": 0,
            "VLAN": 0,
            "HighAvail": configuration.ha.enabled,
        }
    )


def _system(token: str) -> str:
    return get(paths.SYSTEM.read_text(), "Options", token) or ""


def _ident(call: Call) -> Reply | None:
    """``SYSTEM IDENT [SystemName=] [SystemNodeName=]``: set the names, or show them."""
    for token in ("SystemName", "SystemNodeName"):
        if name := call.get(token):
            call.session.need("modify")
            set_token(paths.SYSTEM, "Options", token, name)
    if call.tokens:
        return None
    return replies.section(Result={token: _system(token) for token in ("SystemName", "SystemNodeName")})


def _date(_call: Call) -> Reply:
    return replies.section(Result={"Date": time.strftime("%Y-%m-%d %H:%M:%S")})


def _reboot(_call: Call) -> Reply:
    return Reply(ret=103, code=REBOOTING, msg="rebooting...", after=reboot, ends=True)


def _passphrase(call: Call) -> None:
    """``CONFIG CONSOLE SETPASSPHRASE PASSWORD``: the password of ``admin``, at once."""
    passwords.set_password(call.word(0, "password"))


COMMANDS = (
    Command("HELP", _help, words=8),
    Command("LIST", _list),
    Command("MODIFY", _modify, words=2),
    Command("NOP", _nop),
    Command("QUIT", _quit),
    Command("VERSION", _version),
    Command("SYSTEM PROPERTY", _property),
    Command("SYSTEM IDENT", _ident, ("SystemName", "SystemNodeName")),
    Command("SYSTEM DATE", _date),
    Command("SYSTEM REBOOT", _reboot, level="maintenance", modifies=True),
    Command("CONFIG CONSOLE SETPASSPHRASE", _passphrase, level="admin", modifies=True, words=1),
)
