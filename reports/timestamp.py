"""When a folder was sealed, said by somebody else: an RFC 3161 token over its sums, asked for and checked with OpenSSL."""

from __future__ import annotations

import hashlib
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

from reports.seal import SUMS, TOKEN, TOKEN_SUM, SealFailed

_WITHIN = 30.0  # s: for an authority on the Internet
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_DUMPED = re.compile(r"^ {4}[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){1,16})", re.MULTILINE)
_TIME = re.compile(r"^Time stamp: (.+)$", re.MULTILINE)
_NONCE = re.compile(r"^Nonce: (.+)$", re.MULTILINE)


class TokenWrong(Exception):
    """The token is not one for these sums; the text says what is wrong with it."""


class NotVouched(TokenWrong):
    """A token that fits, yet from no authority that is trusted here."""


def refuse_bad_address(url: str) -> None:
    """Raise SealFailed for what cannot be the address of an authority."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SealFailed(f"{url}: not the address of a time stamp authority (http://… or https://…)")


def stamp(sums: Path, url: str) -> Path:
    """Have an authority stamp a folder's sums; the token's path. Raises SealFailed, also when the answer does not fit."""
    refuse_bad_address(url)
    query = _openssl("-query", "-data", str(sums), "-sha256", "-cert").stdout
    asked = urllib.request.Request(url, data=query, headers={"Content-Type": _QUERY, "Accept": _REPLY})  # noqa: S310 - looked at above
    try:
        with urllib.request.urlopen(asked, timeout=_WITHIN) as answer:  # noqa: S310
            token = answer.read()
    except (URLError, OSError) as why:
        raise SealFailed(f"{url}: no time stamp: {getattr(why, 'reason', None) or why}") from None
    told = _text(token)
    if (
        "Status: Granted" not in told
        or _imprint(told) != _digest(sums)
        or _NONCE.findall(told) != _NONCE.findall(_asked(query))
    ):
        raise SealFailed(f"{url}: the answer is no time stamp for these sums")
    path = sums.with_name(TOKEN)
    path.write_bytes(token)
    sums.with_name(TOKEN_SUM).write_text(_sum_of(token))
    return path


def check(folder: Path, ca: Path | None = None) -> str:
    """When the folder's sums were stamped, as the token says: vouched for only when a file of trusted authorities is given.

    Raises TokenWrong when the token is not for these sums, and NotVouched when none of those authorities gave it.
    """
    token = (folder / TOKEN).read_bytes()
    try:
        kept = (folder / TOKEN_SUM).read_text()
    except (OSError, UnicodeDecodeError):
        kept = ""
    if kept != _sum_of(token):  # a token has bytes that nothing in it signs
        raise TokenWrong(f"is not the token that {TOKEN_SUM} names")
    told = _text(token)
    moment = _TIME.search(told)
    if moment is None or _imprint(told) != _digest(folder / SUMS):
        raise TokenWrong(f"is no time stamp of {SUMS} as it is now")
    if ca is not None:
        asked = ("-verify", "-data", str(folder / SUMS), "-in", str(folder / TOKEN), "-CAfile", str(ca))
        if _openssl(*asked).returncode:
            raise NotVouched(f"comes from no authority of {ca}")
    return moment[1]


def _sum_of(token: bytes) -> str:
    return f"{hashlib.sha256(token).hexdigest()}  {TOKEN}\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(token: bytes) -> str:
    return _openssl("-reply", "-in", "/dev/stdin", "-text", given=token).stdout.decode(errors="replace")


def _asked(query: bytes) -> str:
    return _openssl("-query", "-in", "/dev/stdin", "-text", given=query).stdout.decode(errors="replace")


def _imprint(told: str) -> str:
    """The hash that was stamped, out of OpenSSL's dump of it."""
    return re.sub("[ -]", "", "".join(_DUMPED.findall(told)))


def _openssl(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", "ts", *arguments], input=given, capture_output=True, timeout=_WITHIN, check=False)
