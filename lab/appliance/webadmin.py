"""The HTTPS administration server as ``webadmin`` describes it: its settings, its certificate, its daemon.

While the SSL VPN's TCP server holds the port, the page listens on the loopback and gets its visitors from there.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path

from lab.appliance import openvpn, paths, programs
from lab.appliance.daemon import Daemon, write_private
from lab.appliance.errors import ApplianceError
from lab.appliance.web_access import Access
from sns.errors import ResolutionError
from sns.model import Configuration
from sns.resolution import Resolver

CERTIFICATE = paths.CONFIG / "Certificates" / "firewall" / "firewall.cert.pem"
KEY = CERTIFICATE.with_name("firewall.pkey.pem")
"""The appliance's own web certificate; without one it makes itself one, as the product does at first boot."""

_FOLDER = paths.STATE / "webadmin"
_ACCESS = _FOLDER / "access.json"
_LISTENING = _FOLDER / "listening"
_READY = paths.RUN / "webadmin.ready"
_DAEMON = Daemon("webadmin", "/usr/bin/python3", paths.LOG / "l_server")
_REOPENS_WITHIN = 3.0  # s for a server that is busy to close one port and open another
_LOCK = threading.Lock()  # at boot the SSL VPN and the management services come here at the same time


def apply(configuration: Configuration) -> None:
    """Run the administration server as configured; who may see it changes without a restart.

    Raises ApplianceError for names that cannot be resolved, ServiceFailed when it does not start.
    """
    with _LOCK:
        if not configuration.management.web_enabled:
            _DAEMON.stop()
            return
        try:
            listen = listening(configuration)
            allowed = access(configuration)
        except ResolutionError as error:
            raise ApplianceError(f"webadmin: {error}") from error
        write_private(_ACCESS, json.dumps(allowed.as_json()))
        certificate, key = _credentials()
        wanted = json.dumps([*listen, str(certificate), str(key), certificate.read_text()])
        changed = write_private(_LISTENING, wanted)
        if _DAEMON.pid() is None:
            _start()
        elif changed:
            _listen_anew()


def stop() -> None:
    """Stop the administration server."""
    _DAEMON.stop()


def listening(configuration: Configuration) -> tuple[str, int]:
    """Where the page listens: on the loopback behind the SSL VPN's shared port, else on the web port itself.

    Raises ResolutionError.
    """
    if openvpn.shares_port(configuration):
        return openvpn.WEB_ADMIN
    return "0.0.0.0", Resolver(configuration).port(configuration.management.web_port)  # noqa: S104  # the ACL decides


def access(configuration: Configuration) -> Access:
    """The addresses that ``webadmin [ACL]`` names. Raises ResolutionError."""
    resolver = Resolver(configuration)
    ranges = [
        (int(first), int(last))
        for name, _ in configuration.management.web_access
        for first, last in resolver.addresses(name).ranges()
    ]
    return Access(tuple(ranges))


def _start() -> None:
    _READY.unlink(missing_ok=True)
    files = (_LISTENING, _ACCESS, openvpn.PORT_SHARE_ORIGINS, _READY)
    _DAEMON.start(["-m", "lab.appliance.webpage", *map(str, files)], _READY.exists, environment=paths.PYTHON)


def _listen_anew() -> None:
    """Have the server listen where it now should. It goes on: one of its clients may wait for this very command's end."""
    _READY.unlink(missing_ok=True)
    _DAEMON.signal(signal.SIGHUP)
    deadline = time.monotonic() + _REOPENS_WITHIN
    while not _READY.exists():
        if _DAEMON.pid() is None or time.monotonic() > deadline:
            _DAEMON.stop()
            _start()
            return
        time.sleep(0.005)


def _credentials() -> tuple[Path, Path]:
    if CERTIFICATE.is_file() and KEY.is_file():
        return CERTIFICATE, KEY
    certificate, key = _FOLDER / "own.cert.pem", _FOLDER / "own.pkey.pem"
    if not certificate.exists():
        _FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        programs.run((
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "3650", "-subj", "/O=Stormshield/CN=firewall", "-keyout", str(key), "-out", str(certificate),
        ))  # fmt: skip
    return certificate, key
