"""The administration server's process: TLS, the login page, the management API, and the rule about who may see them.

Started by :mod:`lab.appliance.webadmin`. Behind OpenVPN's ``port-share`` every connection comes from the loopback;
OpenVPN leaves, for each, a file named by its own end of the connection and holding the address of the client behind it.

Where to listen and with which certificate stands in a file that is read again at SIGHUP: a command of the API may have the
port change hands, and its client waits for the answer on a connection that must outlive that.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.appliance.web_access import Access

if TYPE_CHECKING:
    from lab.appliance.serverd.web import Endpoints

_HANDSHAKE = 10.0  # seconds for a client to say something
_ORIGIN_WITHIN = 0.3  # OpenVPN connects first and writes the file after
_API = ("/auth/", "/api/")
_LARGEST = 64 * 1024 * 1024  # bytes of a request: backups are sent

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
        site = self.server.site
        client = site.client_of(self.client_address)
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST:
            self._page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large\n", client)
            return
        body = self.rfile.read(int(length))  # also of who is refused: closed on what is unread, an answer may be lost
        if client is None or not Access.of_file(site.access).allows(client):
            self._page(HTTPStatus.FORBIDDEN, _REFUSED.format(client=client or "This client"), client)
        elif path.startswith(_API):
            self._api(path, query, body, client)
        elif self.path in ("/", "/admin"):
            self._page(HTTPStatus.FOUND, "", client, location="/admin/")
        elif path in ("/admin/", "/admin/admin.html"):
            self._page(HTTPStatus.OK, _LOGIN, client)
        else:
            self._page(HTTPStatus.NOT_FOUND, "Not found\n", client)

    do_HEAD = do_GET  # noqa: N815  # http.server's own names
    do_POST = do_GET  # noqa: N815

    def _api(self, path: str, query: str, body: bytes, client: IPv4Address) -> None:
        from lab.appliance.serverd.web import Request

        answer = self.server.site.endpoints.answer(
            Request(
                method=self.command,
                path=path,
                query=query,
                cookies=self.headers.get("Cookie", ""),
                content_type=self.headers.get("Content-Type", ""),
                body=body,
                client=client,
            )
        )
        headers = {"Set-Cookie": answer.cookie} if answer.cookie else {}
        # The command itself may hold a password: only its path is told.
        self._answer(answer.status, answer.body, answer.content_type, client, f"{self.command} {path}", headers)
        if answer.after is not None:
            self.wfile.flush()
            answer.after()

    def _page(self, status: HTTPStatus, text: str, client: IPv4Address | None, location: str = "") -> None:
        headers = {"Location": location} if location else {}
        self._answer(status, text.encode(), "text/html; charset=utf-8", client, self.requestline, headers)

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes,
        content_type: str,
        client: IPv4Address | None,
        request: str,
        headers: Mapping[str, str],
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)
        self.log_message("client=%s %s", client or "unknown", f"{request} -> {int(status)}")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: :meth:`_answer` logs with the true client."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # whoever is being answered is answered to the end, by its own thread
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, site: Site, listen: tuple[str, int], tls: ssl.SSLContext) -> None:
        self.site, self.tls = site, tls
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


class Site:
    """What is served, wherever it listens."""

    def __init__(self, access: Path, origins: Path) -> None:
        self.access, self.origins = access, origins

    @cached_property
    def endpoints(self) -> Endpoints:
        """The management API, imported when somebody first asks it."""
        from lab.appliance.serverd.service import Serverd
        from lab.appliance.serverd.web import Endpoints

        return Endpoints(Serverd())

    def client_of(self, near_end: tuple[str, int]) -> IPv4Address | None:
        """Who is asking: the address at the other end, or the one that OpenVPN passed on."""
        if near_end[0] != "127.0.0.1":
            return IPv4Address(near_end[0])
        deadline = time.monotonic() + _ORIGIN_WITHIN
        while (client := origin(self.origins, near_end)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return client

    def serve(self, listening: Path, ready: Path) -> None:
        """Serve where the file says, again where it then says at each SIGHUP, for ever."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        while True:
            address, port, certificate, key, *_ = json.loads(listening.read_text())
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
            tls.load_cert_chain(certificate, key)
            with _Server(self, (address, port), tls) as server:
                threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
                ready.touch()
                signal.sigwait({signal.SIGHUP})
                server.shutdown()


def main(arguments: list[str]) -> None:
    """Serve for ever: ``LISTENING-FILE ACCESS-FILE ORIGINS-FOLDER READY-FILE``."""
    listening, access, origins, ready = (Path(argument) for argument in arguments)
    Site(access, origins).serve(listening, ready)


if __name__ == "__main__":
    main(sys.argv[1:])
