"""charon's control socket: the vici protocol (strongSwan 5.9), as much of it as the appliance speaks.

Messages are nested dictionaries of strings and lists of strings. ``swanctl`` would do for each of these, at the price
of a process and of parsing its output; a takeover has no time for either.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

Message: TypeAlias = "dict[str, str | list[str] | Message]"

_REQUEST, _RESPONSE, _REGISTER, _CONFIRM, _EVENT = 0, 1, 3, 5, 7
_SECTION_START, _SECTION_END, _KEY_VALUE, _LIST_START, _LIST_ITEM, _LIST_END = 1, 2, 3, 4, 5, 6


class ViciError(Exception):
    """charon did not answer, answered out of order, or refused a command (its own words)."""


class CommandRefused(ViciError):
    """charon answered ``success = no``; the text is its reason."""


class Session:
    """One connection to charon. ``timeout`` is the longest wait for an answer, in seconds.

    One that has failed is closed: an answer that comes late would be taken for that of the next command.
    """

    def __init__(self, path: Path, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ViciError(f"charon does not listen on {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def command(self, name: str, arguments: Mapping[str, str] | None = None) -> Message:
        """Run a command. Raises CommandRefused, and ViciError when there is no answer."""
        self._send(_REQUEST, name, arguments or {})
        kind, body = self._receive()
        if kind != _RESPONSE:
            raise ViciError(f"charon does not know the command {name}")
        answer = decode(body)
        if answer.get("success") == "no":
            raise CommandRefused(f"{name}: {answer.get('errmsg', 'refused')}")
        return answer

    def listing(self, name: str, event: str, arguments: Mapping[str, str] | None = None) -> list[Message]:
        """Run a command that answers by a series of events (``list-sas`` by ``list-sa``), and collect them."""
        self._send(_REGISTER, event)
        if self._receive()[0] != _CONFIRM:
            raise ViciError(f"charon does not know the event {event}")
        self._send(_REQUEST, name, arguments or {})
        found: list[Message] = []
        while True:
            kind, body = self._receive()
            if kind == _RESPONSE:
                return found
            if kind == _EVENT:
                found.append(decode(body[1 + body[0] :]))

    def _send(self, kind: int, name: str, arguments: Mapping[str, str] | None = None) -> None:
        body = bytes([kind]) + _short(name) + b"".join(
            bytes([_KEY_VALUE]) + _short(key) + _long(value) for key, value in (arguments or {}).items()
        )  # fmt: skip
        try:
            self._socket.sendall(struct.pack("!I", len(body)) + body)
        except OSError as error:
            self._socket.close()
            raise ViciError(f"charon closed its control socket: {error.strerror}") from error

    def _receive(self) -> tuple[int, bytes]:
        (length,) = struct.unpack("!I", self._read(4))
        packet = self._read(length)
        return packet[0], packet[1:]

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            try:
                piece = self._socket.recv(length - len(data))
            except OSError as error:
                self._socket.close()
                raise ViciError(f"charon does not answer: {error}") from error
            if not piece:
                raise ViciError("charon closed its control socket")
            data += piece
        return data


def decode(body: bytes) -> Message:
    """The message of a packet's body. Raises ViciError when it is not well formed."""
    root: Message = {}
    open_sections = [root]
    items: list[str] = []
    for kind, name, value in _elements(body):
        if kind == _SECTION_START:
            section: Message = {}
            open_sections[-1][name] = section
            open_sections.append(section)
        elif kind == _SECTION_END:
            open_sections.pop()
        elif kind == _KEY_VALUE:
            open_sections[-1][name] = value
        elif kind == _LIST_START:
            items = []
            open_sections[-1][name] = items
        elif kind == _LIST_ITEM:
            items.append(value)
    if len(open_sections) != 1:
        raise ViciError("a message of charon ends inside a section")
    return root


def _elements(body: bytes) -> Iterator[tuple[int, str, str]]:
    """The elements of a message as (kind, name, value), with what a kind does not have left empty."""
    position = 0

    def take(size: int) -> str:
        nonlocal position
        length = int.from_bytes(body[position : position + size], "big")
        position += size + length
        return body[position - length : position].decode(errors="replace")

    while position < len(body):
        kind = body[position]
        position += 1
        name = take(1) if kind in (_SECTION_START, _KEY_VALUE, _LIST_START) else ""
        value = take(2) if kind in (_KEY_VALUE, _LIST_ITEM) else ""
        if kind not in (_SECTION_START, _SECTION_END, _KEY_VALUE, _LIST_START, _LIST_ITEM, _LIST_END):
            raise ViciError(f"unknown element {kind} in a message of charon")
        yield kind, name, value


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _long(text: str) -> bytes:
    data = text.encode()
    return struct.pack("!H", len(data)) + data
