"""A cable that is pulled, or that is loose."""

from __future__ import annotations

from lab.faults.fault import Choice, Kind, Target, Values

_LINK = Choice("link", "the network whose cable it is", "external", ("external", "private"))


def _nics(target: Target, values: Values) -> tuple[str, ...]:
    return target.links[values.word("link")]


def _occupied(target: Target, values: Values) -> frozenset[str]:
    return frozenset(f"{target.name} {nic}" for nic in _nics(target, values))


def _pull(target: Target, values: Values) -> None:
    target.fabric.set_links(target.name, _nics(target, values), up=False)


def _plug(target: Target, values: Values) -> None:
    target.fabric.set_links(target.name, _nics(target, values), up=True)


KINDS = (
    Kind("link-down", "has one data link less: the cable is pulled", _pull, _plug, _occupied, (_LINK,)),
    Kind("ha-link-cut", "has no HA link: both members live on without it",
         lambda target, _: target.fabric.set_links(target.name, target.links["ha"], up=False),
         lambda target, _: target.fabric.set_links(target.name, target.links["ha"], up=True),
         lambda target, _: frozenset(f"{target.name} {nic}" for nic in target.links["ha"])),
)  # fmt: skip
