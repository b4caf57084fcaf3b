"""A time stamp authority on this machine's loopback, with a certificate authority of the moment, for as long as a test runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

_SETTINGS = """
[req]
distinguished_name = name
[name]
[stamper]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[answers]
serial = {folder}/serial
digests = sha256
default_policy = 1.2.3.4.1
signer_digest = sha256
"""


@dataclass(frozen=True)
class Authority:
    """Where it listens, and whom to trust for it."""

    url: str
    ca: Path


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_ca(folder: Path, name: str = "ca") -> Path:
    """A certificate authority; its certificate."""
    (folder / "openssl.cnf").write_text(_SETTINGS.format(folder=folder))
    subject = ("-newkey", "rsa:2048", "-nodes", "-config", "openssl.cnf", "-subj", f"/CN={name}")
    _openssl(folder, "req", "-x509", *subject, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2")
    return folder / f"{name}.pem"


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """An authority that answers every request with ``openssl ts``."""
    ca = make_ca(folder)
    subject = ("-newkey", "rsa:2048", "-nodes", "-config", "openssl.cnf", "-subj", "/CN=stamper")
    _openssl(folder, "req", *subject, "-keyout", "stamper.key", "-out", "stamper.csr")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "openssl.cnf", "-extensions", "stamper", "-days", "2")
    _openssl(folder, "x509", "-req", "-in", "stamper.csr", *signed, "-out", "stamper.pem")
    (folder / "serial").write_text("01\n")

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            keys = ("-signer", "stamper.pem", "-inkey", "stamper.key", "-config", "openssl.cnf", "-section", "answers")
            _openssl(folder, "ts", "-reply", "-queryfile", "query", *keys, "-out", "reply")
            reply = b"sorry" if self.path == "/broken" else (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Authority(f"http://127.0.0.1:{server.server_port}", ca)
        finally:
            server.shutdown()
            thread.join()
