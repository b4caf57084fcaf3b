"""Who may administer the firewall, and how: ``webadmin`` and ``system`` (sns.md 1.10)."""

from __future__ import annotations

from .ini import Document, Section
from .model import Location, Management
from .reading import Reading, Wanted
from .settings import Settings

_WEB_SILENT = (
    "bruteforcestate", "nbattempt", "timeoutbanned", "triestime", "adminaccount", "idletimeout", "sslonly",
)  # fmt: skip


def read_management(reading: Reading) -> Management:
    """Access to administration. Without files: the web page on HTTPS for nobody, no SSH."""
    web = reading.document("webadmin", ("config", "acl")) or Document("webadmin", ())
    config = Settings(reading, web.section("config"), ("state", "tcpport"), _WEB_SILENT)
    port = config.text("TcpPort", "https")
    reading.refer(Wanted.PORT, config.where("TcpPort"), "TcpPort", port)
    access = tuple((line.text.strip('"'), line.location) for line in web.lines("acl"))
    for name, location in access:
        reading.refer(Wanted.ADDRESSES, location, "[ACL]", name)
    ssh = _ssh(reading)
    ssh_port = ssh.text("TcpPort", "ssh")
    reading.refer(Wanted.PORT, ssh.where("TcpPort"), "TcpPort", ssh_port)
    return Management(
        web_enabled=config.flag("State", True),
        web_port=port,
        web_access=access,
        ssh_enabled=ssh.flag("State", False),
        ssh_password=ssh.flag("Password", False),
        ssh_password_location=ssh.where("Password"),
        ssh_port=ssh_port,
    )


def _ssh(reading: Reading) -> Settings:
    """``system [SSH]``. Its other sections are the console and ciphers, which change nothing in the model."""
    document = reading.document("system", ("console", "ssh", "sshciphers", "config", "global"))
    section = document.section("ssh") if document else Section("SSH", Location("system", 1))
    return Settings(reading, section, ("state", "password", "tcpport"), ("comment", "port"))
