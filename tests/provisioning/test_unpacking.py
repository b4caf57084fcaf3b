"""An archive of somebody else's leaves its files in the folder that it is given, and nothing anywhere else."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from provisioning.unpacking import unpack


def _archive(*members: tuple[str, bytes]) -> tarfile.TarFile:
    """Members by name; what each is: a type of tar's, or a plain file's content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
                member.type, member.linkname = content, "/etc/passwd"
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return tarfile.open(fileobj=io.BytesIO(packed.getvalue()))


def _found(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_files_and_folders_are_there_and_nothing_else(tmp_path: Path) -> None:
    links = [(f"link-{kind.decode()}", kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)]
    with _archive(("empty", tarfile.DIRTYPE), ("Filter/05", b"[Filter]\n"), ("/object", b"[Host]\n"), *links) as archive:
        unpack(archive, tmp_path / "out")

    assert _found(tmp_path) == {"out/Filter/05": "[Filter]\n", "out/object": "[Host]\n"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Filter", "empty", "object"]


@pytest.mark.parametrize("name", ["../elsewhere", "Filter/../../elsewhere", "..", "/../elsewhere"])
def test_what_would_land_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with _archive((name, b"x")) as archive, pytest.raises(tarfile.TarError, match="would land outside of the folder"):
        unpack(archive, tmp_path / "out")
    assert _found(tmp_path) == {}
