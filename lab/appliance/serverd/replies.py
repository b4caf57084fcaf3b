"""What serverd answers, and how it is written: one line, or data in one of five formats between two lines (sns.md 4)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from xml.sax.saxutils import escape, quoteattr


class Nws(IntEnum):
    """``nws/@code``: how the web server fared with a request."""

    OK = 100
    REQUEST_ERROR = 200
    UNKNOWN_COMMAND = 201
    INVALID_SESSION = 203
    EXPIRED_SESSION = 204
    AUTHENTICATION = 205
    DISCONNECTED = 502
    INTERNAL = 900


_SAID = {
    Nws.OK: "OK",
    Nws.REQUEST_ERROR: "Request error",
    Nws.UNKNOWN_COMMAND: "Unknown command",
    Nws.INVALID_SESSION: "Invalid session",
    Nws.EXPIRED_SESSION: "Expired session",
    Nws.AUTHENTICATION: "Authentication error",
    Nws.DISCONNECTED: "Server disconnected",
    Nws.INTERNAL: "Internal error",
}

OK, BEGIN, DOWNLOAD, UPLOAD = "00a00100", "00a01000", "00a01c00", "00a00300"
SUCCESS, REBOOTING, FORMAT = "00101e00", "00102700", "00100800"
FAILED, PRIVILEGE, TAKEN = "00100100", "00a00500", "00a00400"
"""Codes of refusals that no public source gives: chosen here."""

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command: its last line, and the data before that.

    ``download`` is what the client is to fetch, ``upload`` what to do with what it is to send. ``after`` is done when the
    answer has gone out: what would cut it off. ``ends`` closes the session.
    """

    ret: int = 100
    code: str = OK
    msg: str = "Ok"
    data: str = ""  # the <data> element
    download: bytes | None = None
    upload: Callable[[bytes], Reply] | None = None
    after: Callable[[], object] | None = None
    ends: bool = False


class Refusal(Exception):
    """A command that is not carried out. ``ret`` is serverd's class of error, the message is for a person."""

    def __init__(self, msg: str, ret: int = 200, code: str = FAILED) -> None:
        super().__init__(msg)
        self.ret, self.code = ret, code

    @classmethod
    def format(cls, msg: str) -> Refusal:
        """The command line is not one that the command understands."""
        return cls(f"Error in format: {msg}", code=FORMAT)


class Disconnected(Exception):
    """The client said that it leaves."""


class UnknownCommand(Exception):
    """There is no such command."""


Section = Mapping[str, object]


def section(**sections: Section) -> Reply:
    """``section``: tokens by section."""
    return Reply(data=_data("section", (_titled(title, _keys(tokens)) for title, tokens in sections.items())))


def section_line(sections: Mapping[str, Iterable[Section]]) -> Reply:
    """``section_line``: lines of tokens by section."""
    parts = (_titled(title, "".join(f"<line>{_keys(line)}</line>" for line in lines)) for title, lines in sections.items())
    return Reply(data=_data("section_line", parts))


def listing(sections: Mapping[str, Iterable[str]]) -> Reply:
    """``list``: lines of text by section."""
    parts = (_titled(title, "".join(f"<line>{_text(line)}</line>" for line in lines)) for title, lines in sections.items())
    return Reply(data=_data("list", parts))


def raw(text: str) -> Reply:
    """``raw``: a text as it is."""
    return Reply(data=_data("raw", ["<![CDATA[", _printable(text).replace("]]>", "]]]]><![CDATA[>"), "]]>"]))


def xml(body: str) -> Reply:
    """``xml``: a tree; ``body`` is well-formed."""
    return Reply(data=_data("xml", [body]))


def download(content: bytes, *, as_section: bool = False) -> Reply:
    """A file to fetch, announced with its size and checksum in one of the two forms that clients know."""
    crc, size = f"{zlib.crc32(content) ^ 0xFFFFFFFF:X}", len(content)
    if as_section:
        key = f'<key name="format" value="base64,crc={crc},size={size}"/>'
        data = _data("section", [_titled("Result", key)])
    else:
        data = _data("raw", [f"<crc>{crc}</crc><size>{size}</size>"])
    return Reply(data=data, download=content)


def upload(take: Callable[[bytes], Reply]) -> Reply:
    """The client is to send a file; ``take`` answers for it."""
    return Reply(ret=102, code=UPLOAD, msg="Waiting for data", upload=take)


def rendered(reply: Reply) -> bytes:
    """The answer as the client reads it."""
    if reply.data:
        begin = DOWNLOAD if reply.download is not None else BEGIN
        return nws(_serverd(101, begin, "Begin", reply.data) + _serverd(reply.ret, reply.code, reply.msg))
    return nws(_serverd(reply.ret, reply.code, reply.msg))


def nws(body: str = "", code: Nws = Nws.OK) -> bytes:
    """The envelope of everything under ``/api``."""
    return f'<?xml version="1.0"?>\n<nws code="{int(code)}" msg="{_SAID[code]}">{body}</nws>\n'.encode()


def authentication(msg: str, **attributes: str) -> bytes:
    """The answer to a login."""
    more = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f'<?xml version="1.0"?>\n<nws msg="{msg}"{more}/>\n'.encode()


def _serverd(ret: int, code: str, msg: str, body: str = "") -> str:
    return f'<serverd ret="{ret}" code="{code}" msg={quoteattr(_printable(msg))}>{body}</serverd>'


def _data(kind: str, parts: Iterable[str]) -> str:
    return f'<data format="{kind}">{"".join(parts)}</data>'


def _titled(title: str, body: str) -> str:
    return f"<section title={quoteattr(title)}>{body}</section>"


def _keys(tokens: Section) -> str:
    return "".join(f"<key name={quoteattr(name)} value={quoteattr(_shown(value))}/>" for name, value in tokens.items())


def _shown(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else _printable(str(value))


def _text(text: str) -> str:
    return escape(_printable(text))


def _printable(text: str) -> str:
    return _NOT_XML.sub("?", text)
