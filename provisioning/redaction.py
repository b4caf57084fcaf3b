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
from functools import cached_property
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
_KEY_IN_TEXT = re.compile(_KEY, re.DOTALL)
_URL = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
_IN_BYTES = ((b"-----begin ", re.compile(_KEY.encode(), re.DOTALL)),
             (b"cookie:", re.compile(rb"(?i)(?<=\n)(?:set-)?cookie:[^\r\n]+")),
             (b"authorization:", re.compile(rb"(?i)(?<=\n)(?:proxy-)?authorization:[^\r\n]+")))  # fmt: skip
"""What may be secret by where it stands in bytes, each behind what must be there in small letters for it to be found."""
_WORDS = ("passw", "passphrase", "secret", "token", "psk", "api", "cookie")
"""In each that ``_TELLING`` finds there is one of these."""
_TELLING = r"(?:password|passwd|passphrase|secret|token|psk|api[-_]?key|cookie)"
_CURL = re.compile(r"\bcurl\b[^\n]*")
_OF_CURL = re.compile(r"( -[buU] ?)('[^']*'|[^\s']\S*)")
_OPTION = re.compile(rf"(?i)(?<!\S)(--?[\w-]*{_TELLING})(?:=|\s+)('[^']*'|\S+)")
_VARIABLE = re.compile(rf"(?i){_TELLING}$")


class _Forms:
    """Every form of what is known, as it stands in bytes. Whoever learns more makes another one."""

    def __init__(self, octets: frozenset[bytes]) -> None:
        self.octets = octets
        self._shortest = min(map(len, octets), default=0)

    def may_stand_in(self, data: bytes) -> bool:
        """Whether one of them can stand there; False is certain.

        One that stands there has a whole piece at one of the places that are looked at, for they are near enough to each
        other. It takes a twentieth of the time of the pattern, and most of what is kept holds no secret.
        """
        if not self.octets or len(data) < self._shortest:
            return False
        places = range(0, len(data) - SHORTEST + 1, self._shortest - SHORTEST + 1)
        return not self._pieces.isdisjoint([data[at : at + SHORTEST] for at in places])

    @cached_property
    def _pieces(self) -> frozenset[bytes]:
        """All pieces of ``SHORTEST`` bytes in as much of the beginning of each form as the shortest has."""
        places = range(self._shortest - SHORTEST + 1)
        return frozenset(one[at : at + SHORTEST] for one in self.octets for at in places)

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """One for texts and bytes: to compile it takes as long as to look through a whole run."""
        return re.compile(_any_of(sorted(one.decode("latin-1") for one in self.octets)).encode("latin-1"))


class Redaction:
    """What is known to be secret, and the removal of it."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._forms = _Forms(frozenset())
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
            self._forms = _Forms(self._forms.octets.union(form.encode() for secret in new for form in forms(secret)))
            self._short = {}

    def notice(self, text: str) -> None:
        """Learn the cookies and passwords that stand in a command or in what it printed, wherever they may turn up later."""
        fields = [match[3] for match in _FIELD.finditer(text)] if _may_have_a_field(_low(text)) else []
        commands = _CURL.finditer(text) if "curl" in text else ()
        options = [option[2].strip("'") for one in commands for option in _OF_CURL.finditer(one[0])]
        words = {word for value in (*fields, *options) for word in _VALUE.findall(value)}
        # A word without a figure may be any word: hidden everywhere, it would make texts unreadable.
        self.learn(*(word for word in words if len(word) >= SHORTEST + 2 and re.search(r"\d", word)))

    def text(self, text: str) -> str:
        """The text with :data:`HIDDEN` in the place of each secret."""
        if len(text) > _REMEMBERED:
            return self._hidden(text)
        short = self._short  # as it is before anything is looked for: when more is learned meanwhile, it is not asked again
        if text not in short:
            short[text] = self._hidden(text)
        return short[text]

    def _hidden(self, text: str) -> str:
        hidden = _without_telling_places(text)
        # No character of UTF-8 begins within another one, so secrets are found in it where they stand in the text.
        octets, known = hidden.encode("utf-8", "surrogatepass"), self._forms
        if not known.may_stand_in(octets):
            return hidden
        return known.pattern.sub(HIDDEN.encode(), octets).decode("utf-8", "surrogatepass")

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand in bytes: first and last but one. Names of fields count as secret as their values."""
        low = data.lower()
        patterns = [pattern for needed, pattern in _IN_BYTES if needed in low]
        found = [match.span() for pattern in patterns for match in pattern.finditer(data)]
        known = self._forms
        if known.may_stand_in(data):
            found += [match.span() for match in known.pattern.finditer(data)]
        return found


def _without_telling_places(text: str) -> str:
    """The text without what is secret by where it stands. No pattern is tried that lacks a word without which it finds none."""
    low = _low(text)
    if "-----BEGIN " in text:
        text = _KEY_IN_TEXT.sub(HIDDEN, text)
    if _may_have_a_field(low):
        text = _FIELD.sub(rf"\1\2 {HIDDEN}", text)
    if "://" in text:
        text = _URL.sub(rf"\1{HIDDEN}", text)
    if "curl" in text:
        text = _CURL.sub(lambda one: _OF_CURL.sub(rf"\1{HIDDEN}", one[0]), text)
    if low is None or ("-" in low and any(word in low for word in _WORDS)):
        text = _OPTION.sub(rf"\1={HIDDEN}", text)
    return text


def _low(text: str) -> str | None:
    """The text in small letters; None where a pattern that ignores case may find more than letters in either case.

    That is so beyond ASCII: it takes the long s for an s, the sign of Kelvin for a k, and an i without its dot for an i.
    """
    return text.lower() if text.isascii() else None


def _may_have_a_field(low: str | None) -> bool:
    return low is None or "cookie" in low or "authorization" in low


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
