"""Who has an address? Asked by ARP, by hand, of a whole segment; who answers, and from which hardware address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab import probe
from lab.capture import Frame, Tap
from steps.eventually import watch
from steps.patience import certain, lasting
from steps.scene import Scene

ANSWERED_WITHIN = 0.5  # s for an answer to ARP: thirty-five times the longest way through the vRack and back
ARP, REPLY, NOBODY = b"\x08\x06", b"\0\2", bytes(4)


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """Who has ``address``? Asked from an interface of a host, in nobody's name (an ARP probe, RFC 5227).

    So nobody learns anything from the question, and an answer to it is told from an answer to the host's own questions.
    """

    host: str
    nic: str
    address: IPv4Address


Answers = Mapping[Question, tuple[str, ...]]
"""The hardware addresses that answered each question, one entry per answer."""


def who_has(scene: Scene, questions: Iterable[Question], *, sure: Iterable[Question] | None = None) -> Answers:
    """Ask all questions at once; the answers, in the order in which they came.

    Those that are ``sure`` to be answered (by default all) tell how long others may take: all are listened to for ten
    times as long as the last of these took. One that stays without an answer is waited for :data:`ANSWERED_WITHIN`.
    """
    wanted = list(questions)
    awaited = wanted if sure is None else list(sure)
    with _asked(scene, wanted) as look:
        answered = watch(look, until=lambda seen: all(seen[one] for one in awaited), within=ANSWERED_WITHIN)
        return watch(look, until=lambda _: False, within=lasting(answered.seconds)).seen


def hardware_address(scene: Scene, question: Question) -> str:
    """The first answer to a question. Raises Inconclusive when there is none."""
    with _asked(scene, [question]) as look:
        return certain(lambda: look()[question], within=ANSWERED_WITHIN, what=f"an answer for {question.address}")[0]


@contextmanager
def _asked(scene: Scene, questions: list[Question]) -> Iterator[Callable[[], Answers]]:
    with scene.environment.listen({f"{one.host}:{one.nic}" for one in questions}) as taps:
        for one in questions:
            host = scene.environment.host(one.host)
            probe.inject(host, one.nic, [_request(host.nic(one.nic).mac, one)])
        yield lambda: {one: tuple(_answers(taps[f"{one.host}:{one.nic}"], one.address)) for one in questions}


def _request(mac: str, question: Question) -> bytes:
    own = bytes.fromhex(mac.replace(":", ""))
    body = own + NOBODY + bytes(6) + question.address.packed
    return b"\xff" * 6 + own + ARP + bytes.fromhex("0001080006040001") + body


def _answers(tap: Tap, address: IPv4Address) -> Iterable[str]:
    return (_mac(frame) for frame in tap.since(0) if _is_answer(frame, address))


def _is_answer(frame: Frame, address: IPv4Address) -> bool:
    """ARP as RFC 826 lays it out behind the 14 bytes of Ethernet: operation, sender's and target's addresses."""
    data = frame.data
    return data[12:14] == ARP and data[20:22] == REPLY and data[28:32] == address.packed and data[38:42] == NOBODY


def _mac(frame: Frame) -> str:
    return frame.data[22:28].hex(":")


@contextmanager
def announcements(scene: Scene, questions: list[Question]) -> Iterator[Callable[[], dict[Question, int]]]:
    """How often each of these hosts has heard an address announced (gratuitous ARP, RFC 5227) since the context began."""
    with scene.environment.listen({f"{one.host}:{one.nic}" for one in questions}) as taps:
        yield lambda: {one: _announced(taps[f"{one.host}:{one.nic}"], one.address) for one in questions}


def _announced(tap: Tap, address: IPv4Address) -> int:
    about = address.packed
    return sum(frame.data[12:14] == ARP and (frame.data[28:32], frame.data[38:42]) == (about, about) for frame in tap.since(0))
