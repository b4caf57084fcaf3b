"""Rules that no packet reaches: proved on packet sets, with the rules above that take everything named."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sns.boxes import Box, apart, cells, outside, without
from sns.first_match import FirstMatch, Layer
from sns.implicit import ImplicitRule
from sns.model import Configuration, Rule
from sns.resolution import Resolver

from .result import Check, Level, Result

SHADOWED = Check(
    "shadowed-rule",
    Level.WARNING,
    "A rule that others above it leave nothing to, with another effect",
    "What the rule says is not what happens: the first match decides.",
    ("ANSSI SNS R33",),
)
REDUNDANT = Check(
    "redundant-rule",
    Level.NOTE,
    "A rule whose packets have met the same fate above it",
    "It can be removed without any change, and whoever reads it believes it does something.",
    ("ANSSI SNS R33",),
)
UNREACHABLE = Check(
    "unreachable-rule",
    Level.WARNING,
    "A rule for packets that cannot arrive",
    "Anti-spoofing refuses all of them before any rule is asked: the rule's interface or addresses are wrong.",
    ("ANSSI SNS R21", "ANSSI SNS R33"),
)
UNDECIDED = Check(
    "undecided-rule",
    Level.NOTE,
    "A rule whose reachability was not settled within the bounded search",
    "It may be shadowed by many others together; nothing is claimed either way.",
)

NARROW = 64
"""Cells of a dimension up to which a rule is looked up by them, not compared with every other."""

STEPS = 200_000
"""Boxes looked at for one rule, at the most: about two seconds. No rule of a real policy was seen to need a thousand."""


_SOURCE, _DESTINATION = Box._fields.index("source"), Box._fields.index("destination")

_SHOWN = 4
"""Rules above that a message names."""


class TooIntertwined(Exception):
    """The search was given up at its bound."""


class Cover:
    """Boxes of rules, in order, that can be asked which of them leave nothing of a set of packets."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._boxes: list[tuple[Box, int]] = [(box, place) for place, layer in enumerate(layers) for box in layer.boxes]
        self._starts = [place for _, place in self._boxes]
        self._indexes = [_Index(self._boxes, dimension) for dimension in (_DESTINATION, _SOURCE)]

    def takers(self, boxes: Sequence[Box], before: int) -> set[int] | None:
        """The layers before a place that together take all of the boxes; None when something is left.

        Raises TooIntertwined.
        """
        end = bisect_left(self._starts, before)
        found: set[int] = set()
        steps = 0
        for box in boxes:
            rivals = [self._boxes[number] for number in self._rivals(box, end)]
            stack = [(box, 0)]
            while stack:
                part, start = stack.pop()
                for number in range(start, len(rivals)):
                    if not apart(part, rivals[number][0]):
                        found.add(rivals[number][1])
                        left = without(part, rivals[number][0])
                        # The largest is looked at first: it is the likeliest to hold what nobody takes.
                        stack += [(one, number + 1) for one in sorted(left, key=_size)]
                        break
                else:
                    return None
                steps += 1
                if steps > STEPS:
                    raise TooIntertwined
        return found

    def _rivals(self, box: Box, end: int) -> Iterable[int]:
        """The boxes before ``end`` that may have something in common with one, in order."""
        for index in self._indexes:
            near = index.near(box)
            if near is not None:
                return [number for number in near if number < end]
        return range(end)


class _Index:
    """Boxes that are narrow in one dimension, by its cells; the others are near everything."""

    def __init__(self, boxes: Sequence[tuple[Box, int]], dimension: int) -> None:
        self._dimension = dimension
        self._wide: list[int] = []
        self._narrow: dict[int, list[int]] = {}
        for number, (box, _) in enumerate(boxes):
            if box[dimension].bit_count() > NARROW:
                self._wide.append(number)
                continue
            for cell in cells(box[dimension]):
                self._narrow.setdefault(cell, []).append(number)

    def near(self, box: Box) -> list[int] | None:
        """The boxes that may share cells with one, in order; None when it is not narrow itself."""
        if box[self._dimension].bit_count() > NARROW:
            return None
        return sorted({*self._wide, *chain.from_iterable(self._narrow.get(cell, ()) for cell in cells(box[self._dimension]))})


def check(configuration: Configuration, policy: FirstMatch) -> Iterator[Result]:
    """The rules of the active slot, filter and NAT, that are never reached."""
    resolver = Resolver(configuration)
    before_any = [policy.refused, policy.unsolicited]
    for first, layers in (([*before_any, *policy.hidden], policy.rules), (before_any, policy.translations)):
        cover = Cover(layers)
        for place, layer in enumerate(layers):
            if not isinstance(layer.rule, Rule) or not _known(layer.rule, resolver):
                continue
            # What no slot decides is taken off first: the rules above then answer for the rest alone.
            rest = list(layer.boxes)
            takers = []
            for before in first:
                left = outside(rest, before.boxes)
                if left != rest:
                    takers.append(before)
                rest = left
            if not rest:
                yield _result(layer.rule, [taker for taker in takers if taker.rule] or takers)
                continue
            try:
                found = cover.takers(rest, place)
            except TooIntertwined:
                message = "too many rules above share packets with it to settle whether any is left"
                yield Result(UNDECIDED, layer.rule.location, "rule", message, "look at it by hand")
                continue
            if found is not None:
                yield _result(layer.rule, [layers[taker] for taker in sorted(found)])


def _result(rule: Rule, takers: Sequence[Layer]) -> Result:
    rules = [layer.rule for layer in takers if layer.rule is not None]
    what = f'"{rule.text}" is never reached'
    if not rules:
        message = f"{what}: {' and '.join(layer.why for layer in takers)} refuses all of its packets first"
        return Result(UNREACHABLE, rule.location, "rule", message, "correct its interface or addresses, or remove it")
    same = all(_effect(other) == _effect(rule) for other in rules)
    named = ", ".join(_named(other) for other in rules[:_SHOWN])
    more = f" and {len(rules) - _SHOWN} more" if len(rules) > _SHOWN else ""
    verb = "takes" if len(rules) == 1 else "together take"
    message = f"{what}: {named}{more} {verb} all of its packets first{'' if same else _other_effect(rules)}"
    return Result(REDUNDANT if same else SHADOWED, rule.location, "rule", message, _remedy(rules[0], same))


def _named(rule: Rule | ImplicitRule) -> str:
    if isinstance(rule, ImplicitRule):
        return f"implicit rule {rule.token} ({rule.description})"
    return f"rule {rule.number} ({rule.location})"


def _other_effect(rules: Sequence[Rule | ImplicitRule]) -> str:
    actions = {rule.action for rule in rules}
    return f", with the action {actions.pop()}" if len(actions) == 1 else ", with other effects"


def _remedy(first: Rule | ImplicitRule, same: bool) -> str:
    if isinstance(first, ImplicitRule):
        return f"set {first.token}=0 in {first.location.file} if the slot is to decide, or remove the rule"
    return "remove it" if same else "move it above, or remove it"


def _effect(rule: Rule | ImplicitRule) -> tuple[object, ...]:
    if isinstance(rule, ImplicitRule):
        return rule.action, None, None, None, None
    return rule.action, rule.translation, rule.route, rule.url_filter, rule.ssl_filter


def _known(rule: Rule, resolver: Resolver) -> bool:
    """Whether all of a rule's addresses are: one that is only known at run time would look like nothing at all."""
    return bool(resolver.resolved(rule.source)) and bool(resolver.resolved(rule.destination))


def _size(box: Box) -> int:
    product = 1
    for mask in box:
        product *= mask.bit_count()
    return product
