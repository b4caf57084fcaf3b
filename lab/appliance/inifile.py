"""``setconf`` and ``getconf``: one token of one section of a file, all else of the file as it was (sns.md 1.2, 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lab.appliance.errors import ApplianceError, Misused
from sns.lines import split_comment, unquoted

_HEADER = re.compile(r"\s*\[([^\]]*)\]")


def main_setconf(arguments: list[str]) -> int:
    """``setconf FILE SECTION TOKEN VALUE``: set a token, creating file, section or token where missing."""
    if len(arguments) != 4:
        raise Misused("setconf FILE SECTION TOKEN VALUE")
    name, section, token, value = arguments
    set_token(Path(name), section, token, value)
    return 0


def main_getconf(arguments: list[str]) -> int:
    """``getconf FILE SECTION [TOKEN]``: print a value, or a section under one header line. 1 when there is none."""
    if len(arguments) not in (2, 3):
        raise Misused("getconf FILE SECTION [TOKEN]")
    text = _read(Path(arguments[0]))
    if len(arguments) == 3:
        value = get(text, arguments[1], arguments[2])
        if value is None:
            return 1
        print(value)
        return 0
    lines = section_lines(text, arguments[1])
    if lines is None:
        return 1
    print("\n".join([f"[{arguments[1]}]", *lines]))
    return 0


def set_token(path: Path, section: str, token: str, value: str) -> None:
    """Set a token in a file, at once and whole; its mode stays. Raises ApplianceError when it cannot be written."""
    text = _read(path) if path.exists() else ""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(edited(text, section, token, value))
        fresh.chmod(path.stat().st_mode if path.exists() else 0o644)
        fresh.rename(path)
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from error


def edited(text: str, section: str, token: str, value: str) -> str:
    """``text`` with ``token=value`` in ``[section]``: in the token's place, its comment kept, else after the section's
    last line, else in a new section at the end. Sections and tokens match without regard to case."""
    lines = text.splitlines()
    span = _span(lines, section)
    if span is None:
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, f"[{section}]", f"{token}={value}", ""])
    start, end = span
    for place in range(start, end):
        content, _ = split_comment(lines[place])
        name, equals, _old = content.partition("=")
        if equals and name.strip().lower() == token.lower():
            lines[place] = _replaced(lines[place], content, f"{name.rstrip()}={value}")
            return "\n".join([*lines, ""])
    while end > start and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, f"{token}={value}")
    return "\n".join([*lines, ""])


def get(text: str, section: str, token: str) -> str | None:
    """The value of a token, without quotes and comment; None when the section or the token is missing."""
    for line in section_lines(text, section) or ():
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() == token.lower():
            return unquoted(value.strip())
    return None


def section_lines(text: str, section: str) -> list[str] | None:
    """The lines of a section that say something, without comments; None when there is no such section."""
    lines = text.splitlines()
    span = _span(lines, section)
    if span is None:
        return None
    return list(_said(lines[span[0] : span[1]]))


def _said(lines: list[str]) -> Iterator[str]:
    for line in lines:
        content, _ = split_comment(line)
        if content:
            yield content


def _span(lines: list[str], section: str) -> tuple[int, int] | None:
    """Where the section's lines are: first, and one past the last."""
    start = None
    for place, line in enumerate(lines):
        header = _HEADER.match(line)
        if header and start is not None:
            return start, place
        if header and header[1].strip().lower() == section.lower():
            start = place + 1
    return None if start is None else (start, len(lines))


def _replaced(line: str, content: str, fresh: str) -> str:
    """The line with its content changed, its indentation and comment as they were."""
    at = line.index(content)
    return line[:at] + fresh + line[at + len(content) :]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise ApplianceError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ApplianceError(f"{path}: {error}") from error
