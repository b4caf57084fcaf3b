"""How an administrator comes in: SSH as ``system [SSH]`` says, and the web administration of ``webadmin``."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

from lab.appliance import paths
from lab.appliance.daemon import Daemon
from lab.appliance.errors import ApplianceError
from sns.errors import ResolutionError
from sns.model import Configuration
from sns.resolution import Resolver

WEB_SETTINGS = paths.STATE / "webadmin.json"
_SSHD_CONFIGURATION = paths.STATE / "sshd_config"
_SSHD = Daemon("sshd", "/usr/sbin/sshd", paths.LOG / "l_sshd")
_WEB = Daemon("webadmin", "/usr/bin/python3", paths.LOG / "l_webadmin")

_SSHD_LINES = f"""\
Port 22
HostKey {paths.DATA}/ssh_host_ed25519_key
AuthorizedKeysFile {paths.DATA}/authorized_keys
AllowUsers admin
AllowAgentForwarding yes
PasswordAuthentication no
UsePAM no
PidFile none
SetEnv PATH={paths.FIREWALL}/sbin:/usr/sbin:/usr/bin:/sbin:/bin
"""
# The product's administrator is the system's root under another name.
_ADMIN = "admin:x:0:0::/root:/bin/bash\n"


def boot(configuration: Configuration) -> None:
    """Start what the configuration allows. Raises ServiceFailed or ApplianceError."""
    apply(configuration)


def main(arguments: list[str]) -> int:
    """``enservice``: apply ``system`` and ``webadmin`` again."""
    from lab.appliance import configuration as configurations
    from lab.appliance.errors import Misused

    if arguments:
        raise Misused("enservice")
    with configurations.exclusive():
        loaded = configurations.load()
        configurations.check(loaded, lambda file: file in ("system", "webadmin", "object", "objectgroup"))
        apply(loaded)
        configurations.record("system", "webadmin")
    return 0


def apply(configuration: Configuration) -> None:
    """Make both services what the configuration says. Raises ServiceFailed or ApplianceError."""
    _ssh(configuration)
    _web(configuration)


def _ssh(configuration: Configuration) -> None:
    _SSHD.stop()
    if not configuration.management.ssh_enabled:
        return
    passwd = Path("/etc/passwd")
    if "\nadmin:" not in passwd.read_text():
        passwd.write_text(passwd.read_text() + _ADMIN)
        shadow = Path("/etc/shadow")
        shadow.write_text(shadow.read_text() + "admin:*:19000:0:99999:7:::\n")
    Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    _SSHD_CONFIGURATION.write_text(_SSHD_LINES)
    _SSHD.start(["-D", "-e", "-f", str(_SSHD_CONFIGURATION)], lambda: _answers(22))


def _web(configuration: Configuration) -> None:
    _WEB.stop()
    if not configuration.management.web_enabled:
        return
    resolver = Resolver(configuration)
    try:
        allowed = [resolver.addresses(name).ranges() for name, _ in configuration.management.web_access]
        port = resolver.services(configuration.management.web_port, "tcp")[0].first
    except ResolutionError as error:
        raise ApplianceError(f"webadmin: {error}") from error
    ranges = [[str(first), str(last)] for one in allowed for first, last in one]
    WEB_SETTINGS.write_text(json.dumps({"allowed": ranges, "port": port, "name": paths.SYSTEM.read_text()}))
    _WEB.start(
        ["-m", "lab.appliance.webadmin"],
        lambda: _answers(port),
        environment={"PYTHONPATH": "/opt/rempart", "PYTHONPYCACHEPREFIX": "/opt/pycache"},
    )


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False
