"""A TOML file that a person wrote, read whole: what keeps it from being read is told with file, line, field and remedy."""

from __future__ import annotations

import codecs
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from provisioning.deployment_error import DeploymentError, located
from provisioning.toml_lines import TomlLines


def read(file: Path, *, remedy: str) -> tuple[dict[str, Any], TomlLines]:
    """What the file says, and the line of each of its keys.

    ``remedy`` is what to do when there is no such file, or none that can be read. Raises DeploymentError.
    """
    text = _text(file, remedy)
    try:
        return tomllib.loads(text), TomlLines(text)
    except tomllib.TOMLDecodeError as error:
        line, message = _syntax_error(text, str(error))
        raise _failure(file, line, "TOML", message, "see https://toml.io") from None
    except RecursionError:
        raise _failure(file, 1, "TOML", "brackets are nested too deeply", "two levels are enough") from None
    except ValueError:  # the one that tomllib lets through: more digits than Python converts
        raise _failure(file, _line_of_digits(text), "TOML", "a number has too many digits", "write a smaller one") from None


def _text(file: Path, remedy: str) -> str:
    """The file's text. Raises DeploymentError: there is none, it is no file, or no UTF-8."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for, a device read without end
            raise _failure(file, 1, file.stem, "is no file", remedy)
        data = file.read_bytes()
    except FileNotFoundError:
        what = "no such file" if file.parent.is_dir() else "no such folder"
        raise _failure(file, 1, file.stem, what, remedy) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _failure(file, 1, file.stem, f"cannot be read: {why}", remedy) from None
    if data.startswith(codecs.BOM_UTF8):
        raise _failure(file, 1, "encoding", "begins with a byte order mark", "save the file as UTF-8 without one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _failure(file, line, "encoding", "is not UTF-8", "save the file as UTF-8") from None


def _failure(file: Path, line: int, name: str, message: str, remedy: str) -> DeploymentError:
    return DeploymentError(located(str(file), [(line, name, message, remedy)]))


def _syntax_error(text: str, message: str) -> tuple[int, str]:
    """The line of a TOML syntax error, which tomllib writes into its message."""
    what, _, where = message.partition(" (at ")
    if where.startswith("line "):
        return int(where.removeprefix("line ").partition(",")[0]), what
    return len(text.splitlines()) or 1, what  # "at end of document"


def _line_of_digits(text: str) -> int:
    """The line of the first number that is too long for Python."""
    lines = (number for number, line in enumerate(text.splitlines(), start=1) if _TOO_MANY_DIGITS.search(line))
    return next(lines, 1)


_TOO_MANY_DIGITS = re.compile(r"[0-9_]{4300}")
