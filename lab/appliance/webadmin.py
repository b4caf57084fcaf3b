"""The web administration: an HTTPS login page for the addresses of ``webadmin [ACL]``, a refusal for all others."""

from __future__ import annotations

import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from typing import ClassVar

from lab.appliance import management, paths

LOGIN = b"""<!doctype html><html lang="en"><title>Stormshield administration (simulated)</title>
<h1>Administration</h1><form method="post" action="/auth/admin.html"><label>Name <input name="uid"></label>
<label>Password <input name="pswd" type="password"></label><button>Log in</button></form></html>
"""
REFUSAL = b"This address may not use the administration.\n"


class Administration(BaseHTTPRequestHandler):
    """One request. What is not the login page is not found; who is not in the list is told so, and nothing else."""

    allowed: ClassVar[list[tuple[IPv4Address, IPv4Address]]] = []
    server_version = "Webadmin"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer a GET or a HEAD."""
        client = IPv4Address(self.client_address[0])
        if not any(first <= client <= last for first, last in self.allowed):
            self._answer(403, REFUSAL, "text/plain")
        elif self.path in ("/", "/admin", "/admin/", "/admin/admin.html"):
            self._answer(200, LOGIN, "text/html; charset=utf-8")
        else:
            self._answer(404, b"", "text/plain")

    do_HEAD = do_GET  # noqa: N815 - the names are http.server's

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """TLS is negotiated in the connection's own thread: a client that says nothing holds up nobody."""

    daemon_threads = True
    request_queue_size = 64
    context: ssl.SSLContext

    def finish_request(self, request: object, client_address: object) -> None:
        """Negotiate TLS, then serve; a client that does not speak it is dropped."""
        try:
            secured = self.context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except OSError:
            return
        super().finish_request(secured, client_address)  # type: ignore[arg-type]


def main() -> None:
    """Serve for ever, as the settings that the management commands wrote say."""
    settings = json.loads(management.WEB_SETTINGS.read_text())
    Administration.allowed = [(IPv4Address(first), IPv4Address(last)) for first, last in settings["allowed"]]
    server = Server(("0.0.0.0", settings["port"]), Administration)  # noqa: S104 - the filter decides who gets here
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(paths.DATA / "webadmin.cert.pem", paths.DATA / "webadmin.pkey.pem")
    server.serve_forever()


if __name__ == "__main__":
    main()
