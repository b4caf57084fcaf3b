"""What the agent's worker does of orders that piled up while it was busy."""

from __future__ import annotations

import pytest

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
