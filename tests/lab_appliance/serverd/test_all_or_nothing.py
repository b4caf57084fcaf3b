"""A file that is sent and an activation are carried out whole, or are answered with why not and change nothing."""

from __future__ import annotations

import gzip
import io
import resource
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.appliance import ha_sync
from lab.appliance.serverd import activation, backup
from lab.appliance.serverd.replies import Refusal, Reply
from sns.errors import UnknownObject
from tests.lab_appliance.serverd.conftest import Client


def test_edits_are_there_as_before_when_a_restore_is_refused(client: Client) -> None:
    client.serverd.clone.write("object", "edited")
    assert client.ask("CONFIG RESTORE list=all").ret == 102
    assert "this is not a backup" in client.send(b"nonsense")
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
    assert told in client.send(b"any")


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
    assert client.ask("CONFIG RESTORE list=all").ret == 102
    with a_full_disk(1000):
        told = client.send(b"any")
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
