"""SSH as a cloud image gives it: one user, keys only, who may become root."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.roles.boot import Service, command, word

LOG = "/var/log/sshd.log"

_CONFIGURATION = b"""\
HostKey /etc/ssh/ssh_host_lab_key
PidFile /run/sshd.pid
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
MaxStartups 100
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True, slots=True)
class SshServer:
    """Who may log in, and the host's private key (OpenSSH or PEM form)."""

    user: str
    authorized_keys: bytes = field(repr=False)
    host_key: bytes = field(repr=False)


def sshd(server: SshServer) -> Service:
    """An SSH server on port 22 of all addresses, with its user."""
    user = word(server.user, "user")
    home = f"/home/{user}"
    account = (
        f"if ! id {user} >/run/account.log 2>&1; then",
        f"    echo '{user}:x:1000:' >>/etc/group",
        f"    echo '{user}:x:1000:1000::{home}:/bin/bash' >>/etc/passwd",
        f"    echo '{user}:*:19000:0:99999:7:::' >>/etc/shadow",  # '*': no password, yet not locked
        "fi",
        command("chown", "-R", "1000:1000", home),
    )
    return Service(
        files={
            "/etc/ssh/sshd_config": (_CONFIGURATION, 0o644),
            "/etc/ssh/ssh_host_lab_key": (server.host_key, 0o600),
            f"{home}/.ssh/authorized_keys": (server.authorized_keys, 0o600),
            f"/etc/sudoers.d/90-{user}": (f"{user} ALL=(ALL) NOPASSWD:ALL\n".encode(), 0o440),
        },
        folders=("/run/sshd",),
        # A pid file of before would pass for readiness.
        start=(
            *account,
            "[ ! -e /run/sshd.pid ] || rm /run/sshd.pid",
            command("run", "sshd", LOG, "/usr/sbin/sshd", "-E", LOG),
        ),
        # It leaves the terminal before it listens; the pid file comes after.
        ready=(command("await", "sshd", LOG, "test", "-s", "/run/sshd.pid"),),
    )
