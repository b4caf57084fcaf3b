"""A file that is sent and an activation are carried out whole, or are answered with why not and change nothing."""

from __future__ import annotations

import gzip
import io
import resource
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.appliance import ha_sync, paths
from lab.appliance.serverd import activation, backup
from lab.appliance.serverd.clone import Clone
from lab.appliance.serverd.replies import Refusal, Reply
from lab.appliance.serverd.service import Serverd
from lab.appliance.serverd.sessions import Session
from lab.appliance.serverd.web import Endpoints, Request
from sns.errors import UnknownObject
from tests.sns.trees import GUIDE, write

CLIENT = IPv4Address("198.51.100.101")
FORM = 'multipart/form-data; boundary="cut"'


@pytest.fixture
def firewall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's files, where the appliance's are."""
    monkeypatch.setattr(paths, "FIREWALL", tmp_path)
    monkeypatch.setattr(paths, "CONFIG", write(tmp_path, GUIDE))
    return tmp_path


class Client:
    """A session over the web, without the web."""

    def __init__(self, root: Path) -> None:
        self.serverd = Serverd()
        self.serverd.clone = Clone(root)
        self._endpoints = Endpoints(self.serverd)
        self._cookie = self.serverd.sessions.logged_in(CLIENT, "admin")
        opened = self.serverd.sessions.open(self._cookie, CLIENT)
        assert opened is not None
        self.session: Session = opened

    def sends(self, content: bytes) -> str:
        body = b'--cut\r\nContent-Disposition: form-data; name="upload"\r\n\r\n' + content + b"\r\n--cut--\r\n"
        cookies = f"{self._endpoints._cookie}={self._cookie}"
        query = f"sessionid={self.session.number}"
        return self._endpoints.answer(Request("POST", "/api/upload", query, cookies, FORM, body, CLIENT)).body.decode()


@pytest.fixture
def client(firewall: Path) -> Client:
    return Client(firewall)


def test_edits_are_there_as_before_when_a_restore_is_refused(client: Client) -> None:
    client.serverd.clone.write("object", "edited")
    assert client.serverd.command(client.session, "CONFIG RESTORE list=all").ret == 102
    assert "this is not a backup" in client.sends(b"nonsense")
    assert client.serverd.clone.read("object") == "edited"


def raising(error: Exception) -> Callable[[bytes], Reply]:
    def take(_: bytes) -> Reply:
        raise error

    return take


@pytest.mark.parametrize(
    ("error", "told"),
    [(UnknownObject("srv"), '"srv" is not declared'), (OSError(28, "No space left on device"), 'code="900"')],
)
def test_a_file_that_cannot_be_taken_is_answered_all_the_same(client: Client, error: Exception, told: str) -> None:
    client.session.upload = raising(error)
    assert told in client.sends(b"any")


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        entry = tarfile.TarInfo("usr/Firewall/ConfigFiles/object")
        entry.size = 4000
        files.addfile(entry, io.BytesIO(bytes(range(250)) * 16))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x1f\x8b and nothing more",
        gzip.compress(b"this is no archive"),
        archive()[:-200],
        archive()[:-8] + bytes(8),
        archive()[:40] + bytes(60) + archive()[100:],
    ],
    ids=["no compression", "no archive", "cut off", "wrong sum", "holes"],
)
def test_a_damaged_archive_is_refused_by_that_name(damaged: bytes) -> None:
    with pytest.raises(Refusal, match="the backup is damaged"):
        backup._whole(damaged)


def test_a_backup_that_does_not_fit_on_the_disk_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backup, "unpacked", lambda *_: archive())
    monkeypatch.setattr(ha_sync, "_INCOMING", tmp_path / "incoming")
    assert client.serverd.command(client.session, "CONFIG RESTORE list=all").ret == 102
    with a_full_disk(1000):
        told = client.sends(b"any")
    assert "cannot be put in place here: [Errno 27] File too large" in told


@contextmanager
def a_full_disk(room: int) -> Iterator[None]:
    """No file of more than ``room`` bytes can be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_activation_that_does_not_fit_on_the_disk_changes_no_file(firewall: Path, client: Client) -> None:
    clone, running = client.serverd.clone, client.serverd.running()
    clone.write("Filter/05", "[Filter]\n[NAT]\n")
    clone.write("Filter/06", "[Filter]\n" + "# a long comment\n" * 100_000 + "[NAT]\n")
    before = {path: path.read_bytes() for path in firewall.rglob("*") if path.is_file()}
    with a_full_disk(1_000_000), pytest.raises(Refusal, match=r"as they were.*File too large"):
        activation.activate(clone, running, ("Filter",))
    assert {path: path.read_bytes() for path in firewall.rglob("*") if path.is_file()} == before
    assert len(clone.edited()) == 2
