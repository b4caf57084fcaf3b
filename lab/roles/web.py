"""The private server that publishes a site: an address by DHCP, nginx, SSH, and ports that nobody published."""

from __future__ import annotations

from collections.abc import Iterable

from lab.roles import nginx
from lab.roles.boot import Service, Setup, compose, word
from lab.roles.lease import lease
from lab.roles.listening import LOG as LISTENERS_LOG
from lab.roles.listening import Listener, listening
from lab.roles.network import hostname, trust
from lab.roles.sshd import LOG as SSHD_LOG
from lab.roles.sshd import SshServer, sshd

SYSCTLS: dict[str, str] = {}
LOGS = (nginx.ACCESS_LOG, nginx.ERROR_LOG, SSHD_LOG, LISTENERS_LOG)


def web(
    *,
    name: str,
    authorities: bytes,
    ssh: SshServer,
    port: int = 80,
    unpublished: Iterable[int] = (),
    download: nginx.Download | None = None,
    listeners: Iterable[Listener] = (),
    nic: str = "eth0",
) -> Setup:
    """A private web server. Its page names the host; ``unpublished`` ports serve the same page.

    ``authorities`` are the certificate authorities it trusts (PEM). ``listeners`` are the servers beside the site.
    """
    page = f"<!doctype html><title>{word(name, 'host name')}</title><p>This is {name}.</p>\n"
    body = ["index index.html;"]
    if download is not None:
        body.append(nginx.download_location(download))
    site = nginx.server([f"{number} default_server" for number in (port, *unpublished)], (), *body)
    return compose(
        hostname(name),
        trust(authorities),
        lease(nic),
        Service(files={f"{nginx.ROOT}/index.html": (page.encode(), 0o644)}),
        nginx.nginx([site], [download] if download else []),
        sshd(ssh),
        listening(listeners),
    )
