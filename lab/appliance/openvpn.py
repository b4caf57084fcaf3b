"""The SSL VPN's two OpenVPN servers, as ``Openvpn/openvpn`` describes them: UDP (``tun0``) and TCP (``tun1``).

Only texts are made here and daemons run; :mod:`lab.appliance.sslvpn` applies a configuration.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.appliance import devices, paths
from lab.appliance.daemon import Daemon
from sns.addresses import ALL
from sns.model import Configuration
from sns.resolution import Resolver

FOLDER = paths.STATE / "openvpn"
VERIFIER = FOLDER / "verify"
"""The program that OpenVPN asks about a login and its password."""
SCRATCH = FOLDER / "scratch"
PORT_SHARE_ORIGINS = paths.RUN / "port-share"
"""One file per connection that the TCP server passed on to the administration page: who is behind it."""
CLIENT_FILE = paths.DATA / "openvpn_mobile_client.ovpn"

WEB_ADMIN = ("127.0.0.1", 8443)
"""Where the administration page listens while the TCP server holds its port."""

AUTHORITY = "Certificates/sslvpn-full-default-authority"

_READY = b"Initialization Sequence Completed"
_CIPHERS = "AES-256-GCM:AES-128-GCM:AES-256-CBC"
_NEXT_REMOTE = 2  # seconds a client waits for one remote before it tries the other: UDP blocked must not cost a minute


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two servers."""

    transport: str  # udp or tcp
    device: str
    daemon: Daemon

    @property
    def settings(self) -> Path:
        """Its OpenVPN configuration; absent when this server is off."""
        return FOLDER / f"{self.transport}.conf"

    @property
    def status(self) -> Path:
        """Its sessions, written by OpenVPN once a second."""
        return paths.RUN / f"openvpn-{self.transport}.status"

    def start(self) -> None:
        """Start the server if it is configured and not up. Raises ServiceFailed."""
        if self.settings.exists() and self.daemon.pid() is None:
            self.status.unlink(missing_ok=True)
            if self is TCP:
                _forget_origins()
            self.daemon.start(["--config", str(self.settings)], _written(self.daemon.log, _READY))

    def stop(self) -> None:
        """Stop the server. Its clients are told; OpenVPN would then stay for two more seconds: a takeover has none."""
        self.daemon.stop(within=0.1, sign=signal.SIGTERM)


def _server(transport: str, device: str) -> Server:
    log = paths.LOG / f"l_sslvpn_{transport}"
    return Server(transport, device, Daemon(f"openvpn-{transport}", "/usr/sbin/openvpn", log, forwards=True))


UDP = _server("udp", devices.SSL_VPN_UDP)
TCP = _server("tcp", devices.SSL_VPN_TCP)
SERVERS = (UDP, TCP)


def start() -> None:
    """Start the servers last applied, both at once. Raises ServiceFailed."""
    with ThreadPoolExecutor(max_workers=len(SERVERS)) as pool:
        for start in [pool.submit(server.start) for server in SERVERS]:
            start.result()


def stop() -> None:
    """Stop both servers."""
    with ThreadPoolExecutor(max_workers=len(SERVERS)) as pool:
        for stopped in [pool.submit(server.stop) for server in SERVERS]:
            stopped.result()


def shares_port(configuration: Configuration) -> bool:
    """Whether the TCP server holds the administration page's port, and passes on what is not OpenVPN."""
    vpn, resolver = configuration.ssl_vpn, Resolver(configuration)
    if not vpn.enabled or vpn.pool is None:
        return False
    return resolver.port(vpn.port) == resolver.port(configuration.management.web_port)


def server_settings(configuration: Configuration, server: Server) -> str | None:
    """The OpenVPN configuration of a server, None when it is off. Raises ResolutionError.

    Addresses are given by fours (net30), as on the product: the first client of 10.60.0.0/24 gets .6, its peer is .5.
    """
    vpn, resolver = configuration.ssl_vpn, Resolver(configuration)
    pool_name = vpn.udp_pool if server is UDP else vpn.pool
    if not vpn.enabled or pool_name is None:
        return None
    pool = resolver.network(pool_name)
    lines = [
        f"dev {server.device}",
        "dev-type tun",
        "topology net30",
        f"server {pool.network_address} {pool.netmask}",
        f"ifconfig-pool-persist {FOLDER}/{server.transport}.pool 60",
        *_credentials(),
        "dh none",
        "tls-version-min 1.2",
        f"data-ciphers {vpn.cipher or _CIPHERS}",
        f"auth {vpn.authentication or 'SHA256'}",
        "username-as-common-name",
        "duplicate-cn",  # ForceOneTunnelPerUser=0
        "script-security 2",
        f"auth-user-pass-verify {VERIFIER} via-file",
        f"tmp-dir {SCRATCH}",
        f"reneg-sec {vpn.renegotiation}",
        f"status {server.status} 1",
        "status-version 2",
        "verb 3",
        *([f"keepalive {vpn.ping} {vpn.ping_restart}"] if vpn.ping and vpn.ping_restart else []),
        *_routes(configuration, resolver),
    ]
    if server is UDP:
        lines += [
            "proto udp4",
            f"port {resolver.port(vpn.udp_port)}",
            "multihome",  # answers come from the address that was asked
            "explicit-exit-notify 1",  # clients of a server that stops come again at once
            'push "explicit-exit-notify 1"',
        ]
    else:
        lines += ["proto tcp4-server", f"port {resolver.port(vpn.port)}", "tcp-nodelay"]
        if shares_port(configuration):
            lines.append(f"port-share {WEB_ADMIN[0]} {WEB_ADMIN[1]} {PORT_SHARE_ORIGINS}")
    return "\n".join([*lines, ""])


def client_settings(configuration: Configuration) -> str:
    """``openvpn_mobile_client.ovpn``, as the product exports it: UDP first, then TCP, all credentials inline.

    Raises ResolutionError; FileNotFoundError when the certificates are missing.
    """
    vpn, resolver = configuration.ssl_vpn, Resolver(configuration)
    address = _public_address(configuration, resolver)
    remotes = []
    if vpn.udp_pool:
        remotes.append(f"remote {address} {resolver.port(vpn.udp_port)} udp")
    if vpn.pool:
        remotes.append(f"remote {address} {resolver.port(vpn.port)} tcp-client")
    folder = paths.CONFIG / AUTHORITY
    inline = {"ca": "CA.cert.pem", "cert": "openvpnclient.cert.pem", "key": "openvpnclient.pkey.pem"}
    return "\n".join([
        "client",
        "dev tun",
        *remotes,
        "nobind",
        "persist-key",
        "persist-tun",
        "resolv-retry infinite",
        f"server-poll-timeout {_NEXT_REMOTE}",
        "connect-retry 0 5",  # a member that took over answers at once
        "auth-user-pass",
        "auth-nocache",
        "auth-retry none",
        "remote-cert-tls server",
        "tls-version-min 1.2",
        f"data-ciphers {vpn.cipher or _CIPHERS}",
        f"auth {vpn.authentication or 'SHA256'}",
        f"reneg-sec {vpn.renegotiation}",
        "verb 3",
        *(f"<{tag}>\n{(folder / name).read_text().strip()}\n</{tag}>" for tag, name in inline.items()),
        "",
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """A connected client: its login, where it comes from (``address:port``), the address it was given, since when."""

    transport: str
    login: str
    origin: str
    address: str
    since: str


def sessions() -> list[Session]:
    """Who is connected, as of at most a second ago."""
    found = []
    for server in SERVERS:
        if server.daemon.pid() is None or not server.status.exists():
            continue
        for line in server.status.read_text().splitlines():
            fields = line.split(",")
            if fields[0] == "CLIENT_LIST" and len(fields) > 7 and fields[3]:
                found.append(Session(server.transport, fields[1], fields[2], fields[3], fields[7]))
    return found


def _credentials() -> list[str]:
    folder = paths.CONFIG / AUTHORITY
    return [
        f"ca {folder}/CA.cert.pem",
        f"cert {folder}/openvpnserver.cert.pem",
        f"key {folder}/openvpnserver.pkey.pem",
    ]


def _routes(configuration: Configuration, resolver: Resolver) -> list[str]:
    reachable = resolver.addresses(configuration.ssl_vpn.route)
    if reachable == ALL:
        return ['push "redirect-gateway def1"']
    return [f'push "route {network.network_address} {network.netmask}"' for network in reachable.networks()]


def _public_address(configuration: Configuration, resolver: Resolver) -> str:
    written = configuration.ssl_vpn.public_address or ""
    return str(resolver.address(written)) if resolver.knows(written) else written


def _forget_origins() -> None:
    """A server that was killed left its files behind: they must not name the client of a later connection."""
    PORT_SHARE_ORIGINS.mkdir(parents=True, exist_ok=True)
    for left in PORT_SHARE_ORIGINS.iterdir():
        left.unlink()


def _written(log: Path, phrase: bytes) -> Callable[[], bool]:
    """Whether a daemon has written a phrase to its log since now."""
    start = log.stat().st_size if log.exists() else 0

    def look() -> bool:
        with log.open("rb") as stream:
            stream.seek(start)
            return phrase in stream.read()

    return look
