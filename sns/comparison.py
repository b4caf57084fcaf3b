"""What a change of configuration does to packets: the sets that two configurations treat differently, and nothing else.

Names do not matter, nor does the order of rules that share no packet: both configurations are laid on the same cells, and
what is compared is what becomes of each cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .addresses import EMPTY, AddressSet
from .boxes import Box
from .cuts import Cuts
from .errors import ResolutionError
from .first_match import FirstMatch, Layer
from .implicit import ImplicitRule
from .model import Configuration, Location, Rule, Translation
from .paths import Paths
from .resolution import PortRange, Resolver
from .space import Space

_RULENAME = re.compile(r'\s+rulename\s+"?[^"\s]*"?')


def without_name(text: str) -> str:
    """A rule without its identity for the appliance, which says nothing to a person."""
    return _RULENAME.sub("", text)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of packets, without any name of the configuration.

    ``departure`` is where they leave, None when they do not. ``source`` and ``destination`` are what they are translated
    to, with ports, None for what stays; ``names`` the rules of URL and TLS name filtering that they are held to.
    """

    verdict: str
    departure: str | None = None
    source: tuple[AddressSet, tuple[PortRange, ...]] | None = None
    destination: tuple[AddressSet, tuple[PortRange, ...]] | None = None
    names: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """The line that decides a fate: a rule of the slot or an implicit one; without any, ``text`` says why."""

    text: str
    location: Location | None

    def __str__(self) -> str:
        return f"{self.text} ({self.location})" if self.location else self.text


@dataclass(frozen=True, slots=True)
class Difference:
    """Packets that are treated differently: by what, and how, before and after."""

    boxes: tuple[Box, ...]
    before: Fate
    after: Fate
    was: Cause
    now: Cause

    @property
    def kind(self) -> str:
        """``opens``, ``closes``, or ``changes`` for what passes, or is refused, in another way."""
        passed, passes = self.before.verdict == "pass", self.after.verdict == "pass"
        return "changes" if passed == passes else "opens" if passes else "closes"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and the space whose cells they are made of (the configuration after's)."""

    differences: tuple[Difference, ...]
    space: Space


def compare(before: Configuration, after: Configuration, also: Cuts | None = None) -> Comparison:
    """The packets whose fate a change of configuration changes; ``also`` are lines at which they are to be told apart.

    Raises KeyError when an active slot has no file.
    """
    cuts = Cuts.of(before) | Cuts.of(after)
    if also is not None:
        cuts |= also
    one, other = _Fates(before, cuts), _Fates(after, cuts)
    found: dict[tuple[Fate, Fate, Cause, Cause], list[Box]] = {}
    for box, fate, cause in one.of([one.space.everything]):
        for part, new_fate, new_cause in other.of([box]):
            if fate != new_fate:
                found.setdefault((fate, new_fate, cause, new_cause), []).append(part)
    differences = (Difference(joined(boxes), *key) for key, boxes in found.items())
    return Comparison(tuple(sorted(differences, key=_order)), other.space)


def _order(difference: Difference) -> tuple[int, str, str]:
    return ("opens", "changes", "closes").index(difference.kind), str(difference.now), str(difference.was)


def joined(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The same packets in fewer boxes: those that differ in one dimension only become one."""
    found = list(boxes)
    places = range(len(Box._fields))
    for dimension in (*places, *places):  # what one dimension joined may be joined further by another
        alike: dict[tuple[int, ...], int] = {}
        for box in found:
            rest = (*box[:dimension], *box[dimension + 1 :])
            alike[rest] = alike.get(rest, 0) | box[dimension]
        found = [Box._make((*rest[:dimension], mask, *rest[dimension:])) for rest, mask in alike.items()]
    return tuple(found)


class _Fates:
    """What becomes of packets by one configuration."""

    def __init__(self, configuration: Configuration, cuts: Cuts) -> None:
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self._paths = Paths(configuration, self._resolver)
        self._first_match = FirstMatch(configuration, cuts)
        self.space = self._first_match.space

    def of(self, boxes: Iterable[Box]) -> Iterator[tuple[Box, Fate, Cause]]:
        """The disjoint parts of a set of packets, with fate and cause."""
        for box, layer in self._first_match.fates(boxes):
            if layer is None or layer.action != "pass":
                yield box, Fate(layer.action if layer else "block"), self._cause(layer)
            else:
                yield from self._passing(box, layer)

    def _passing(self, box: Box, layer: Layer) -> Iterator[tuple[Box, Fate, Cause]]:
        rule = layer.rule if isinstance(layer.rule, Rule) else None
        names = self._names(rule)
        own = rule.translation if rule else None
        parts = [(box, own)] if own else [(part, _translation(nat)) for part, nat in self._first_match.translation([box])]
        for part, translation in parts:
            for departure, leaving in self._departures(part, rule, translation):
                if departure is None:
                    fate = Fate("block")
                else:
                    source, destination = self._changed(translation)
                    fate = Fate("pass", departure, source, destination, names)
                yield from ((one, fate, self._cause(layer)) for one in leaving)

    def _departures(
        self, box: Box, rule: Rule | None, translation: Translation | None
    ) -> Iterator[tuple[str | None, list[Box]]]:
        gateway = rule.route if rule else None
        target = self._resolver.resolved(translation.destination) if translation and translation.destination else None
        if target:
            source = self.space.example(box).source
            yield self._paths.way(source, target.ranges()[0][0], gateway).departure, [box]
        else:
            yield from self.space.departures(box, gateway)

    def _changed(
        self, translation: Translation | None
    ) -> tuple[tuple[AddressSet, tuple[PortRange, ...]] | None, tuple[AddressSet, tuple[PortRange, ...]] | None]:
        if translation is None:
            return None, None
        ends = (
            (translation.source, translation.source_port),
            (translation.destination, translation.destination_port),
        )
        source, destination = (
            (self._resolver.resolved(name) if name else EMPTY, self._ports(port)) if name or port else None
            for name, port in ends
        )
        return source, destination

    def _ports(self, name: str | None) -> tuple[PortRange, ...]:
        try:
            return self._resolver.services(name) if name else ()
        except ResolutionError:
            return ()

    def _names(self, rule: Rule | None) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The filters of names as they work: which patterns pass or not, in order."""
        found: list[tuple[str, str, tuple[str, ...]]] = []
        objects = self._configuration.objects
        for kind, slot, filters, groups in (
            ("url", rule.url_filter if rule else None, self._configuration.url_filters, objects.url_groups),
            ("tls", rule.ssl_filter if rule else None, self._configuration.ssl_filters, objects.cn_groups),
        ):
            for each in filters.get(slot, ()) if slot is not None else ():
                group = groups.get(each.group.lower())
                patterns = tuple(sorted(text for text, _ in group.members)) if group else (each.group.lower(),)
                if each.enabled:
                    found.append((kind, each.action, patterns))
        return tuple(found)

    def _cause(self, layer: Layer | None) -> Cause:
        if layer is None:
            return Cause("no rule describes it", None)
        match layer.rule:
            case None:
                return Cause(layer.why, None)
            case ImplicitRule() as hidden:
                return Cause(f"implicit rule {hidden.token}", self._place(hidden.location))
            case rule:
                return Cause(f'rule {rule.number} "{without_name(rule.text)}"', self._place(rule.location))

    def _place(self, location: Location) -> Location:
        label = self._configuration.label
        return Location(f"{label}/{location.file}" if label else location.file, location.line)


def _translation(layer: Layer | None) -> Translation | None:
    return layer.rule.translation if layer is not None and isinstance(layer.rule, Rule) else None
