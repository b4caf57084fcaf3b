"""SSH to the appliance as ``system [SSH]`` describes it: the user ``admin`` on its shell, with agent forwarding."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from lab.appliance import paths, programs
from lab.appliance.daemon import Daemon, write_private
from lab.appliance.errors import ApplianceError, Misused
from sns.errors import ResolutionError

if TYPE_CHECKING:
    from sns.model import Configuration

HOST_KEY = paths.DATA / "ssh_host_ed25519_key"
"""The same on both members, so that a takeover alarms no client; made here when nobody put one."""
AUTHORIZED_KEYS = paths.DATA / "authorized_keys"
PASSWORD_HASH = paths.DATA / "admin_password"
"""``admin``'s password as crypt(3) writes it (``$6$…``, ``$y$…``); without the file no password is accepted."""

_HOME = paths.STATE / "admin"
_FOLDER = paths.STATE / "ssh"
_SETTINGS = _FOLDER / "sshd_config"
_PASSWD, _SHADOW = Path("/etc/passwd"), Path("/etc/shadow")
_SEPARATION = Path("/run/sshd")
_SSHD = Daemon("sshd", "/usr/sbin/sshd", paths.LOG / "l_sshd")
_PATH = "/usr/Firewall/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def apply(configuration: Configuration) -> None:
    """Run or stop the SSH server as configured; sessions in place go on either way.

    Raises ApplianceError for a port that cannot be resolved, ServiceFailed when the server does not start.
    """
    from sns.resolution import Resolver  # fwpasswd needs none of the model

    if not configuration.management.ssh_enabled:
        _SSHD.stop()
        return
    try:
        port = Resolver(configuration).port(configuration.management.ssh_port)
    except ResolutionError as error:
        raise ApplianceError(f"system [SSH]: {error}") from error
    _create_admin()
    _host_key()
    text = settings(port, password=configuration.management.ssh_password and PASSWORD_HASH.exists())
    if write_private(_SETTINGS, text) or _SSHD.pid() is None:
        _SSHD.stop()
        _SEPARATION.mkdir(mode=0o755, parents=True, exist_ok=True)
        _SSHD.start(["-D", "-e", "-f", str(_SETTINGS)], lambda: _answers(port))


def main_fwpasswd(arguments: list[str]) -> int:
    """``fwpasswd -p PASSWORD``: set the password of ``admin``, for SSH."""
    if len(arguments) != 2 or arguments[0] != "-p" or not arguments[1]:
        raise Misused("fwpasswd -p PASSWORD")
    write_private(PASSWORD_HASH, programs.run(("openssl", "passwd", "-6", "-stdin"), given=arguments[1] + "\n"))
    if _SSHD.pid() is not None:
        _create_admin()
    return 0


def stop() -> None:
    """Stop the SSH server. Sessions in place go on."""
    _SSHD.stop()


def settings(port: int, *, password: bool) -> str:
    """``sshd_config``."""
    return "\n".join([
        f"Port {port}",
        "AddressFamily inet",
        f"HostKey {HOST_KEY}",
        "AllowUsers admin",
        f"PermitRootLogin {'yes' if password else 'prohibit-password'}",  # admin's uid is 0, as on the product
        f"PasswordAuthentication {'yes' if password else 'no'}",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        f"AuthorizedKeysFile {AUTHORIZED_KEYS}",
        "StrictModes no",
        "AllowAgentForwarding yes",
        "AllowTcpForwarding no",
        "X11Forwarding no",
        "UseDNS no",
        "PrintMotd no",
        "PrintLastLog no",
        f"SetEnv PATH={_PATH}",
        "Subsystem sftp internal-sftp",
        "",
    ])  # fmt: skip


def _create_admin() -> None:
    """``admin``, uid 0, before root in the user table, so that the shell and ``whoami`` call it by this name."""
    _HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    profile = f"export PATH={_PATH}\nPS1={shlex.quote(_prompt())}\n"
    write_private(_HOME / ".bash_profile", profile)
    write_private(_HOME / ".bashrc", profile)
    _first_line(_PASSWD, f"admin:x:0:0:SNS administrator:{_HOME}:/bin/bash")
    secret = PASSWORD_HASH.read_text().strip() if PASSWORD_HASH.exists() else "*"
    if not re.fullmatch(r"[^:\s]+", secret):
        raise ApplianceError(f"{PASSWORD_HASH}: is not one password hash (see crypt(5))")
    _first_line(_SHADOW, f"admin:{secret}:19000:0:99999:7:::")


def _first_line(path: Path, entry: str) -> None:
    name = entry.partition(":")[0]
    lines = path.read_text().splitlines()
    wanted = [entry, *(line for line in lines if line.partition(":")[0] != name)]
    if wanted != lines:
        path.write_text("\n".join([*wanted, ""]))


def _prompt() -> str:
    """``NAME>``: the appliance's name, or its serial number (sns.md 3)."""
    values: dict[str, str] = {}
    if paths.SYSTEM.exists():
        for line in paths.SYSTEM.read_text().splitlines():
            token, equals, value = line.partition("=")
            if equals:
                values[token.strip().lower()] = value.strip()
    name = values.get("systemnodename") or values.get("systemname") or values.get("serial") or socket.gethostname()
    return re.sub(r"[^\w.-]", "", name) + "> "


def _host_key() -> None:
    if not HOST_KEY.exists():
        HOST_KEY.parent.mkdir(parents=True, exist_ok=True)
        programs.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(HOST_KEY)))
    HOST_KEY.chmod(0o600)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True
