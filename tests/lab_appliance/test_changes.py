"""Changed files made to count: what is run, and what is not after a refusal."""

from __future__ import annotations

import pytest

from lab.appliance import changes, network
from lab.appliance.errors import ApplianceError


@pytest.mark.parametrize(
    ("refusal", "failures", "asked"),
    [("", [], ["reload"]), ("no such device", ["ennetwork: no such device"], [])],
    ids=["interfaces that are there", "one that is not"],
)
def test_the_agent_is_not_told_of_interfaces_that_ennetwork_refused(
    monkeypatch: pytest.MonkeyPatch, refusal: str, failures: list[str], asked: list[str]
) -> None:
    requests: list[str] = []

    def ennetwork(_arguments: list[str]) -> int:
        if refusal:
            raise ApplianceError(refusal)
        return 0

    monkeypatch.setattr(network, "main", ennetwork)
    monkeypatch.setattr(changes, "ask", requests.append)

    assert list(changes.apply(["ennetwork", changes.AGENT])) == failures
    assert requests == asked
