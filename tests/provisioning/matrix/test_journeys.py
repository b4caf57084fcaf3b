"""What the configurations say of packets serves as long as they stay the same, and no longer."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from provisioning.matrix.journeys import Candidates, Journeys, journeys_of
from sns.model import Configuration
from tests.sns.trees import rules_of

SITE = "sbg7"
ADMIN, SERVER, PUBLIC = IPv4Address("198.51.100.101"), IPv4Address("10.200.0.10"), IPv4Address("203.0.113.7")
FROM_WITHIN = Candidates("in", (SERVER,), (SERVER, PUBLIC, ADMIN), (("tcp", 80), ("tcp", 443)), 40_000)


def _allowing(folder: Path, service: str) -> Configuration:
    return rules_of(folder, f"pass ipproto tcp from any on in to any port {service}")


def _through(journeys: Journeys) -> list[tuple[IPv4Address, int | None]]:
    return [(flow.destination, flow.destination_port) for flow in journeys.getting_through(SITE, FROM_WITHIN)]


def test_the_first_packet_that_gets_through_is_found_and_found_again(tmp_path: Path) -> None:
    journeys = Journeys({SITE: _allowing(tmp_path, "https")})
    assert _through(journeys) == [(PUBLIC, 443)]
    assert _through(journeys) == [(PUBLIC, 443)]


def test_of_others_others_are_found(tmp_path: Path) -> None:
    journeys = Journeys({SITE: _allowing(tmp_path, "https")})
    assert _through(journeys)
    only_web = FROM_WITHIN._replace(services=(("tcp", 80),))
    assert journeys.getting_through(SITE, only_web) == ()


def test_what_was_found_serves_while_the_configurations_are_equal(tmp_path: Path) -> None:
    first = journeys_of({SITE: _allowing(tmp_path / "first", "https")})
    assert journeys_of({SITE: _allowing(tmp_path / "second", "https")}) is first


def test_a_changed_configuration_is_asked_anew(tmp_path: Path) -> None:
    assert _through(journeys_of({SITE: _allowing(tmp_path, "https")})) == [(PUBLIC, 443)]
    assert _through(journeys_of({SITE: _allowing(tmp_path, "http")})) == [(PUBLIC, 80)]
