"""Glance's share: the appliance's image."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from provisioning.cloud.region import Region
from provisioning.cloud.resources import Found, Image

STEP = 10  # percent between two reports of an upload
_WAITS = "queued"
_UNFINISHED = (_WAITS, "saving", "uploading", "importing", "killed")


def found(region: Region) -> Iterator[Found]:
    """All images that the project can see."""
    for each in region.cloud.image.images():
        values = {
            "status": each.status,
            "disk format": each.disk_format,
            "protected": each.is_protected,
            "sha512": each.hash_value or "",
        }
        yield Found(
            region.key(Image.kind, each.name or each.id),
            each.id,
            region.mark.tag in (each.tags or ()) and each.owner_id == region.project,
            values,
            each.created_at or "",
            unfinished=f"its upload did not end ({each.status})" if each.status in _UNFINISHED else "",
        )


def create(region: Region, wanted: Image) -> str:
    """Upload it; a gigabyte takes minutes, and is told of as it goes. What was uploaded in part is removed when it fails."""
    with _told(region, wanted) as data:
        made = region.cloud.image.create_image(
            wanted.name,
            data=data,
            disk_format=wanted.disk_format,
            container_format="bare",
            tags=[region.mark.tag],
            allow_duplicates=True,
        )
    return _protected(region, wanted, made)


def waits_for_content(wanted: Image, each: Found) -> bool:
    """Whether it is the wanted image, of which nothing has been uploaded yet: it need not be made again."""
    return (each.values["status"], each.values["disk format"]) == (_WAITS, wanted.disk_format)


def fill(region: Region, wanted: Image, each: Found) -> str:
    """Upload the content of one that waits for it."""
    made = region.cloud.image.get_image(each.id)
    with _told(region, wanted) as data:
        made.data = data
        made.upload(region.cloud.image)
    return _protected(region, wanted, made)


@contextmanager
def _told(region: Region, wanted: Image) -> Iterator[Upload]:
    with wanted.file.open("rb") as file:
        yield Upload(file, wanted.file, lambda percent: region.tell(f"{wanted.key}: {percent} % uploaded"))


def _protected(region: Region, wanted: Image, made: Any) -> str:
    if wanted.protected:
        region.cloud.image.update_image(made, is_protected=True)
    return str(made.id)


def update(region: Region, wanted: Image, identifier: str) -> None:
    """Only its protection can change."""
    region.cloud.image.update_image(identifier, is_protected=wanted.protected)


def delete(region: Region, each: Found) -> None:
    """Delete one of ours, protected or not."""
    image = region.cloud.image
    if each.values["protected"]:
        image.update_image(each.id, is_protected=False)
    image.delete_image(each.id, ignore_missing=True)


class Upload(io.RawIOBase):
    """A file on its way, which tells how much of it has gone."""

    def __init__(self, file: BinaryIO, path: Path, report: Callable[[int], None]) -> None:
        self._file = file
        self._size = path.stat().st_size
        self._report = report
        self._told = 0

    def __len__(self) -> int:
        return self._size

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next piece."""
        piece = self._file.read(size)
        percent = 100 * self._file.tell() // self._size if self._size else 100
        if percent >= self._told + STEP:
            self._told = percent - percent % STEP
            self._report(self._told)
        return piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Begin again, as a client does that has to send it twice."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """How much has gone."""
        return self._file.tell()
