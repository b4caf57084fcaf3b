"""The IKE daemon's log, read for the reason of a failure. The lines are charon's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance.negotiations import last_failure, latest

AT = "2026-11-24 02:03:32.564 12[IKE]"
UP = f"{AT} <OVH_GRA11|7> CHILD_SA 01-1{{13}} established with SPIs 4aeea901_i 5a047600_o and TS 10.200.0.0/16 === …"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("<OVH_GRA11|7> received AUTHENTICATION_FAILED notify error", "AUTH_FAILED"),
        ("<OVH_GRA11|7> tried 1 shared key for '203.0.113.153' - '147.135.161.153', but MAC mismatched", "AUTH_FAILED"),
        ("<OVH_GRA11|7> received NO_PROPOSAL_CHOSEN notify error", "NO_PROPOSAL_CHOSEN"),
        ("<OVH_GRA11|7> received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", "NO_PROPOSAL_CHOSEN"),
        ("<7> received proposals unacceptable", "NO_PROPOSAL_CHOSEN"),
        ("<OVH_GRA11|7> no acceptable proposal found", "NO_PROPOSAL_CHOSEN"),
        ("<OVH_GRA11|7> received TS_UNACCEPTABLE notify, no CHILD_SA built", "TS_UNACCEPTABLE"),
        ("<OVH_GRA11|7> traffic selectors 10.200.0.0/16 === 10.9.0.0/16 unacceptable", "TS_UNACCEPTABLE"),
        ("<7> no IKE config found for 147.135.161.153...198.51.100.9, sending NO_PROPOSAL_CHOSEN", "UNKNOWN_PEER"),
        ("<OVH_GRA11|7> giving up after 3 retransmits", "NO_ANSWER"),
    ],
)
def test_a_failure_is_named(said: str, code: str) -> None:
    failure = latest([UP, f"{AT} {said}"])
    assert failure is not None
    assert failure.code == code


def test_the_wrong_key_is_told_in_plain_words() -> None:
    failure = latest([f"{AT} <OVH_GRA11|7> received AUTHENTICATION_FAILED notify error"])
    assert failure is not None
    assert failure.connection == "OVH_GRA11"
    assert "do not hold the same pre-shared key" in str(failure)


def test_a_success_of_the_same_peer_closes_the_matter() -> None:
    assert latest([f"{AT} <OVH_GRA11|6> received AUTHENTICATION_FAILED notify error", UP]) is None


def test_a_success_of_another_peer_does_not() -> None:
    failure = latest([f"{AT} <OTHER|6> received AUTHENTICATION_FAILED notify error", UP])
    assert failure is not None
    assert failure.connection == "OTHER"


def test_lines_that_are_not_charons_are_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "l_vpn"
    log.write_text(f"noise\n{AT} <OVH_GRA11|7> sending DPD request\n")
    assert last_failure(log) is None
    assert last_failure(tmp_path / "none") is None
