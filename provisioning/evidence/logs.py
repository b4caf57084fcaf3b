"""What the hosts' own logs gained during a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.host import LabHost
from provisioning.evidence.bounds import LOG, Piece

Positions = Mapping[tuple[str, str], int]
"""How long each log was: by host and path, in bytes."""


def positions(hosts: Iterable[LabHost]) -> dict[tuple[str, str], int]:
    """Where the logs of these hosts end now."""
    return {(host.name, log): _size(host, log) for host in hosts for log in host.spec.logs}


def gained(host: LabHost, since: Positions) -> Piece:
    """What each of a host's logs holds since then; of one that gained more than the bound, the end."""
    parts, cut = [], []
    for log in host.spec.logs:
        begin, end = _span(host, log, since)
        if begin == end:
            continue
        kept = max(begin, end - LOG)
        note = f" (the last {end - kept} of {end - begin} bytes)" if kept > begin else ""
        cut += [log] if note else []
        parts.append(f"==> {log}{note} <==\n{_read(host, log, kept, end, whole=not note)}")
    what = f"what the logs of {host.name} gained" + (f"; cut: {', '.join(cut)}" if cut else "")
    return Piece(f"log-{host.name}.txt", "\n".join(parts) or "no log of this host gained a line\n", what)


def text(host: LabHost, log: str, since: Positions) -> str:
    """What one log holds since then, all of it."""
    begin, end = _span(host, log, since)
    return _read(host, log, begin, end, whole=True) if begin < end else ""


def _span(host: LabHost, log: str, since: Positions) -> tuple[int, int]:
    """Where what a log gained begins and ends; at its first byte where it was begun anew."""
    begin, end = since.get((host.name, log), 0), _size(host, log)
    return (begin if begin <= end else 0), end


def _size(host: LabHost, log: str) -> int:
    try:
        return host.size(log)
    except OSError:  # not written yet, or its host has ended
        return 0


def _read(host: LabHost, log: str, begin: int, end: int, *, whole: bool) -> str:
    try:
        with host.path(log).open("rb") as stream:
            stream.seek(begin)
            text = stream.read(end - begin).decode(errors="backslashreplace")
    except OSError as why:
        return f"[cannot be read: {why.strerror}]\n"
    # A line that was cut in two could hold half a secret, which nothing recognises.
    return text if whole else text.partition("\n")[2]
