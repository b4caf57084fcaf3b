"""URL filtering: squid as a transparent proxy for the rules that ask for it, HTTP by URL and TLS by server name.

TLS is never decrypted: squid peeks at the name in the client's hello and splices or cuts the connection. It runs
only while the active policy uses it, holds no cache and writes nothing but its logs; what it forwards leaves with the
firewall's own address, as the product's proxy does.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from lab.appliance import paths, programs
from lab.appliance.daemon import Daemon, tail, write_private
from lab.appliance.errors import ServiceFailed
from lab.appliance.proxies import Proxy
from lab.appliance.squid_conf import FOLDER, LOG, PAGES, USER, translate
from sns.model import Configuration

_TEMPLATES = Path("/usr/share/squid/errors/templates")
_CONFIGURATION = FOLDER / "squid.conf"
_CERTIFICATE = FOLDER / "proxy.pem"
_DAEMON = Daemon("squid", "/usr/sbin/squid", paths.LOG / "squid")
_WITHIN = 5.0  # seconds; 0.25 s was measured
_LOOK = 0.005  # seconds between two looks at squid's log


def reload(configuration: Configuration, proxies: tuple[Proxy, ...]) -> None:
    """Have squid run with what these proxies need, or not at all when there are none. Raises ServiceFailed."""
    if not proxies:
        _DAEMON.stop(sign=signal.SIGKILL)  # it keeps nothing, and takes a second or two to leave by itself
        return
    pages, text = translate(configuration, proxies)
    PAGES.mkdir(parents=True, exist_ok=True)
    changed = write_private(_CONFIGURATION, text)
    for name, content in pages.items():
        page = PAGES / name
        if not page.exists() or page.read_text() != content:
            page.write_text(content)
            changed = True
    if _DAEMON.pid() is None:
        _start(len({proxy.port for proxy in proxies}))
    elif changed:
        _reread(len({proxy.port for proxy in proxies}))


def _start(ports: int) -> None:
    _prepare()
    mark = _size(_DAEMON.log)
    _DAEMON.start(("-N", "-f", str(_CONFIGURATION)), lambda: _accepting(mark) >= ports, within=_WITHIN)


def _reread(ports: int) -> None:
    mark = _size(_DAEMON.log)
    _DAEMON.signal(signal.SIGHUP)
    deadline = time.monotonic() + _WITHIN
    while _accepting(mark) < ports:
        if _DAEMON.pid() is None or time.monotonic() > deadline:
            raise ServiceFailed("squid", tail(_DAEMON.log, mark))
        time.sleep(_LOOK)


def _prepare() -> None:
    """The files that squid, once it is no longer root, could not make itself."""
    FOLDER.chmod(0o755)
    for template in _TEMPLATES.iterdir():  # squid misses, in its log, each of its own pages that is not beside ours
        page = PAGES / template.name
        if not page.exists():
            page.symlink_to(template)
    for log in (LOG, _DAEMON.log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch(mode=0o640)
        programs.run(("chown", USER, str(log)))
    if not _CERTIFICATE.exists():
        programs.run((
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch",
            "-days", "3650", "-subj", "/CN=proxy", "-keyout", str(_CERTIFICATE), "-out", str(FOLDER / "cert.pem"),
        ))  # fmt: skip
        with _CERTIFICATE.open("a") as stream:
            stream.write((FOLDER / "cert.pem").read_text())


def _accepting(mark: int) -> int:
    """How many intercepting ports squid has reported open since that byte of its log."""
    with _DAEMON.log.open("rb") as stream:
        stream.seek(mark)
        return sum(1 for line in stream if b"Accepting" in line and b"intercepted" in line)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
