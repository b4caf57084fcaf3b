"""What the agent's worker does of orders that piled up while it was busy, and what it says of them."""

from __future__ import annotations

from multiprocessing.connection import Pipe
from typing import Any

import pytest

from lab.appliance import charon, duty, ha_worker
from lab.appliance.errors import ServiceFailed
from lab.appliance.ha_worker import Order, worth_obeying

SERVE, REST, CATCH_UP, REREAD = Order.SERVE, Order.REST, Order.CATCH_UP, Order.REREAD


@pytest.mark.parametrize(
    ("orders", "obeyed"),
    [
        ([SERVE], [SERVE]),
        ([REST], [REST]),
        ([SERVE, REST], [REST]),
        ([REST, SERVE], [REST, SERVE]),
        ([REST, SERVE, REST, SERVE], [REST, SERVE]),
        ([REREAD, SERVE, CATCH_UP, REREAD], [SERVE, CATCH_UP, REREAD]),
        ([CATCH_UP], [CATCH_UP]),
    ],
    ids=lambda orders: " ".join(order.name for order in orders),
)
def test_orders_that_piled_up(orders: list[Order], obeyed: list[Order]) -> None:
    assert worth_obeying(orders) == obeyed


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [([], [("tunnels up", "charon closed its control socket")]), ([REST], [("vpn stopped", "")])],
    ids=["the daemon has died", "the member was told to rest"],
)
def test_tunnels_that_do_not_come_up_are_told_unless_they_are_the_other_members_now(
    monkeypatch: pytest.MonkeyPatch, meanwhile: list[Order], said: list[tuple[str, str]]
) -> None:
    ours, theirs = Pipe()
    unread: Any = None  # the configuration and the place
    bench = ha_worker._Bench(theirs, unread, unread)

    def ended(within: float) -> None:
        bench._obey(meanwhile)
        raise ServiceFailed("charon", "charon closed its control socket")

    monkeypatch.setattr(charon, "await_tunnels", ended)
    monkeypatch.setattr(duty, "stand_down", lambda: None)

    bench._await_tunnels(bench._rests)

    words = []
    while ours.poll():
        words.append(ours.recv())
    assert [(word.event, word.failure.splitlines()[-1] if word.failure else "") for word in words] == said
