"""What is text and what is comment in a line of a ConfigFiles file, and a value without its quotes (sns.md 1.2)."""

from __future__ import annotations


def split_comment(line: str) -> tuple[str, str]:
    """The text of a line and its comment, both stripped. A ``#`` between double quotes belongs to the text."""
    mark = line.find("#")
    if mark < 0:
        return line.strip(), ""
    quote = line.find('"')
    if 0 <= quote < mark:
        mark = _mark_outside_quotes(line, mark)
    return (line[:mark].strip(), line[mark + 1 :].strip()) if mark >= 0 else (line.strip(), "")


def _mark_outside_quotes(line: str, first: int) -> int:
    quoted = False
    for place, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "#" and not quoted:
            return place
    return first if quoted else -1  # a quote that never closes is an ordinary character


def unquoted(value: str) -> str:
    """The value without the double quotes around it, if it has them."""
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value
