"""What has to be done between what is wanted and what is there. A pure function; nothing is asked of a cloud here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioning.cloud.resources import Found, Key, KeyPair, Network, Resource


class Action(StrEnum):
    """What becomes of one resource."""

    KEEP = "as planned"
    CREATE = "create"
    UPDATE = "change"
    REPLACE = "make again"  # ours, and never came to life
    REMOVE = "remove"  # ours, of a name that ours has already
    REFUSE = "cannot"  # needs a decision that is not ours
    LEAVE = "no longer planned"  # ours, and the plan does not know it any more


ACTING = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.REMOVE})


@dataclass(frozen=True)
class Difference:
    """One attribute that is not as planned."""

    attribute: str
    there: Any
    wanted: Any

    def __str__(self) -> str:
        return f"{self.attribute} is {_shown(self.there)}, planned {_shown(self.wanted)}"


@dataclass(frozen=True)
class Change:
    """What becomes of one resource, and why."""

    action: Action
    key: Key
    resource: Resource | None = None
    found: Found | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        why = "; ".join([*map(str, self.differences), *([self.reason] if self.reason else [])])
        return f"{self.action} {self.key}" + (f": {why}" if why else "")


def changes(wanted: Sequence[Resource], found: Iterable[Found]) -> tuple[Change, ...]:
    """What to do, in the order to do it; what is kept, refused or left is told too."""
    there: dict[Key, list[Found]] = {}
    for each in found:
        there.setdefault(each.key, []).append(each)
    told: list[Change] = []
    for resource in wanted:
        told += _of(resource, there.pop(resource.key, []), there)
    for rest in there.values():
        told += [Change(Action.LEAVE, each.key, found=each) for each in rest if each.ours]
    return tuple(told)


def _of(resource: Resource, namesakes: list[Found], others: dict[Key, list[Found]]) -> list[Change]:
    ours = sorted(
        (each for each in namesakes if each.ours),
        key=lambda each: (bool(each.unfinished), not each.used_by, each.created, each.id),
    )
    if not ours:
        return [_new(resource, namesakes, others)]
    first, *rest = ours
    told = [_existing(resource, first)]
    for each in rest:
        if each.used_by:
            reason = "ours twice, and both in use: delete one by hand"
            told.append(Change(Action.REFUSE, each.key, found=each, reason=reason))
        else:
            told.append(Change(Action.REMOVE, each.key, found=each, reason="ours twice: one stays, that in use or the older"))
    return told


def _new(resource: Resource, foreign: list[Found], others: dict[Key, list[Found]]) -> Change:
    if foreign and isinstance(resource, KeyPair):
        return _existing(resource, foreign[0])  # the user's own key is used as it is
    if foreign:
        reason = f"one of that name is there ({foreign[0].id}) and does not carry our mark: rename ours in the plan, or theirs"
        return Change(Action.REFUSE, resource.key, resource, foreign[0], reason=reason)
    if isinstance(resource, Network):
        for key, namesakes in others.items():
            for each in namesakes:
                if key.region == resource.region and key.kind == Network.kind and each.values["vlan"] == resource.vlan:
                    whose = "ours" if each.ours else "not ours"
                    reason = f"VLAN {resource.vlan} is taken by network {key.name} ({each.id}), which is {whose}"
                    return Change(Action.REFUSE, resource.key, resource, each, reason=reason)
    return Change(Action.CREATE, resource.key, resource)


def _existing(resource: Resource, found: Found) -> Change:
    if found.unfinished:
        return Change(Action.REPLACE, resource.key, resource, found, reason=found.unfinished)
    differences = tuple(
        Difference(name, found.values.get(name), value)
        for name, value in resource.wanted.items()
        if found.values.get(name) != value and (name == "status" or not found.growing)
    )
    if any(difference.attribute in resource.fixed for difference in differences):
        reason = "this cannot be changed while it exists: delete it, then apply again"
        return Change(Action.REFUSE, resource.key, resource, found, differences, reason)
    if differences or not found.marked:
        reason = "" if found.marked else "its tag is still missing"
        return Change(Action.UPDATE, resource.key, resource, found, differences, reason)
    return Change(Action.KEEP, resource.key, resource, found)


def _shown(value: Any) -> str:
    match value:
        case None | "" | ():
            return "none"
        case bool():
            return "on" if value else "off"
        case tuple():
            return ", ".join("–".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value)
        case str() if len(value) > _LONGEST:
            return f"{value[:_LONGEST]}…"
    return str(value)


_LONGEST = 60  # characters of one value: keys and checksums need not be read whole
