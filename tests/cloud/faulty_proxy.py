"""A proxy on loopback in front of one service of the control plane, which answers in its place when a test wants it to."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PIECE = 16 * 1024  # bytes of a body at a time
WITHIN = 60.0  # s for an answer of the service


@dataclass(frozen=True)
class Answer:
    """What the proxy says instead of the service. With ``done``, the service has done what was asked all the same."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


Fault = Callable[[str, str], Answer | None]
"""What becomes of a request, by method and path; None lets it through."""


@dataclass
class Proxy:
    """Where it listens, and what it does: a fault, and how long it takes for a piece of a body (s).

    With ``takes``, so many pieces of a body are taken and no more, and whoever has more to say waits until it ends.
    """

    url: str
    fault: Fault = lambda method, path: None
    delay: float = 0.0
    takes: int | None = None
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def proxy(service: str) -> Iterator[Proxy]:
    """In front of the service at this address."""
    behind = urlsplit(service)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    found = Proxy(f"http://127.0.0.1:{server.server_address[1]}{behind.path}")
    _Handler.settings[server.server_address[1]] = (found, behind.netloc)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield found
    finally:
        found.ended.set()
        server.shutdown()
        server.server_close()
        serving.join()
        del _Handler.settings[server.server_address[1]]


class _CutOff(Exception):
    """Whoever asked was gone before the end of the request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    settings: dict[int, tuple[Proxy, str]] = {}  # noqa: RUF012 - by port

    def _serve(self) -> None:
        found, behind = self.settings[self.server.server_address[1]]
        try:
            body = b"".join(self._taken(found))
        except _CutOff:  # half of what somebody meant to say is nothing that they said
            self.close_connection = True
            return
        answer = found.fault(self.command, self.path)
        if answer is None or answer.done:
            status, headers, content = self._forward(behind, body)
        if answer is not None:
            status, headers, content = answer.status, dict(answer.headers), b'{"error": {"message": "not now"}}'
            headers["Content-Type"] = "application/json"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _taken(self, found: Proxy) -> Iterator[bytes]:
        for number, piece in enumerate(self._body()):
            if number == found.takes:
                found.ended.wait()
                raise _CutOff
            yield piece
            time.sleep(found.delay)

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self._read_line(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise _CutOff
            left -= len(piece)
            yield piece

    def _read_line(self) -> bytes:
        if not (line := self.rfile.readline().strip()):
            raise _CutOff
        return line

    def _forward(self, behind: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        # The service sees our address as its own, so that the links in its answers lead through here.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        service = http.client.HTTPConnection(behind, timeout=WITHIN)
        try:
            service.request(self.command, self.path, body or None, headers)
            response = service.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _OWN}
            return response.status, kept, response.read()
        finally:
            service.close()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Nobody reads it."""


_OWN = ("content-length", "transfer-encoding", "connection", "date", "server")
