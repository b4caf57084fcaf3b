"""Takes secrets out of all that a run keeps: as they are, and in the forms that programs give them on their way.

What is known to be secret is hidden wherever it stands. What nobody told us is recognised by where it stands: the values
of cookies and authorisations, private keys in PEM, passwords in URLs and in options of commands.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from urllib.parse import quote, quote_plus

HIDDEN = "[secret]"
_REMEMBERED = 100  # characters
SHORTEST = 6  # characters: hiding something shorter would hide half of every output
BLANK = b"*"
"""What is put over each byte of a secret where lengths must stay as they are."""

_KEY = r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)"
_FIELD = re.compile(r"(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)(\"?[ \t]*[:=])([^\r\n]+)")
_VALUE = re.compile(r"[=: ]([^\s=:;,\"]+)")
_IN_TEXT = (
    (re.compile(_KEY, re.DOTALL), HIDDEN),
    (_FIELD, rf"\1\2 {HIDDEN}"),
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"), rf"\1{HIDDEN}"),
)
_IN_BYTES = (re.compile(_KEY.encode(), re.DOTALL), re.compile(rb"(?i)(?<=\n)(?:set-)?cookie:[^\r\n]+"),
             re.compile(rb"(?i)(?<=\n)(?:proxy-)?authorization:[^\r\n]+"))  # fmt: skip
_TELLING = r"(?:password|passwd|passphrase|secret|token|psk|api[-_]?key|cookie)"
_CURL = re.compile(r"\bcurl\b[^\n]*")
_OF_CURL = re.compile(r"( -[buU] ?)('[^']*'|[^\s']\S*)")
_OPTION = re.compile(rf"(?i)(?<!\S)(--?[\w-]*{_TELLING})(?:=|\s+)('[^']*'|\S+)")
_VARIABLE = re.compile(rf"(?i){_TELLING}$")


class Redaction:
    """What is known to be secret, and the removal of it."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[bytes] | None = None
        self._short: dict[str, str] = {}  # what was made of short texts: a record says the same words again and again

    @property
    def known(self) -> frozenset[str]:
        """The secrets, line by line."""
        return frozenset(self._known)

    def learn(self, *secrets: str) -> None:
        """Hide these from now on, each line of its own; what frames a key in PEM and what is too short is not hidden."""
        lines = {line.strip() for one in secrets for line in one.splitlines()}
        new = {line for line in lines if len(line) >= SHORTEST and not line.startswith("-----")} - self._known
        if new:
            self._known |= new
            self._pattern = None
            self._short.clear()

    def notice(self, text: str) -> None:
        """Learn the cookies and passwords that stand in a command or in what it printed, wherever they may turn up later."""
        fields = [match[3] for match in _FIELD.finditer(text)]
        options = [option[2].strip("'") for one in _CURL.finditer(text) for option in _OF_CURL.finditer(one[0])]
        words = {word for value in (*fields, *options) for word in _VALUE.findall(value)}
        # A word without a figure may be any word: hidden everywhere, it would make texts unreadable.
        self.learn(*(word for word in words if len(word) >= SHORTEST + 2 and re.search(r"\d", word)))

    def text(self, text: str) -> str:
        """The text with :data:`HIDDEN` in the place of each secret."""
        if len(text) > _REMEMBERED:
            return self._hidden(text)
        if text not in self._short:
            self._short[text] = self._hidden(text)
        return self._short[text]

    def _hidden(self, text: str) -> str:
        for pattern, shown in _IN_TEXT:
            text = pattern.sub(shown, text)
        text = _CURL.sub(lambda one: _OF_CURL.sub(rf"\1{HIDDEN}", one[0]), text)
        text = _OPTION.sub(rf"\1={HIDDEN}", text)
        if not self._known:
            return text
        # No character of UTF-8 begins within another one, so secrets are found in it where they stand in the text.
        return self._compiled().sub(HIDDEN.encode(), text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand in bytes: first and last but one. Names of fields count as secret as their values."""
        found = [match.span() for pattern in _IN_BYTES for match in pattern.finditer(data)]
        if self._known:
            found += [match.span() for match in self._compiled().finditer(data)]
        return found

    def _compiled(self) -> re.Pattern[bytes]:
        """One pattern for texts and bytes: to compile it takes as long as to look through a whole run."""
        if self._pattern is None:
            octets = {form.encode().decode("latin-1") for secret in self._known for form in forms(secret)}
            self._pattern = re.compile(_any_of(sorted(octets)).encode("latin-1"))
        return self._pattern


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as programs write it: in base64 at each of the three places where it can begin, in hex, for
    URLs, for a shell, for JSON and HTML, and in UTF-16."""
    raw = secret.encode()
    yield secret
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield from (quoted, re.sub("%[0-9A-F]{2}", lambda one: one[0].lower(), quoted))
    yield secret.replace("'", "'\"'\"'")  # between the quotes of a shell
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret))
    for hexadecimal in (raw.hex(), raw.hex(":"), raw.hex(" ")):
        yield from (hexadecimal, hexadecimal.upper())
    if secret.isascii():
        yield "\0".join(secret)  # in either byte order: the zeros between the characters are in both
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # Letters of base64 that hold bits of what stands before or behind the secret differ from text to text.
        own = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        yield from (own, own.replace("+", "-").replace("/", "_"))


def _any_of(words: Sequence[str]) -> str:
    """A pattern that finds the longest of these words at each place in one pass. They are sorted, and all differ."""
    parts = []
    for _, group in groupby((word for word in words if word), key=lambda word: word[0]):
        alike = list(group)
        shared = alike[0][: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(alike[0], alike[-1], strict=False)))]
        rests = [word[len(shared) :] for word in alike]
        tail = f"(?:{_any_of(rests)}){'?' if '' in rests else ''}" if any(rests) else ""
        parts.append(re.escape(shared) + tail)
    return "|".join(parts)


def told_to_the_process(arguments: Iterable[str], environment: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The values of options and environment variables whose names say that they are secret."""
    for option in _OPTION.finditer(" ".join(arguments)):
        yield option[2].strip("'")
    for name, value in environment:
        if _VARIABLE.search(name):
            yield value
