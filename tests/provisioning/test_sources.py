"""Configurations out of folders, git and backups: what is there is found, what is not is told in one sentence."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.main import main
from provisioning.sources import Opening, SourceError, opened
from sns.model import Severity
from sns.reader import read
from tests.provisioning.appliance_backup import archive, complete_tree, container, write
from tests.provisioning.plans import GUIDE
from tests.sns.trees import GUIDE as SMALL

UNSIGNED = Opening(unsigned=True)
IN_TREE = {name for name in SMALL if not name.startswith("../")}  # the directory's base lies beside it


@pytest.fixture(scope="module")
def complete() -> Mapping[str, bytes]:
    return complete_tree()


def _small() -> dict[str, bytes]:
    return {name: text.encode() for name, text in SMALL.items()}


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_complete_tree_is_read_and_what_is_not_modelled_is_listed_with_what_it_means(
    complete: Mapping[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path, complete)
    assert len(complete) > 1000
    configuration = read(tree)

    assert [finding for finding in configuration.findings if finding.severity is Severity.ERROR] == []
    assert configuration.policy.filter == read(GUIDE / "sbg7/ConfigFiles").policy.filter
    listed = {one.name: one.files for one in configuration.unmodelled}
    assert listed["Protocols"] > 1000
    assert listed.keys() >= {"SecurityInspection", "Bird", "Global", "QOS", "Certificates", "route6"}
    assert not listed.keys() & {"Event", "network.orig", "object", "Filter", "log"}

    assert main(["check", str(tree)]) == 0
    told = capsys.readouterr().out
    assert f"{tree}/Protocols:1: note: file: {listed['Protocols']} files here are not modelled: inspection may stop" in told
    assert f"{tree}/Bird:1: note: file: is not modelled: packets may leave by another way" in told


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("suffix", ["na", "bkup"])
def test_a_backup_is_opened_with_its_password(
    version: int, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / f"fw.{suffix}"
    backup.write_bytes(container(archive(_small()), "correct horse", version=version))
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")

    with opened(str(backup), Opening(secret, unsigned=True)) as found:
        assert _names(found.folder) == IN_TREE
        assert found.told(f"{found.folder}/Filter/05") == f"{backup}/Filter/05"
    assert not found.folder.exists()

    monkeypatch.setenv("REMPART_BACKUP_PASSWORD", "correct horse")
    with opened(str(backup), UNSIGNED) as found:
        assert _names(found.folder) == IN_TREE
    monkeypatch.setenv("REMPART_BACKUP_PASSWORD", "battery staple")
    with pytest.raises(SourceError, match="it cannot be decrypted: the password is wrong"), opened(str(backup), UNSIGNED):
        pass


def test_a_complete_backup_is_checked_without_its_files_being_left_behind(
    complete: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "fw.na"
    backup.write_bytes(container(archive(complete)))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))

    assert main(["check", "--unsigned", str(backup)]) == 0
    told = capsys.readouterr().out
    assert f"{backup}/network:29: warning: Address: the HA link (ha) takes its address by DHCP" in told
    assert "scratch" not in told
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_backup_that_no_appliance_signed_is_refused_unless_it_is_asked_for(tmp_path: Path) -> None:
    backup = tmp_path / "fw.na"
    backup.write_bytes(container(archive(_small())))
    with pytest.raises(SourceError, match=r"fw.na: its signature cannot be read"), opened(str(backup)):
        pass


def _tar(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for entry in entries:
            packed.addfile(entry)
    return buffer.getvalue()


def _outside() -> tarfile.TarInfo:
    return tarfile.TarInfo("../../outside")


@pytest.mark.parametrize(
    "content, told",
    [
        (b"", "is no backup of an appliance"),
        (b"PK\3\4", "is no backup of an appliance"),
        (b"[BACKUP]\r\nmajversion=2\r\n", "it is shorter than its own header"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (container(b"no archive"), "what it holds cannot be unpacked"),
        (container(archive({"Filter/05": b""})), "neither a deployment folder (deployment.toml) nor a ConfigFiles tree"),
        (container(_tar(_outside())), "what it holds cannot be unpacked"),
        (container(archive(_small()))[:-7], "it cannot be decrypted: the password is wrong, or it was cut short"),
    ],
)
def test_a_backup_that_cannot_be_opened(content: bytes, told: str, tmp_path: Path) -> None:
    backup = tmp_path / "fw.na"
    backup.write_bytes(content)
    with pytest.raises(SourceError) as why, opened(str(backup), UNSIGNED):
        pass
    assert told in str(why.value)
    assert _names(tmp_path) == {"fw.na"}


_WHOLE = container(archive(_small()))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(_WHOLE) - 1), put=st.integers(0, 255), cut=st.integers(0, len(_WHOLE)))
def test_a_damaged_backup_opens_or_is_told(tmp_path: Path, place: int, put: int, cut: int) -> None:
    backup = tmp_path / "fw.na"
    backup.write_bytes((_WHOLE[:place] + bytes([put]) + _WHOLE[place + 1 :])[: cut or None])
    with suppress(SourceError), opened(str(backup), UNSIGNED) as found:
        read(found.folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits of a tree and a backup; the working directory is emptied of them."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.net")
    _git("init", "-q", "-b", "main")
    write(tmp_path / "fw/ConfigFiles", _small())
    (tmp_path / "fw.na").write_bytes(container(archive(_small())))
    _git("add", ".")
    _git("commit", "-qm", "one")
    write(tmp_path / "fw/ConfigFiles", {"Filter/05": b"[Filter]\npass from any to any\n"})
    _git("commit", "-qam", "two")
    _git("rm", "-rq", "fw", "fw.na")
    return tmp_path


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def test_a_revision_is_read_without_a_checkout(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened("HEAD:fw/ConfigFiles") as after, opened("HEAD~1:./fw") as before, opened("main:fw.na", UNSIGNED) as backup:
        assert (after.folder / "Filter/05").read_text() == "[Filter]\npass from any to any\n"
        assert (before.folder / "Filter/05").read_text() == SMALL["Filter/05"]
        assert _names(backup.folder) == IN_TREE
    assert list(repository.iterdir()) == [repository / ".git"]

    assert main(["compare", "HEAD~1:fw", "HEAD:fw"]) == 1
    assert 'by rule 1 "pass from any to any" (Filter/05:2)' in capsys.readouterr().out
    assert main(["check", "HEAD:fw/ConfigFiles"]) == 1
    assert "fw/ConfigFiles/Filter/05:2: error: rule: lets anybody on out reach SSH" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, told",
    [
        ("nowhere", "nowhere: no such file or folder (give a folder, a backup, or REV:path of a git repository)"),
        ("nobody:fw", "nobody:fw: git: "),
        ("HEAD:elsewhere", "HEAD:elsewhere: git: path 'elsewhere' does not exist in 'HEAD'"),
        ("--upload-pack=x:fw", "--upload-pack=x:fw: git: "),
        (".", ".: neither a deployment folder (deployment.toml) nor a ConfigFiles tree (object, network)"),
    ],
)
def test_what_git_and_folders_do_not_have(repository: Path, name: str, told: str) -> None:
    with pytest.raises(SourceError) as why, opened(name):
        pass
    assert str(why.value).startswith(told)
