"""The administration page: who sees it, who is told why not, and how the true client is known."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPSConnection
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.appliance import web_access, webadmin, webpage
from lab.pki import Authority
from steps.eventually import eventually
from tests.sns.trees import guide


def test_the_acl_is_the_addresses_of_its_objects(tmp_path: Path) -> None:
    allowed = webadmin.access(guide(tmp_path))
    assert allowed.allows(IPv4Address("198.51.100.101"))
    assert not allowed.allows(IPv4Address("198.51.100.102"))


def test_any_in_the_acl_is_everybody(tmp_path: Path) -> None:
    allowed = webadmin.access(guide(tmp_path, {"webadmin": "[Config]\nState=1\n[ACL]\nany\n"}))
    assert allowed.allows(IPv4Address("198.51.100.102"))


def test_without_an_acl_nobody_is_allowed(tmp_path: Path) -> None:
    assert webadmin.access(guide(tmp_path, {"webadmin": "[Config]\nState=1\n"})).ranges == ()


@pytest.mark.parametrize("content", ["", "[[1]]", "{", "null"])
def test_a_file_that_cannot_be_read_allows_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "access").write_text(content)
    assert not web_access.Access.of_file(tmp_path / "access").allows(IPv4Address("198.51.100.101"))


def test_the_client_behind_a_shared_port_is_the_one_in_openvpns_file(tmp_path: Path) -> None:
    (tmp_path / "[AF_INET]127.0.0.1:40000").write_text("[AF_INET]198.51.100.103:55555")
    assert webpage.origin(tmp_path, ("127.0.0.1", 40000)) == IPv4Address("198.51.100.103")
    assert webpage.origin(tmp_path, ("127.0.0.1", 40001)) is None


class Page:
    """A running page, asked from the loopback as OpenVPN would; ``client`` is who OpenVPN says it passes on."""

    def __init__(self, folder: Path, port: int, trust: ssl.SSLContext) -> None:
        self.folder, self.port, self.trust = folder, port, trust

    def ask(self, path: str, client: str | None) -> tuple[int, str]:
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=5, context=self.trust)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        name = f"[AF_INET]127.0.0.1:{plain.getsockname()[1]}"
        if client is not None:
            (self.folder / name).write_text(f"[AF_INET]{client}:5555")
        connection.sock = self.trust.wrap_socket(plain, server_hostname="127.0.0.1")
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("page")
    authority = Authority.create("a test's authority")
    own = authority.issue("firewall", ["127.0.0.1"])
    (folder / "cert").write_bytes(own.certificate)
    (folder / "key").write_bytes(own.key)
    (folder / "access").write_text(json.dumps([[int(IPv4Address("198.51.100.101"))] * 2]))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert", folder / "key")
    with webpage._Server(webpage.Site(folder / "access", folder), ("127.0.0.1", 0), tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        trust = ssl.create_default_context(cadata=authority.certificate.decode())
        yield Page(folder, server.socket.getsockname()[1], trust)
        server.shutdown()
        thread.join(timeout=5)


def test_the_administrator_gets_the_login_page(page: Page) -> None:
    status, text = page.ask("/admin/", "198.51.100.101")
    assert status == 200
    assert "<form" in text


@pytest.mark.parametrize("path", ["/", "/admin/", "/auth/admin.html"])
def test_a_stranger_is_told_why_not_and_sees_no_form(page: Page, path: str) -> None:
    status, text = page.ask(path, "198.51.100.102")
    assert status == 403
    assert "198.51.100.102 may not administer this firewall" in text
    assert "<form" not in text


def test_a_client_that_nobody_vouches_for_is_refused(page: Page) -> None:
    assert page.ask("/admin/", None)[0] == 403


def test_a_client_that_says_nothing_keeps_nobody_waiting(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port)):
        assert page.ask("/admin/", "198.51.100.101")[0] == 200


def test_the_acl_may_change_while_the_page_runs(page: Page) -> None:
    access = page.folder / "access"
    before = access.read_text()
    access.write_text("[]")
    try:
        assert page.ask("/admin/", "198.51.100.101")[0] == 403
    finally:
        access.write_text(before)


def test_the_port_changes_hands_and_who_is_being_answered_is_answered(tmp_path: Path) -> None:
    """A command of the management API may move the port on which its own answer is awaited."""
    authority = Authority.create("a test's authority")
    own = authority.issue("firewall", ["127.0.0.1"])
    (tmp_path / "cert").write_bytes(own.certificate)
    (tmp_path / "key").write_bytes(own.key)
    (tmp_path / "access").write_text("[]")
    trust = ssl.create_default_context(cadata=authority.certificate.decode())
    before, after = free_port(), free_port()
    listening, ready = tmp_path / "listening", tmp_path / "ready"

    def listen(port: int) -> None:
        listening.write_text(json.dumps(["127.0.0.1", port, str(tmp_path / "cert"), str(tmp_path / "key")]))

    def connected(port: int) -> ssl.SSLSocket:
        return trust.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5), server_hostname="127.0.0.1")

    listen(before)
    command = [sys.executable, "-m", "lab.appliance.webpage", *map(str, (listening, tmp_path / "access", tmp_path, ready))]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        eventually(ready.exists, within=10, phase="the server")
        with connected(before) as waiting:
            listen(after)
            ready.unlink()
            server.send_signal(signal.SIGHUP)
            eventually(ready.exists, within=10, phase="the other port")
            with pytest.raises(OSError, match="refused"):
                connected(before)
            for connection in (waiting, connected(after)):
                connection.sendall(b"GET /admin/ HTTP/1.0\r\n\r\n")
                assert b" 403 " in connection.recv(4096)
                connection.close()
    finally:
        server.terminate()
        server.wait(5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
