"""What measured packets prove when their controls did not come through: nothing."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.matrix.trace import Probe, Trace
from sns.prediction import Flow
from steps.passage import accounted_for
from steps.verdict import Inconclusive

STRANGER, PUBLIC = IPv4Address("198.51.100.102"), IPv4Address("147.135.161.153")


def traces(*lost: str) -> list[Trace]:
    """A packet each, to port 1 and the following, and why nothing is known of it."""
    probes = [Probe("sbg7:out", Flow("out", STRANGER, PUBLIC, "tcp", 1053, port), 6) for port, _ in enumerate(lost, 1)]
    return [Trace(probe, lost=why) for probe, why in zip(probes, lost, strict=True)]


def test_packets_that_nobody_saw_are_accounted_for_when_their_control_came_through() -> None:
    accounted_for(traces("", "", ""))


def test_packets_whose_control_did_not_come_through_prove_nothing() -> None:
    silent = "before the batch, the control did not come through"
    with pytest.raises(Inconclusive, match=rf"^what becomes of 2 of 3 packets is not known: {silent} \(2 packets\)$"):
        accounted_for(traces("", silent, silent))


def test_each_reason_is_told_the_most_frequent_first() -> None:
    with pytest.raises(Inconclusive, match=r"known: late \(2 packets\); silent \(1 packets\)$"):
        accounted_for(traces("silent", "late", "late"))
