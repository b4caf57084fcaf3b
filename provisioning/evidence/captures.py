"""What one point saw of a scenario, as a file: within its bound, marked by steps, without secrets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab.capture import Frame
from lab.pcapng import OVERHEAD, pcapng
from provisioning.evidence.bounds import Piece
from provisioning.evidence.commands import Step
from provisioning.evidence.flows import IPV4
from provisioning.redaction import BLANK, Redaction

TCP = 6
_BARE = 54  # bytes: a frame of TCP that is no longer has no content, and a sweep makes a hundred thousand of them
SHOWN = 128  # bytes of a longer frame once a capture must be cut: all its headers, and how its content begins
STREAM = 16 << 20  # bytes of one TCP stream that are looked at as one


def capture(
    point: str, frames: Sequence[Frame], *, title: str, steps: Sequence[Step], redaction: Redaction, limit: int
) -> Piece:
    """The file of a capture point. ``title`` names run and scenario; ``limit`` is of the file, in bytes."""
    clean, blanked = without_secrets(frames, redaction)
    kept, notes = within(clean, limit)
    if blanked:
        notes.append(f"{blanked} secrets in it were written over with {BLANK.decode()}, so that checksums no longer fit")
    shown = {place: SHOWN for place, frame in enumerate(kept.frames) if kept.shortened and len(frame.data) > SHOWN}
    content = pcapng(
        kept.frames,
        interface=point,
        comment="; ".join([f"{title}, at {point}", *map(str, steps), *notes]),
        comments=_first_of_each(steps, kept.frames),
        shown=shown,
    )
    return Piece(f"{point.replace(':', '-')}.pcapng", content, "; ".join([f"capture at {point}", *notes]))


def _first_of_each(steps: Sequence[Step], frames: Sequence[Frame]) -> dict[int, str]:
    """The comment of the first frame of each step."""
    found = {}
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        place = bisect_left(frames, step.begun, key=lambda frame: frame.time)
        if place < len(frames) and (following is None or frames[place].time < following.begun):
            found[place] = str(step)
    return found


# Within the bound ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """The frames of a file, in their order; ``shortened`` when of long ones only the beginning is kept."""

    frames: Sequence[Frame]
    shortened: bool


def within(frames: Sequence[Frame], limit: int) -> tuple[Kept, list[str]]:
    """What of these frames a file of ``limit`` bytes holds, and what was done to make them fit.

    First long frames are shortened. If that is not enough, frames of the most plentiful kinds are left out, in the middle:
    a kind is what has the same ends, protocol and TCP flags, so the one packet that is unlike the others stays.
    """
    each = OVERHEAD + 3
    if sum(len(frame.data) for frame in frames) + each * len(frames) <= limit:
        return Kept(frames, shortened=False), []
    notes = [f"cut: of frames longer than {SHOWN} bytes the first {SHOWN}"]
    if sum(min(len(frame.data), SHOWN) for frame in frames) + each * len(frames) <= limit:
        return Kept(frames, shortened=True), notes
    kinds: dict[bytes, list[int]] = {}
    for place, frame in enumerate(frames):
        kinds.setdefault(_kind(frame.data), []).append(place)
    chosen: list[int] = []
    left, waiting = limit, len(kinds)
    for places in sorted(kinds.values(), key=len):
        most = left // waiting // (each + min(SHOWN, max(len(frames[place].data) for place in places)))
        some = places if len(places) <= most else places[: most - most // 2] + places[len(places) - most // 2 :]
        chosen += some
        left -= sum(each + min(SHOWN, len(frames[place].data)) for place in some)
        waiting -= 1
    notes.append(f"{len(frames) - len(chosen)} of {len(frames)} frames are left out, in the middle of the most frequent kinds")
    return Kept([frames[place] for place in sorted(chosen)], shortened=True), notes


def _kind(data: bytes) -> bytes:
    if data[12:14] != IPV4:
        return data[:14]
    return data[12:14] + data[23:24] + data[26:34] + (data[47:48] if data[23] == TCP else b"")


# Secrets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A frame's content: ``begin`` and ``end`` within its bytes, and where in its stream that stands."""

    place: int
    begin: int
    end: int
    offset: int


def without_secrets(frames: Sequence[Frame], redaction: Redaction) -> tuple[list[Frame], int]:
    """The frames with each byte of every secret blanked, and how many secrets there were.

    TCP is looked at stream by stream, so a secret that is split over segments is found; all else frame by frame.
    """
    clean, found = list(frames), 0
    for content, parts in _contents(frames):
        for begin, end in redaction.places(content):
            found += 1
            for part in parts:
                first, last = max(begin - part.offset, 0), min(end - part.offset, part.end - part.begin)
                if first < last:
                    data = clean[part.place].data
                    first, last = part.begin + first, part.begin + last
                    clean[part.place] = replace(clean[part.place], data=data[:first] + BLANK * (last - first) + data[last:])
    return clean, found


def _contents(frames: Sequence[Frame]) -> Iterator[tuple[bytes, Sequence[_Part]]]:
    streams: dict[bytes, list[tuple[int, _Part]]] = {}
    alone: list[_Part] = []
    together = bytearray()
    for place, frame in enumerate(frames):
        data = frame.data
        if data[12:14] == IPV4 and data[23] == TCP:
            if len(data) <= _BARE:
                continue
            segment = 14 + (data[14] & 15) * 4
            begin, end = segment + (data[segment + 12] >> 4) * 4, 14 + int.from_bytes(data[16:18], "big")
            if begin < end:
                sequence = int.from_bytes(data[segment + 4 : segment + 8], "big")
                key = data[26:34] + data[segment : segment + 4]
                streams.setdefault(key, []).append((sequence, _Part(place, begin, end, 0)))
            continue
        alone.append(_Part(place, 14, len(data), len(together)))
        together += data[14:] + b"\n"
    yield bytes(together), alone
    for parts in streams.values():
        yield _stream(frames, parts)


def _stream(frames: Sequence[Frame], parts: Sequence[tuple[int, _Part]]) -> tuple[bytes, Sequence[_Part]]:
    """The bytes of a stream by their sequence numbers, which may begin anew at zero; what was not captured is zeros."""
    first = parts[0][0]
    offsets = [(sequence - first + (1 << 31)) % (1 << 32) - (1 << 31) for sequence, _ in parts]
    lowest = min(offsets)
    placed = [replace(part, offset=offset - lowest) for offset, (_, part) in zip(offsets, parts, strict=True)]
    length = max(part.offset + part.end - part.begin for part in placed)
    if length > STREAM:  # no scenario's own: sequence numbers that make no stream, looked at one after the other
        return _one_after_the_other(frames, placed)
    content = bytearray(length)
    for part in placed:
        content[part.offset : part.offset + part.end - part.begin] = frames[part.place].data[part.begin : part.end]
    return bytes(content), placed


def _one_after_the_other(frames: Sequence[Frame], parts: Sequence[_Part]) -> tuple[bytes, Sequence[_Part]]:
    content, placed = bytearray(), []
    for part in parts:
        placed.append(replace(part, offset=len(content)))
        content += frames[part.place].data[part.begin : part.end]
    return bytes(content), placed
