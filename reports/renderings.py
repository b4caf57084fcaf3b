"""The renderings of a record that are files beside it, and writing them. What makes them is imported only when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reports.record import Record, read
from reports.seal import SUMS


class Sealed(Exception):
    """Writing would break the seal of a run's folder; the text says what to do instead."""


Made = bytes | Mapping[str, bytes]
"""A document, or several that belong together by their names, the one to begin with first."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of rendering: its file's name in English, what makes it, and whether people read it.

    ``make`` takes the record, the language's code, and the way from the document to the run's folder, for its links. What
    only programs read is the same in every language.
    """

    name: str
    make: Callable[[Record, str, str], Made]
    spoken: bool = False

    def file(self, code: str) -> str:
        """The file's name in a language: ``report.html``, ``report.fr.html``."""
        stem, dot, ending = self.name.partition(".")
        return f"{stem}.{code}{dot}{ending}" if self.spoken and code != "en" else self.name


def _html(record: Record, code: str, way: str) -> bytes:
    from reports.html import page

    return page.render(record, code=code, way=way).encode()


def _pdf(record: Record, code: str, way: str) -> bytes:
    from reports import pdf

    return pdf.render(record, code=code, way=way)


def _junit(record: Record, code: str, way: str) -> bytes:  # noqa: ARG001 - it has no language and no links
    from reports import junit

    return junit.render(record)


def _markdown(record: Record, code: str, way: str) -> bytes:
    from reports import markdown

    return markdown.render(record, code=code, way=way).encode()


def _failovers(record: Record, code: str, way: str) -> bytes:  # noqa: ARG001 - it has no language and no links
    from reports import failovers

    return failovers.render(record).encode()


def _oscal(record: Record, code: str, way: str) -> Mapping[str, bytes]:  # noqa: ARG001 - it has no language
    from reports import oscal

    return oscal.render(record, way=way)


def _hdf(record: Record, code: str, way: str) -> bytes:  # noqa: ARG001 - it has no language and no links
    from reports import hdf

    return hdf.render(record)


FORMATS: Mapping[str, Format] = {
    "html": Format("report.html", _html, spoken=True),
    "pdf": Format("report.pdf", _pdf, spoken=True),
    "junit": Format("junit.xml", _junit),
    "oscal": Format("oscal/assessment-results.json", _oscal),
    "hdf": Format("hdf.json", _hdf),
    "md": Format("summary.md", _markdown, spoken=True),
    "failovers": Format("failovers.md", _failovers),
}

LEFT_BY_A_RUN = ("html", "junit", "oscal", "hdf", "md")
"""What every run leaves beside its record: all but the PDF, which takes as long as a third of the run that it tells of."""


def prepare() -> None:
    """Import what makes them, which takes about as long as to make them: beside something that is waited for."""
    from reports import hdf, junit, markdown, oscal  # noqa: F401
    from reports.html import page  # noqa: F401

    oscal.models()


def write_all(record: Record) -> list[Path]:
    """Write what every run leaves beside its record; the files. Raises OSError, or Sealed as ``write`` does."""
    return [_write(record, name, "en", record.folder, "") for name in LEFT_BY_A_RUN]


def write(folder: Path, name: str, *, code: str = "en", into: Path | None = None, served: str = "") -> Path:
    """Write the rendering of a name of ``FORMATS`` into a folder, by default the run's own; the file's path.

    ``served`` is the address under which the run's folder can be fetched, for links; without it they are relative.

    Raises RecordError when the record cannot be read, OSError when the file cannot be written, and Sealed when the run's
    folder is sealed and the file is not in it with these bytes already.
    """
    return _write(read(folder), name, code, into or folder, served)


def _write(record: Record, name: str, code: str, into: Path, served: str) -> Path:
    form, folder = FORMATS[name], record.folder
    path = into / form.file(code)
    made = form.make(record, code, f"{served.rstrip('/')}/" if served else _way(path.parent, folder))
    files = made if isinstance(made, Mapping) else {path.name: made}
    for file, content in files.items():
        _put(path.parent / file, content, folder)
    return path


def _put(path: Path, content: bytes, folder: Path) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    if (folder / SUMS).exists() and path.parent.resolve().is_relative_to(folder.resolve()):
        raise Sealed(f"{path}: {SUMS} seals this folder, and this file would change it (write elsewhere with --output DIR)")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _way(target: Path, folder: Path) -> str:
    """The relative address of a run's folder from a document's: "" when it is the same, else with a slash at its end."""
    way = os.path.relpath(folder.resolve(), target.resolve())
    return "" if way == os.curdir else f"{quote(Path(way).as_posix())}/"
