"""Whoever acts from the Internet: the administrator, a stranger, a VPN user. Static routes, a resolver, maybe a key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from lab.roles.boot import Service, Setup, compose
from lab.roles.listening import LOG as LISTENERS_LOG
from lab.roles.listening import Listener, listening
from lab.roles.network import Route, hostname, resolver, routes, trust

SYSCTLS: dict[str, str] = {}
LOGS = (LISTENERS_LOG,)

# The lab's addresses are given out anew with each lab: an unknown key is learnt, a changed one refused. The key exchange
# that OpenSSH prefers (sntrup761) takes half of the time of a login, which a failover's outage would then be measured with.
_CONFIGURATION = b"""\
IdentityFile ~/.ssh/id_ed25519
IdentitiesOnly yes
StrictHostKeyChecking accept-new
KexAlgorithms curve25519-sha256
ConnectTimeout 5
"""


@dataclass(frozen=True, slots=True)
class SshIdentity:
    """The key of someone who logs in by SSH (OpenSSH form), and the hosts already known to them."""

    private_key: bytes = field(repr=False)
    public_key: bytes = b""
    known_hosts: bytes = b""


def client(
    *,
    name: str,
    authorities: bytes,
    nameservers: Iterable[IPv4Address] = (),
    remote: Iterable[Route] = (),
    ssh: SshIdentity | None = None,
    listeners: Iterable[Listener] = (),
) -> Setup:
    """A host of the Internet with nothing but its place there; ``remote`` are the ways to the public blocks."""
    return compose(
        hostname(name),
        trust(authorities),
        routes(remote),
        resolver(nameservers),
        Service() if ssh is None else _identity(ssh),
        listening(listeners),
    )


def _identity(ssh: SshIdentity) -> Service:
    return Service(
        files={
            "/root/.ssh/id_ed25519": (ssh.private_key, 0o600),
            "/root/.ssh/id_ed25519.pub": (ssh.public_key, 0o644),
            "/root/.ssh/known_hosts": (ssh.known_hosts, 0o644),
            "/root/.ssh/config": (_CONFIGURATION, 0o644),
        }
    )
