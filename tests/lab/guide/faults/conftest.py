"""A pair of the guide's lab that faults are done to; each test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lab.cluster import Cluster, missing
from lab.device import Appliance
from lab.faults import catalogue
from lab.faults.injection import Injection
from provisioning.environment import LabEnvironment
from steps.eventually import eventually

RETURNS_WITHIN = 10.0  # s for a member to be one of the pair again


@dataclass(frozen=True)
class Pair:
    """The pair that faults are done to."""

    environment: LabEnvironment
    cluster: Cluster

    @property
    def active(self) -> Appliance:
        return self.cluster.active()

    @property
    def passive(self) -> Appliance:
        active = self.active
        return next(member for member in self.cluster.members if member.name != active.name)

    def fault(self, text: str, member: Appliance) -> Injection:
        """``text`` is as ``rempart lab fault`` takes it."""
        name, *parameters = text.split()
        return self.environment.faults.injection(catalogue.read(name, parameters), member.name)

    def modes(self) -> list[str]:
        return sorted(self.cluster.states().values())

    def becomes(self, *modes: str, within: float = 5.0) -> None:
        eventually(self.modes, until=lambda seen: seen == sorted(modes), within=within, phase="the members' modes")

    def eventually(self, look: Callable[[], object], wanted: object) -> None:
        eventually(look, until=lambda seen: seen == wanted, within=3.0, phase="what follows", expected=wanted)

    def ailments(self) -> list[str]:
        if self.modes() != ["active", "passive"]:
            return [str(self.cluster.states())]
        return [f"{member.name}: {lacks}" for member in self.cluster.members if (lacks := missing(member))]


@pytest.fixture
def pair(whole: LabEnvironment) -> Iterator[Pair]:
    """A pair that is whole: before the test, and after it."""
    found = Pair(whole, whole.cluster("sbg7"))
    _await_whole(found)
    yield found
    assert whole.faults.in_force() == []
    _await_whole(found)


def _await_whole(pair: Pair) -> None:
    eventually(pair.ailments, until=lambda found: not found, within=RETURNS_WITHIN, phase="the pair's return")
