"""What is published over UDP is to lead to the host of the plan, not only to be let through."""

from __future__ import annotations

from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.matrix.packets import UDP, Kind, Seen
from lab.matrix.trace import Probe, Sighting, Trace
from sns.prediction import Flow
from steps.policy import _only_open

STRANGER, PUBLIC = IPv4Address("198.51.100.102"), IPv4Address("147.135.161.153")
WEB, OTHER = IPv4Address("10.200.0.10"), IPv4Address("10.200.0.20")
CLOCK = SimpleNamespace(name="clock", protocol="udp", port=1230, host="web")


def datagram(host: IPv4Address, port: int) -> Any:
    """What a stranger sent to the published port, and who would have got it at which."""
    flow = Flow("out", STRANGER, PUBLIC, "udp", 1053, CLOCK.port)
    seen = Seen(Kind.FIRST, 1, UDP, STRANGER, host, 1053, port, 212)
    return SimpleNamespace(flow=flow, trace=Trace(Probe("sbg7:out", flow, UDP), [Sighting("sbg7:in", seen)]))


def observed(*datagrams: Any) -> dict[str, tuple[object, object]]:
    """What the step observes: expected and observed, by subject."""
    found: dict[str, tuple[object, object]] = {}
    record = SimpleNamespace(observe=lambda what, *, expected, observed: found.update({what: (expected, observed)}))
    off = SimpleNamespace(ssl_vpn=SimpleNamespace(enabled=False))
    site = SimpleNamespace(name="sbg7", published=[CLOCK], hosts={"web": SimpleNamespace(address=WEB)})
    scene = SimpleNamespace(site=site, environment=SimpleNamespace(configuration=lambda name: off))
    _only_open(cast(Any, scene), [*datagrams], cast(Any, record))
    return found


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [(WEB, 1230, "10.200.0.10:1230"), (OTHER, 1230, "10.200.0.20:1230"), (WEB, 1231, "10.200.0.10:1231")],
)
def test_where_a_published_datagram_leads_is_compared_with_the_plan(host: IPv4Address, port: int, told: str) -> None:
    found = observed(datagram(host, port))
    assert found["the UDP ports that are let through"] == ([1230], [1230])
    assert found["where the published clock leads"] == ("10.200.0.10:1230", told)
