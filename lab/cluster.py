"""A site's firewall: one appliance, or a pair of which one works."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab.device import Appliance, Snapshot, ha_statuses
from lab.errors import LabError

_HANDED_OVER_WITHIN = 0.5  # s: while the work goes from one to the other, for milliseconds, nobody has it
_LOOK_AGAIN = 0.010  # s


class Cluster:
    """The members of one site's firewall, in the plan's order. A single member is always the active one."""

    def __init__(self, site: str, members: Sequence[Appliance]) -> None:
        self.site = site
        self.members = tuple(members)

    def states(self) -> dict[str, str]:
        """What each member says of itself: ``active``, ``passive``, …; ``silent`` when it does not answer."""
        if len(self.members) == 1:
            return {self.members[0].name: "active"}
        return {name: str(told["local"]["mode"]).lower() if told else "silent" for name, told in self.statuses().items()}

    def statuses(self) -> dict[str, dict[str, Any] | None]:
        """What the HA agent of each member says; None of one that does not answer."""
        return ha_statuses(self.members)

    def active(self) -> Appliance:
        """The active member. Raises LabError when there is not exactly one, nor soon will be."""
        give_up = time.monotonic() + _HANDED_OVER_WITHIN
        while True:
            states = self.states()
            found = [member for member in self.members if states[member.name] == "active"]
            if len(found) == 1:
                return found[0]
            if time.monotonic() >= give_up:
                told = ", ".join(f"{name} is {state}" for name, state in states.items())
                raise LabError(f"{self.site}: not exactly one active member: {told}")
            time.sleep(_LOOK_AGAIN)

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"the firewall of {self.site}"

    def snapshot(self) -> tuple[Snapshot, ...]:
        """The configuration of each member, to be put back by :meth:`restore`."""
        return tuple(member.snapshot() for member in self.members)

    def restore(self, snapshot: tuple[Snapshot, ...]) -> None:
        """Put the configurations back, side by side. Raises CommandFailed when that does not work."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Appliance.restore, self.members, snapshot))


def missing(member: Appliance) -> str:
    """What a member lacks to be one of a pair that hears each other on every wire; empty when it is."""
    told = member.ha_status()
    if told is None or told["local"]["mode"] not in ("active", "passive"):
        return "it is not one of the pair"
    if told["link"] != "OK":
        return "its HA link is not OK"
    configuration = member.configuration()
    data = {one.section for one in configuration.interfaces if one.enabled and one.name != configuration.ha.interface}
    unheard = data - set(told["segments"]) if told["local"]["mode"] == "passive" else set()
    return f"it does not hear the other on {', '.join(sorted(unheard))}" if unheard else ""
