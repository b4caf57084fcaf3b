"""Failovers to look at: thirty of one kind with two classes of flow, of which one is once too long, and one alone."""

from __future__ import annotations

from dataclasses import replace

from reports.entries import Entry, Failover
from reports.ledger import Lane, Phase, Scheduling
from tests.reports.runs import instance

INSTANCE = "SNS-HA-20[sbg7]"
TOO_LONG = 412.0  # ms, in failover 17, of a budget of 250


def _lane(name: str, flow_class: str, begin: float, gap: float, budget: float, **more: object) -> Lane:
    lane = Lane(
        name=name,
        flow_class=flow_class,
        direction="there",
        sent=850,
        lost=round(gap / 2),
        duplicated=0,
        reordered=1,
        gap=gap,
        gap_begin=begin,
        back_after=begin + gap,
        survived=None,
        budget=budget,
        silences=((begin, begin + gap),) if gap else (),
    )
    return replace(lane, **more)  # type: ignore[arg-type]


def failover(number: int, *, kind: str = "member killed", nat: float = 0.0) -> Failover:
    """The failover of a number; ``nat`` is the gap of its first flow, or one that follows from the number."""
    gap = nat or 68.0 + 7 * number % 23
    tunnel = 180.0 + 41 * number % 97
    return Failover(
        instance=INSTANCE,
        step=2,
        kind=kind,
        number=number,
        phases=(
            Phase(name="detection", begin=0, end=gap - 6),
            Phase(name="election", begin=gap - 6, end=gap - 5.9),
            Phase(name="addresses", begin=gap - 5.9, end=gap - 5),
            Phase(name="sessions", begin=gap - 5, end=gap + 20),
            Phase(name="tunnel", begin=gap - 5, end=max(gap, tunnel) - 4),
        ),
        lanes=(
            _lane("UDP to the Internet", "nat", -1.0, gap, 250),
            _lane("UDP to the Internet", "nat", -0.5, gap - 3, 250, direction="back"),
            _lane("the download through the firewall", "tcp", 2.0, gap + 210, 700, survived=True, direction="back"),
            _lane("UDP through the tunnel to gra11", "ipsec", -1.5, tunnel, 500),
            _lane("the SSH session of the administrator", "administration", 0.0, 900, 3000, survived=False, back_after=None,
                  direction="round trip", silences=((0.0, 1500.0),)),
            _lane("UDP beside the firewall", "local", 0.0, 0.0, 50, lost=0),
        ),
        resolution=2,
        noise=3.5,
        scheduling=Scheduling(median=0.1, p95=0.8, max=6.2),
        drawn=(-200, 1500),
        tokens={"TokenTimeout": 80, "PingInterval": 20, "NbPing": 3},
        predicted=80.0 if kind == "member killed" else None,
    )  # fmt: skip


CAMPAIGN: tuple[Entry, ...] = (
    *instance(9, INSTANCE, file="features/high_availability.feature"),
    *(failover(number, nat=TOO_LONG if number == 17 else 0.0) for number in range(1, 31)),
    failover(1, kind="switch", nat=12.5),
)
