"""The edited configuration: commands change a clone of the files, and nothing counts before it is activated.

Files are named from ``/usr/Firewall`` (``ConfigFiles/object``, ``Data/Ldapbase.ldif``). What is edited is checked as the
appliance's own commands check it, by reading the whole configuration with the edits in place.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.appliance import leases, paths
from lab.appliance.serverd.replies import Refusal
from sns.identity import BASE_FILE
from sns.model import Configuration, Finding, Severity
from sns.reader import read

CONFIG = "ConfigFiles"
Edit = Callable[[], None]


class Clone:
    """What is edited and not yet activated. ``None`` as a content stands for a file that goes."""

    def __init__(self, root: Path = paths.FIREWALL) -> None:
        self._root = root
        self._edited: dict[str, str | None] = {}
        self._judged: tuple[int, list[Finding]] = (0, [])  # of which files and edits, and their errors

    def read(self, name: str) -> str:
        """A file of ConfigFiles as edited; empty when there is none."""
        return self._read(f"{CONFIG}/{name}")

    def write(self, name: str, text: str) -> None:
        """Edit a file of ConfigFiles."""
        self._write(f"{CONFIG}/{name}", text)

    def read_base(self) -> str:
        """The directory's base as edited."""
        return self._read(BASE_FILE)

    def write_base(self, text: str) -> None:
        """Edit the directory's base."""
        self._write(BASE_FILE, text)

    def edited(self, concerns: Collection[str] | None = None) -> dict[str, str | None]:
        """What is edited, of these files and folders of ConfigFiles (``Data`` for the base), or all of it."""
        return {name: text for name, text in self._edited.items() if concerns is None or _group(name) in concerns}

    def drop(self, names: Iterable[str]) -> None:
        """Forget the edits of these files."""
        for name in list(names):
            self._edited.pop(name, None)

    def checked(self, edit: Edit) -> None:
        """Do an edit that leaves no more errors than there were; else undo it. Raises Refusal with the first new one."""
        kept, before = dict(self._edited), {_said(error) for error in self._errors()}
        try:
            edit()
            fresh = [error for error in self._errors() if _said(error) not in before]
        except BaseException:
            self._edited = kept
            raise
        if fresh:
            self._edited = kept
            raise Refusal(str(fresh[0]))

    def configuration(self, concerns: Collection[str] | None = None) -> Configuration:
        """The configuration with the edits in place, of these files and folders or all of them."""
        held = leases.by_section() if self._root == paths.FIREWALL else {}
        if not (edits := self.edited(concerns)):
            return read(self._root / CONFIG, leases=held)
        with tempfile.TemporaryDirectory(prefix="clone") as folder:
            merged = Path(folder)
            shutil.copytree(self._root / CONFIG, merged / CONFIG, copy_function=_link)
            base = self._root / BASE_FILE
            if base.exists():
                (merged / BASE_FILE).parent.mkdir()
                shutil.copyfile(base, merged / BASE_FILE)
            with in_place(merged, edits):
                return read(merged / CONFIG, leases=held)

    def _errors(self) -> list[Finding]:
        """The errors as things are; the same question again costs nothing."""
        places = (*(self._root / CONFIG).rglob("*"), self._root / BASE_FILE)
        files = [(path, path.stat()) for path in places if path.is_file()]
        state = hash((tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in files), tuple(self._edited.items())))
        if self._judged[0] != state:
            findings = self.configuration().findings
            self._judged = state, [finding for finding in findings if finding.severity is Severity.ERROR]
        return self._judged[1]

    def _read(self, name: str) -> str:
        if name in self._edited:
            return self._edited[name] or ""
        with suppress(FileNotFoundError):
            return (self._root / name).read_text()
        return ""

    def _write(self, name: str, text: str) -> None:
        self._edited[name] = text


@contextmanager
def in_place(root: Path, files: Mapping[str, str | None]) -> Iterator[None]:
    """These files below ``root``, each whole; all are as they were when one cannot be, or when what is done with them fails.

    Both what comes and what goes is written beside them first: nothing that is done after that needs room on the disk. Raises
    OSError.
    """
    with tempfile.TemporaryDirectory(prefix="edits", dir=root) as folder:
        fresh, former = Path(folder) / "fresh", Path(folder) / "former"
        for name, text in files.items():
            if text is not None:
                _made(fresh / name).touch(mode=0o600)
                (fresh / name).write_text(text)
            if (root / name).is_file():
                shutil.copy2(root / name, _made(former / name))
        try:
            for name in files:
                _move(fresh / name, root / name)
            yield
        except BaseException:
            for name in files:
                _move(former / name, root / name)
            raise


def _made(path: Path) -> Path:
    """A path whose folder there is now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _move(source: Path, target: Path) -> None:
    """A file in place of another; no file at all when there is none."""
    if source.exists():
        source.replace(_made(target))
    else:
        target.unlink(missing_ok=True)


def below_config(name: str) -> str:
    """A file's name as ``hasync`` says it: relative to ConfigFiles, the base with its folder."""
    return name.removeprefix(f"{CONFIG}/")


def _group(name: str) -> str:
    return below_config(name).partition("/")[0]


def _link(source: str, target: str) -> None:
    """A symbolic link instead of a copy: the clone is only read."""
    Path(target).symlink_to(source)


def _said(finding: Finding) -> tuple[str, str, str]:
    """A finding without its line: lines move."""
    return finding.location.file, finding.field, finding.message
