"""A private line between the members: TLS over the HA link, both ends proven by the HA password.

The product copies its configuration over SSH between the members. That needs keys of both in ``HA/hacluster`` before the
first copy; the password is there from the start. Neither end has a certificate that the other could check, so each proves
the password over the certificate that it sees: somebody in the middle shows another one, and his proofs do not fit.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

from lab.appliance import paths, programs
from lab.appliance.errors import ApplianceError

_CERTIFICATE = paths.STATE / "ha" / "channel.pem"
_NONCE = 32
_PROOF = 32
_LENGTH = struct.Struct("!I")
_LARGEST = 64 * 1024 * 1024


class ChannelFailed(ApplianceError):
    """The line to the other member cannot be had, broke, or the other end does not know the password."""


class Channel:
    """An open line. Messages are whole; each call raises ChannelFailed when the line breaks or stays silent."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    def send(self, message: bytes) -> None:
        """Send one message."""
        with _told():
            self._connection.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self) -> bytes:
        """The next message."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > _LARGEST:
            raise ChannelFailed(f"the other member wants to send {length} bytes; that is not a configuration")
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        with _told():
            while len(received) < length:
                part = self._connection.recv(min(65536, length - len(received)))
                if not part:
                    raise ChannelFailed("the other member hung up")
                received += part
        return bytes(received)


@contextlib.contextmanager
def call(address: str, port: int, key: bytes, *, within: float) -> Iterator[Channel]:
    """A line to the member at ``address``. Raises ChannelFailed, also when a word takes longer than ``within`` seconds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # see above: the certificate is proven by the password
    with contextlib.ExitStack() as open_ends:
        with _told():
            plain = open_ends.enter_context(socket.create_connection((address, port), timeout=within))
            _notice_death(plain)
            connection = open_ends.enter_context(context.wrap_socket(plain))
        channel = Channel(connection)
        seen = _fingerprint(connection.getpeercert(binary_form=True) or b"")
        own = os.urandom(_NONCE)
        channel.send(own)
        answer = channel.receive()
        theirs, proof = answer[:_NONCE], answer[_NONCE:]
        if not hmac.compare_digest(proof, _proof(key, b"called", own, theirs, seen)):
            raise ChannelFailed("the other member does not have our HA password (HA/highavailability Password)")
        channel.send(_proof(key, b"calling", own, theirs, seen))
        yield channel


def listen(address: str, port: int) -> tuple[socket.socket, ssl.SSLContext]:
    """Where calls arrive, and what :func:`answer` needs. Raises OSError or ProgramFailed."""
    if not _CERTIFICATE.exists():
        _make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    return socket.create_server((address, port)), context


@contextlib.contextmanager
def answer(connection: socket.socket, context: ssl.SSLContext, key: bytes, *, within: float) -> Iterator[Channel]:
    """The line of a call that came in. Raises ChannelFailed, also for a caller without the password."""
    with contextlib.ExitStack() as open_ends:
        with _told():
            connection.settimeout(within)
            secured = open_ends.enter_context(context.wrap_socket(connection, server_side=True))
        channel = Channel(secured)
        own, shown = os.urandom(_NONCE), _fingerprint(_own_certificate())
        theirs = channel.receive()
        channel.send(own + _proof(key, b"called", theirs, own, shown))
        if not hmac.compare_digest(channel.receive(), _proof(key, b"calling", theirs, own, shown)):
            raise ChannelFailed("a caller without our HA password")
        yield channel


def _notice_death(connection: socket.socket) -> None:
    """A member that dies while we wait for its word is given up after three seconds, not when its time is up."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ChannelFailed("the other member does not answer in time") from error
    except OSError as error:
        raise ChannelFailed(f"the line to the other member: {error}") from error


def _proof(key: bytes, who: bytes, calling: bytes, called: bytes, certificate: bytes) -> bytes:
    return hmac.digest(key, b"sns-ha-channel\0" + who + b"\0" + calling + called + certificate, "sha256")


def _fingerprint(certificate: bytes) -> bytes:
    return hashlib.sha256(certificate).digest()


def _own_certificate() -> bytes:
    text = _CERTIFICATE.read_text()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text[begin:])


def _make_certificate() -> None:
    """A key and a certificate of this boot, of no worth beyond this line."""
    _CERTIFICATE.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = Path(f"{_CERTIFICATE}.new")
    os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    programs.run(
        ("openssl", "req", "-x509", *curve, "-days", "3650", "-subj", "/CN=ha", "-keyout", str(fresh), "-out", str(fresh))
    )
    fresh.rename(_CERTIFICATE)
