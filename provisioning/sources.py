"""Configurations from wherever they are kept: a folder, a git revision (``REV:path``), an appliance's backup.

Git is asked for the files of a revision without checking anything out; a backup is opened without the appliance.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.unpacking import unpack

PASSWORD = "REMPART_BACKUP_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of backups."""

_BACKUP = b"[BACKUP]"
_LARGEST = 200_000_000  # bytes of an unpacked backup: a tree is some megabytes; more is a bomb
_REASONS = {
    6: "its signature cannot be read: it is cut short, or no backup",
    7: "its signature does not verify: it was changed, or another maker signed it",
    8: "it is shorter than its own header",
    12: "its format is of a version that nobody knows here",
    13: "it cannot be decrypted: the password is wrong, or it was cut short",
    32: "its cipher is not one that is known here",
}
"""The error codes of ``decbackup`` in words (sns.md 8)."""


class SourceError(Exception):
    """There is no configuration there; the text says what was looked for, and what to do."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How backups are opened. ``password_file`` wins over the environment; ``unsigned`` accepts what no appliance signed."""

    password_file: Path | None = None
    unsigned: bool = False

    def password(self) -> str:
        """The password, empty for none. Raises SourceError when the file cannot be read."""
        if self.password_file is None:
            return os.environ.get(PASSWORD, "")
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as why:
            raise SourceError(f"{self.password_file}: the password cannot be read: {why}") from None


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration's files at hand. ``folder`` is a deployment's or a ConfigFiles tree; ``base`` its user's name for it."""

    folder: Path
    base: str

    @property
    def is_deployment(self) -> bool:
        """Whether the folder has a plan."""
        return is_deployment(self.folder)

    def told(self, text: str) -> str:
        """A text with the files' places as their user knows them: what was unpacked lies where nobody will look."""
        if self.base == str(self.folder):
            return text
        return text.replace(str(self.folder), self.base).replace(str(self.folder.parent), self.base)


def is_deployment(folder: Path) -> bool:
    """Whether a folder has a plan."""
    return (folder / "deployment.toml").is_file()


@contextmanager
def opened(name: str, opening: Opening | None = None) -> Iterator[Source]:
    """The files that ``name`` stands for, while they are needed: what was unpacked for it is removed afterwards.

    An existing path comes first, then ``REV:path`` of the git repository that the working directory is in. Raises
    SourceError.
    """
    with tempfile.TemporaryDirectory(prefix="rempart-source-") as scratch:
        yield _source(name, Path(scratch), opening or Opening())


@contextmanager
def with_tree(plan: Source, site: str, tree: Source) -> Iterator[Source]:
    """A copy of a deployment in which a site has another ConfigFiles tree; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rempart-source-") as scratch:
        folder = Path(scratch) / plan.folder.name
        shutil.copytree(plan.folder, folder, ignore=shutil.ignore_patterns(".git"))
        shutil.rmtree(folder / site / "ConfigFiles", ignore_errors=True)
        shutil.copytree(tree.folder, folder / site / "ConfigFiles")
        if (tree.folder.parent / "Data").is_dir() and tree.folder.name == "ConfigFiles":
            shutil.copytree(tree.folder.parent / "Data", folder / site / "Data", dirs_exist_ok=True)
        yield Source(folder, tree.base)


def _source(name: str, scratch: Path, opening: Opening) -> Source:
    path = Path(name)
    if path.is_dir():
        folder = _tree(path, name)
        return Source(folder, str(folder))
    if path.is_file():
        return Source(_tree(_unpacked(path, name, scratch, opening), name), name)
    if ":" not in name:
        raise SourceError(f"{name}: no such file or folder (give a folder, a backup, or REV:path of a git repository)")
    return Source(_of_git(name, scratch, opening), name.partition(":")[2].rstrip("/") or ".")


def _tree(folder: Path, name: str) -> Path:
    """The deployment's folder or the ConfigFiles tree in a folder."""
    for found in (folder, folder / "ConfigFiles", folder / "usr/Firewall/ConfigFiles"):
        if is_deployment(found) or any((found / one).is_file() for one in ("network", "object")):
            return found
    raise SourceError(
        f"{name}: neither a deployment folder (deployment.toml) nor a ConfigFiles tree (object, network)"
        " (name the folder that holds one of them)"
    )


# Git ------------------------------------------------------------------------------------------------------------------


def _of_git(name: str, scratch: Path, opening: Opening) -> Path:
    kind = _git("cat-file", "-t", name, name=name).decode().strip()
    target = scratch / "git"
    if kind == "blob":
        target.write_bytes(_git("cat-file", "blob", name, name=name))
        return _tree(_unpacked(target, name, scratch, opening), name)
    if kind != "tree":
        raise SourceError(f"{name}: is a {kind}; give the folder too, as {name.rstrip(':')}:deployments/mine")
    archive = scratch / "git.tar"
    archive.write_bytes(_git("archive", "--format=tar", _tree_object(name), name=name))
    _extract(archive, target, name)
    return _tree(target, name)


def _tree_object(name: str) -> str:
    """The id of the tree: ``git archive`` itself does not understand ``REV:./path``."""
    return _git("rev-parse", "--verify", "--end-of-options", name, name=name).decode().strip()


def _git(*arguments: str, name: str) -> bytes:
    try:
        done = subprocess.run(["git", "--no-optional-locks", *arguments], capture_output=True, check=False)
    except OSError as why:
        raise SourceError(f"{name}: git cannot be run: {why.strerror}") from None
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise SourceError(f"{name}: git: {told[0].removeprefix('fatal: ') if told else 'failed without a word'}")
    return done.stdout


# Backups --------------------------------------------------------------------------------------------------------------


def _unpacked(path: Path, name: str, scratch: Path, opening: Opening) -> Path:
    """The files of a backup. Raises SourceError for a file that is none, and for one that cannot be opened."""
    with path.open("rb") as file:
        begins = file.read(64)
    if begins.startswith(b"version https://git-lfs"):
        raise SourceError(f"{name}: is a pointer of Git LFS, not the backup itself (run `git lfs pull`)")
    if not begins.startswith(_BACKUP):
        raise SourceError(f"{name}: is no backup of an appliance (.na, .bkup): it does not begin with [BACKUP]")
    from decbackup import BackupError, decrypt_backup

    archive, target = scratch / "backup.tar", scratch / "backup"
    try:
        decrypt_backup(path, archive, opening.password(), verify=not opening.unsigned)
    except BackupError as why:
        raise SourceError(f"{name}: {_REASONS.get(why.code, str(why))} (decbackup's error {why.code})") from None
    _extract(archive, target, name)
    return target


def _extract(archive: Path, target: Path, name: str) -> None:
    """Unpack plain files and folders; whatever else an archive may hold, and what would land elsewhere, is refused."""
    try:
        with tarfile.open(archive) as files:
            if sum(member.size for member in files.getmembers()) > _LARGEST:
                raise SourceError(f"{name}: unpacks to more than {_LARGEST // 1_000_000} MB: that is no configuration")
            unpack(files, target)
    except (tarfile.TarError, zlib.error, OSError, EOFError) as why:
        raise SourceError(f"{name}: what it holds cannot be unpacked: {why}") from None
