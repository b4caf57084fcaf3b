"""Why a tunnel did not come up, read from the IKE daemon's log and said in the configuration's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"^(?P<time>\S+ \S+) \d+\[\w+\] <(?P<connection>[^|>]*)\|?\d*> (?P<said>.*)$")
_UP = re.compile(r"CHILD_SA \S+ established")

_REASONS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), code, explanation)
    for pattern, code, explanation in (
        (
            r"MAC mismatched|received AUTHENTICATION_FAILED|no shared key found",
            "AUTH_FAILED",
            "the two ends do not hold the same pre-shared key (or identity): compare VPN/psk of both",
        ),
        (
            r"received proposals unacceptable|received NO_PROPOSAL_CHOSEN|no acceptable proposal found",
            "NO_PROPOSAL_CHOSEN",
            "the two ends share no algorithm set: compare the profiles in VPN/ph1profile and VPN/ph2profile of both",
        ),
        (
            r"traffic selectors .* unacceptable|received TS_UNACCEPTABLE|no matching CHILD_SA config found",
            "TS_UNACCEPTABLE",
            "the two ends do not name the same pair of networks: one's local must be the other's remote in VPN/NN",
        ),
        (r"no IKE config found", "UNKNOWN_PEER", "a gateway that is no peer of VPN/peer asks for a tunnel"),
        (r"giving up after \d+ retransmits", "NO_ANSWER", "the peer does not answer IKE (UDP 500 and 4500)"),
    )
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed negotiation: when (the appliance's clock), which connection, what charon said, and what it means.

    ``peer`` and ``where`` name the section of VPN/peer and its place; empty when the connection is nobody's.
    """

    time: str
    connection: str
    code: str
    explanation: str
    said: str
    peer: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.peer or self.connection or 'unknown peer'}: {self.explanation} [{self.code}: {self.said}]"


def last_failure(log: Path) -> Failure | None:
    """The latest failure in the daemon's log that no success of the same connection has followed; None without one."""
    try:
        with log.open(errors="replace") as stream:
            return latest(stream)
    except FileNotFoundError:
        return None


def latest(lines: Iterable[str]) -> Failure | None:
    """The latest unresolved failure in these log lines."""
    open_failures: dict[str, Failure] = {}
    for line in lines:
        match = _LINE.match(line.rstrip("\n"))
        if match is None:
            continue
        connection, said = match["connection"], match["said"]
        if not connection or connection.isdigit():
            connection = ""
        if _UP.search(said):
            open_failures.pop(connection, None)
            open_failures.pop("", None)
            continue
        for pattern, code, explanation in _REASONS:
            if pattern.search(said):
                open_failures.pop(connection, None)
                open_failures[connection] = Failure(match["time"], connection, code, explanation, said)
                break
    return next(reversed(open_failures.values()), None)
