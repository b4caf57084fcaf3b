"""The administration server's process: TLS, the login page, and the rule about who may see it.

Started by :mod:`lab.appliance.webadmin`. Behind OpenVPN's ``port-share`` every connection comes from the loopback;
OpenVPN leaves, for each, a file named by its own end of the connection and holding the address of the client behind it.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

_HANDSHAKE = 10.0  # seconds for a client to say something
_ORIGIN_WITHIN = 0.3  # OpenVPN connects first and writes the file after

_LOGIN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Stormshield Network Security (simulated)</title></head>
<body><h1>Stormshield Network Security</h1><p>Simulated appliance: administration.</p>
<form method="post" action="/auth/admin.html"><label>User <input name="uid" autocomplete="username"></label>
<label>Password <input name="pswd" type="password" autocomplete="current-password"></label>
<button>Log in</button></form></body></html>
"""
_REFUSED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>403 Forbidden</title></head>
<body><h1>Forbidden</h1>
<p>{client} may not administer this firewall: no object of webadmin [ACL] holds it.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses that may administer, as inclusive ranges of integers."""

    ranges: tuple[tuple[int, int], ...]

    def allows(self, client: IPv4Address) -> bool:
        """Whether this client may see the page."""
        return any(first <= int(client) <= last for first, last in self.ranges)

    def as_json(self) -> list[list[int]]:
        """For :meth:`of_file`."""
        return [list(each) for each in self.ranges]

    @classmethod
    def of_file(cls, path: Path) -> Access:
        """What was last applied; nobody when that cannot be read."""
        try:
            return cls(tuple((first, last) for first, last in json.loads(path.read_text())))
        except (OSError, ValueError, TypeError):
            return cls(())


def origin(folder: Path, near_end: tuple[str, int]) -> IPv4Address | None:
    """The client behind a connection that OpenVPN passed on from ``near_end``; None when there is no word of it."""
    try:
        said = (folder / f"[AF_INET]{near_end[0]}:{near_end[1]}").read_text()
        return IPv4Address(said.removeprefix("[AF_INET]").rpartition(":")[0])
    except (OSError, ValueError):
        return None


class _Page(BaseHTTPRequestHandler):
    server: _Server
    server_version = "SNS-simulated"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 15

    def do_GET(self) -> None:
        client = self.server.client_of(self.client_address)
        if client is None or not Access.of_file(self.server.access).allows(client):
            self._answer(HTTPStatus.FORBIDDEN, _REFUSED.format(client=client or "This client"), client)
        elif self.path in ("/", "/admin"):
            self._answer(HTTPStatus.FOUND, "", client, location="/admin/")
        elif self.path.partition("?")[0] in ("/admin/", "/admin/admin.html"):
            self._answer(HTTPStatus.OK, _LOGIN, client)
        else:
            self._answer(HTTPStatus.NOT_FOUND, "Not found\n", client)

    do_HEAD = do_GET  # noqa: N815  # http.server's own names
    do_POST = do_GET  # noqa: N815  # nobody can log in yet: the management interface is not simulated

    def _answer(self, status: HTTPStatus, text: str, client: IPv4Address | None, location: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)
        self.log_message("client=%s %s", client or "unknown", f"{self.requestline} -> {int(status)}")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: :meth:`_answer` logs with the true client."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, listen: tuple[str, int], tls: ssl.SSLContext, access: Path, origins: Path) -> None:
        self.tls, self.access, self.origins = tls, access, origins
        super().__init__(listen, _Page)

    def server_bind(self) -> None:
        """Without the look-up of the host's name that http.server makes, which would wait for a name server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "firewall", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: a client that does not finish its handshake keeps nobody waiting."""
        request.settimeout(_HANDSHAKE)
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def client_of(self, near_end: tuple[str, int]) -> IPv4Address | None:
        """Who is asking: the address at the other end, or the one that OpenVPN passed on."""
        if near_end[0] != "127.0.0.1":
            return IPv4Address(near_end[0])
        deadline = time.monotonic() + _ORIGIN_WITHIN
        while (client := origin(self.origins, near_end)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return client


def main(arguments: list[str]) -> None:
    """Serve for ever: ``ADDRESS PORT CERTIFICATE KEY ACCESS-FILE ORIGINS-FOLDER READY-FILE``."""
    address, port, certificate, key, access, origins, ready = arguments
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(certificate, key)
    with _Server((address, int(port)), tls, Path(access), Path(origins)) as server:
        Path(ready).touch()
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
