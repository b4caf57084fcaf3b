"""What becomes of whole sets of packets: anti-spoofing, what belongs to no connection, implicit rules, then the active slot.

:mod:`sns.prediction` answers for one packet, this for all at once; a test holds that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from . import implicit
from .boxes import Box, meet, outside
from .cuts import Cuts
from .implicit import ImplicitRule
from .model import Configuration, Rule
from .space import Space

NOT_FINAL = frozenset({"log", "decrypt", "deleg"})
"""Actions that do not end the evaluation (sns.md 1.6)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one rule takes of the packets that come to it; without ``rule``, ``why`` says what refuses them before any."""

    rule: Rule | ImplicitRule | None
    boxes: Sequence[Box]
    why: str = ""

    @property
    def action(self) -> str:
        """``pass``, ``block``, ``reset`` or, of translations, ``nat``."""
        return self.rule.action if self.rule else "block"


class FirstMatch:
    """The layers of one configuration's active slot, in the order in which packets meet them.

    Rules with words that are not judged are no layer: what they take is not known. Raises KeyError when the
    active slot has no file (also an error finding of the reader).
    """

    def __init__(self, configuration: Configuration, cuts: Cuts | None = None) -> None:
        """``cuts`` when not only this configuration's lines are to be followed."""
        policy = configuration.policy
        self.space = Space(configuration, cuts or Cuts.of(configuration))
        self.refused = Layer(None, self.space.refused(), "anti-spoofing")
        self.unsolicited = Layer(None, self.space.unsolicited(), "the lack of a connection that they belong to")
        self.hidden = [Layer(rule, [box]) for rule in implicit.rules(configuration) if (box := self.space.implicit(rule))]
        self.rules = [Layer(rule, self.space.rule(rule)) for rule in policy.filter if _decides(rule)]
        self.translations = [Layer(rule, self._translated(rule)) for rule in policy.nat if rule.enabled and not rule.unjudged]

    def _translated(self, rule: Rule) -> list[Box]:
        boxes = self.space.rule(rule)
        return outside(boxes, self.space.tunnelled()) if _only_source(rule) else boxes

    @property
    def layers(self) -> list[Layer]:
        """All layers that decide whether a packet passes, in order."""
        return [self.refused, self.unsolicited, *self.hidden, *self.rules]

    def fates(self, boxes: Iterable[Box]) -> Iterator[tuple[Box, Layer | None]]:
        """The disjoint parts of a set of packets, each with the layer that takes it; None for what no rule describes."""
        return _fates(boxes, self.layers)

    def translation(self, boxes: Iterable[Box]) -> Iterator[tuple[Box, Layer | None]]:
        """The disjoint parts of packets that pass by a rule without ``->``, each with the ``[NAT]`` rule that changes it."""
        return _fates(boxes, self.translations)


def _fates(boxes: Iterable[Box], layers: Iterable[Layer]) -> Iterator[tuple[Box, Layer | None]]:
    left = list(boxes)
    for layer in layers:
        for part in layer.boxes:
            if taken := [common for box in left if (common := meet(box, part))]:
                yield from ((box, layer) for box in taken)
                left = outside(left, [part])
    yield from ((box, None) for box in left)


def _only_source(rule: Rule) -> bool:
    """Whether a rule of ``[NAT]`` has no hold on what a tunnel takes: tunnels select on untranslated sources."""
    translation = rule.translation
    return translation is not None and translation.destination is None and translation.source is not None


def _decides(rule: Rule) -> bool:
    return rule.enabled and not rule.unjudged and rule.action not in NOT_FINAL
