"""What the agent's worker does of orders that piled up while it was busy, and what it says of them."""

from __future__ import annotations

import socket
from multiprocessing.connection import Pipe
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.appliance import charon, duty, ha_channel, ha_sync, ha_worker
from lab.appliance.errors import ServiceFailed
from lab.appliance.ha_cluster import Place
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


def test_what_receives_the_peers_configuration_is_begun_again_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = Pipe()
    unread: Any = None
    bench = ha_worker._Bench(theirs, unread, unread)
    attempts: list[int] = []

    def no_address_yet(_place: object) -> None:
        attempts.append(1)
        raise OSError("Cannot assign requested address")

    monkeypatch.setattr(ha_sync, "serve", no_address_yet)
    monkeypatch.setattr(ha_worker, "_RECEIVE_AGAIN", 0.0)
    for _ in range(2):
        bench._keep_receiving()
        assert bench._receiver is not None
        bench._receiver.join()

    assert len(attempts) == 2
    ours.close()


def test_what_receives_ends_when_the_member_has_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be begun again there."""
    server = socket.create_server(("127.0.0.1", 0))
    places = iter([SimpleNamespace(own=SimpleNamespace(address=address)) for address in ("A", "A", "A", "B")])
    monkeypatch.setattr(ha_sync, "_LOOK_EVERY", 0.001)
    monkeypatch.setattr(ha_channel, "listen", lambda _address, _port: (server, None))

    ha_sync.serve(lambda: cast(Place, next(places)))

    assert server.fileno() == -1
