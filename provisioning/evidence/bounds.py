"""How much is kept: of an output, in a file, of a scenario, of a run. What is cut says so where it was cut."""

from __future__ import annotations

from dataclasses import dataclass

OUTPUT = 8_000  # characters of what one command printed: a web page or the state of a pair, whole
LOG = 32_000  # bytes of what one log gained: some 150 lines of the filter log
TEXT = 256_000  # bytes of a text file
CAPTURE = 512_000  # bytes of a capture: some 4,000 small packets
SCENARIO = 3_000_000  # bytes: the captures of five points at their bound, and all else
RUN = 100_000_000  # bytes, of each parallel worker: what a mail system or a CI server still takes, once compressed


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of evidence: its name in the scenario's folder, its content, and what it is, in a few words."""

    name: str
    content: str | bytes
    what: str

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return len(self.content if isinstance(self.content, bytes) else self.content.encode("utf-8", "backslashreplace"))


def cut(text: str, limit: int) -> str:
    """The text within ``limit`` characters: its first and its last half, and between them how much was left out."""
    if len(text) <= limit:
        return text
    note = f"\n[… {len(text) - limit} characters left out here …]\n"
    half = max(0, limit - len(note)) // 2
    return text[:half] + note + text[len(text) - half :]


def shortened(what: str, text: str, limit: int) -> tuple[str, str]:
    """What a text is, and the text within a limit; when it had to be cut, the one says so too."""
    if len(text) <= limit:
        return what, text
    return f"{what}; cut, {limit} of {len(text)} characters", cut(text, limit)
