"""Files and folders out of a tar archive that somebody else made.

The standard library's own way to refuse what would land elsewhere (``filter="data"``) is not in Debian 12's Python, 3.11.2.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path


def unpack(archive: tarfile.TarFile, target: Path) -> None:
    """Plain files and folders into a folder, which is made; whatever else an archive may hold (links, devices) is left out.

    Raises TarError for what would land outside of the folder, and OSError.
    """
    root = target.resolve()
    for member in archive.getmembers():
        place = (root / member.name.lstrip("/")).resolve()
        if not place.is_relative_to(root):
            raise tarfile.TarError(f'"{member.name}" would land outside of the folder')
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.isreg() and (data := archive.extractfile(member)) is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            with data, place.open("wb") as written:
                shutil.copyfileobj(data, written)
