"""A member's report as it travels: one fixed block, authenticated with the HA password, the same in heartbeat and beacon.

Heartbeats are UDP on the HA link. Beacons are broadcast Ethernet frames without IP on the data segments, sent by the active
member only; the passive one sees them before its closed gate drops them, and so knows that its peer lives when the HA link is
cut. The product has no such witness (or does not say so); ``docs/fidelity.md`` tells the difference.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from lab.appliance.ha_state import Forced, Mode, Report, Standing

PORT = 5405
"""UDP on the HA link; corosync's usual port, which the product's own stands on (sns.md 6, its number unconfirmed)."""
ETHERTYPE = 0x88B5
"""IEEE 802 local experimental: nothing else listens to it."""

MAGIC = b"SNSHA1"
"""How each message begins."""
_NAME = 24  # bytes, after that, for the serial of the member that says it
_BODY = struct.Struct(f"!{len(MAGIC) + _NAME}sQQBBBBI16sII")
_TAG = 16  # bytes of the HMAC that travel
_MODES = tuple(Mode)
_FORCED = tuple(Forced)

SIZE = _BODY.size + _TAG
"""Length of a message in bytes."""


class Unacceptable(Exception):
    """A message that is not from our peer, or not new; the text says which."""


def key(password: str) -> bytes:
    """The key of all HA messages of a cluster."""
    return hashlib.sha256(b"sns-ha\0" + password.encode()).digest()


def beginning(serial: str) -> bytes:
    """How each message of the member of this serial begins, and no other's. Raises ValueError when that is over 24 bytes."""
    name = serial.encode()
    if len(name) > _NAME:
        raise ValueError(f"serial {serial!r} is longer than {_NAME} bytes")
    return MAGIC + name.ljust(_NAME, b"\0")


def encode(report: Report, secret: bytes) -> bytes:
    """The message that carries a report. Raises ValueError when the serial is longer than 24 bytes."""
    body = _BODY.pack(
        beginning(report.standing.serial),
        report.boot,
        report.sequence,
        _MODES.index(report.mode),
        _FORCED.index(report.standing.forced),
        report.standing.quality,
        report.hears,
        report.standing.priority,
        report.digest,
        report.last_sync,
        report.last_change,
    )
    return body + _tag(body, secret)


def decode(message: bytes, secret: bytes) -> Report:
    """The report in a message. Raises Unacceptable when it is malformed or was made with another password."""
    body, tag = message[: _BODY.size], message[_BODY.size : SIZE]
    if len(message) < SIZE or not body.startswith(MAGIC):
        raise Unacceptable("not a message of this protocol")
    if not hmac.compare_digest(tag, _tag(body, secret)):
        raise Unacceptable("made with another HA password")
    begun, boot, sequence, mode, forced, quality, hears, priority, digest, sync, change = _BODY.unpack(body)
    if mode >= len(_MODES) or forced >= len(_FORCED):
        raise Unacceptable("an unknown mode")
    serial = begun[len(MAGIC) :].rstrip(b"\0")
    standing = Standing(serial.decode(errors="replace"), priority, quality, _FORCED[forced])
    return Report(standing, _MODES[mode], bool(hears), boot, sequence, digest, sync, change)


def _tag(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, body, "sha256")[:_TAG]


@dataclass(slots=True)
class Listener:
    """Takes only what the peer says, and each word once per medium: an old message played again is refused."""

    peer: str
    secret: bytes
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)

    def accept(self, message: bytes, medium: str) -> Report:
        """The report of a message that came over ``medium``. Raises Unacceptable."""
        report = decode(message, self.secret)
        if report.standing.serial != self.peer:
            raise Unacceptable(f"from {report.standing.serial!r}, not from our peer")
        order = (report.boot, report.sequence)
        if order <= self._last.get(medium, (0, -1)):
            raise Unacceptable("older than the last one")
        self._last[medium] = order
        return report
