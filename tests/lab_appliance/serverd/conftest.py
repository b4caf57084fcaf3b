"""The guide's files where the appliance's are, and a session with the management API over them: no appliance is here."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.appliance import paths
from lab.appliance.serverd.clone import Clone
from lab.appliance.serverd.replies import Reply
from lab.appliance.serverd.service import Serverd
from lab.appliance.serverd.web import Endpoints, Request
from tests.sns.trees import GUIDE, write

CLIENT = IPv4Address("198.51.100.101")
FORM = 'multipart/form-data; boundary="cut"'


class Client:
    """A session over the web, without the web."""

    def __init__(self, root: Path) -> None:
        self.serverd = Serverd()
        self.serverd.clone = Clone(root)
        self._endpoints = Endpoints(self.serverd)
        self._bearer = self.serverd.sessions.logged_in(CLIENT, "admin")
        opened = self.serverd.sessions.open(self._bearer, CLIENT)
        assert opened is not None
        self.session = opened

    def ask(self, *commands: str) -> Reply:
        """The answer to the last command; those before it must be carried out."""
        *before, last = commands
        for command in before:
            reply = self.serverd.command(self.session, command)
            assert reply.ret == 100, reply.msg
        return self.serverd.command(self.session, last)

    def send(self, content: bytes) -> str:
        """What a file is answered."""
        body = b'--cut\r\nContent-Disposition: form-data; name="upload"\r\n\r\n' + content + b"\r\n--cut--\r\n"
        cookies = f"{self._endpoints._cookie}={self._bearer}"
        query = f"sessionid={self.session.number}"
        return self._endpoints.answer(Request("POST", "/api/upload", query, cookies, FORM, body, CLIENT)).body.decode()


@pytest.fixture
def firewall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's files, where the appliance's are."""
    monkeypatch.setattr(paths, "FIREWALL", tmp_path)
    monkeypatch.setattr(paths, "CONFIG", write(tmp_path, GUIDE))
    return tmp_path


@pytest.fixture
def client(firewall: Path) -> Client:
    return Client(firewall)
