"""Which member of a pair is active, also in the moment in which the work goes from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from lab import cluster
from lab.cluster import Cluster
from lab.device import Appliance
from lab.errors import LabError


@dataclass
class Member:
    """A member that says one mode after the other, and the last one from then on."""

    name: str
    modes: list[str] = field(default_factory=list)

    def says(self) -> dict[str, dict[str, str]]:
        return {"local": {"mode": self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]}}


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ha_statuses", lambda members: {member.name: member.says() for member in members})


def pair(first: Sequence[str], second: Sequence[str]) -> Cluster:
    return Cluster("sbg7", [cast(Appliance, Member("fw1", list(first))), cast(Appliance, Member("fw2", list(second)))])


def test_while_the_work_goes_from_one_to_the_other_the_one_that_has_it_then_is_waited_for() -> None:
    assert pair(["yielding", "passive"], ["passive", "passive", "active"]).active().name == "fw2"


@pytest.mark.parametrize(("first", "second"), [("passive", "passive"), ("active", "active")])
def test_a_pair_in_which_not_exactly_one_is_active_says_what_each_is(first: str, second: str) -> None:
    with pytest.raises(LabError, match=f"^sbg7: not exactly one active member: fw1 is {first}, fw2 is {second}$"):
        pair([first], [second]).active()
