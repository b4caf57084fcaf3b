"""How long a question was on its way tells whether the switch itself stood still."""

from __future__ import annotations

import time

import pytest

from lab.invariants import questions
from lab.invariants.questions import Asker
from lab.invariants.wires import Said

FRAME = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x08\x06" + bytes(28)


class Wireless:
    """A socket of the asker that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Asker:
    found = Asker([])
    found._sockets = [(Wireless(), FRAME, True)]  # type: ignore[list-item]
    return found


def asked(asker: Asker, at: float) -> bytes:
    asker.ask(at)
    return asker._sockets[0][0].sent[-1]  # type: ignore[attr-defined,no-any-return]


def test_a_question_counts_from_when_it_was_sent_to_when_a_witness_got_it(asker: Asker) -> None:
    began = time.monotonic()
    frame = asked(asker, began + 1)
    asker.delivered(Said(began + 0.3, "witness", "eth0", frame))
    assert asker.longest_way(began, began + 1) == pytest.approx(0.3, abs=0.1)
    assert asker.longest_way(began + 10, began + 11) == 0.0


def test_one_that_was_never_delivered_is_lost_after_a_while_and_explains_nothing_later(asker: Asker) -> None:
    began = time.monotonic()
    asked(asker, began + 1)
    asked(asker, began + 1 + 2 * questions._LOST)
    assert asker.longest_way(began, began + 1) == questions._LOST
    assert asker.longest_way(began + 100, began + 101) == 0.0


def test_a_time_without_questions_is_told(asker: Asker) -> None:
    began = time.monotonic()
    asked(asker, began + 0.2)
    assert asker.unasked == []
    asked(asker, began + 1.2)
    assert [round(stretch.seconds, 1) for stretch in asker.unasked] == [1.0]
