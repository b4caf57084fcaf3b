"""Mistakes in the rules of the active filter and NAT slot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sns.model import Operand, Rule
from sns.mutation.mutant import Edit
from sns.mutation.tree import Setting, Tree

Found = tuple[str, tuple[Edit, ...]]
"""What is wrong, in words, and the edits that make it so."""

Operator = Callable[[Tree], Iterator[Found]]

_PARTS = re.compile(r"^(?P<before>.*?\bfrom )(?P<source>\S+)(?P<way>.*? to )(?P<destination>\S+)(?P<rest>.*)$")
_ON = re.compile(r" on (\S+)")
_VIA = re.compile(r" via \S+")
_PORT = re.compile(r" port (\S+)")
_KIND = re.compile(r" ipproto \S+( type \d+)?( code \d+)?( proto \S+)?")
_NAMES = re.compile(r" (?:url|ssl)filtering \d+")


@dataclass(frozen=True, slots=True)
class _Line:
    """A rule's line in its parts: the operands, what stands around them, and the translation with its arrow."""

    rule: Rule
    setting: Setting
    before: str
    source: str
    way: str
    destination: str
    rest: str
    translation: str

    def becomes(self, **parts: str) -> tuple[Edit, ...]:
        """The edit that changes some of the parts."""
        written = ("before", "source", "way", "destination", "rest", "translation")
        return self.setting.becomes("".join(parts.get(name, getattr(self, name)) for name in written))


def lines(tree: Tree) -> Iterator[_Line]:
    """The enabled rules of the active slot, filter first."""
    policy = tree.configuration.policy
    for rule in (*policy.filter, *policy.nat):
        setting = tree.at(rule.location.file, rule.location.line)
        head, arrow, tail = setting.text.partition("->")
        if rule.enabled and (parts := _PARTS.match(head)):
            yield _Line(rule, setting, **parts.groupdict(), translation=arrow + tail)


def rule_deleted(tree: Tree) -> Iterator[Found]:
    """A rule is missing."""
    for one in lines(tree):
        yield f"{said(one.rule)} is missing", one.setting.becomes()


def rule_disabled(tree: Tree) -> Iterator[Found]:
    """A rule is off."""
    for one in lines(tree):
        yield f"{said(one.rule)} is off", one.setting.becomes(f"off {one.setting.text}")


def rule_moved(tree: Tree) -> Iterator[Found]:
    """A rule stands below the next one of its section."""
    for one, other in pairwise(lines(tree)):
        if one.rule.section == other.rule.section:
            what = f"{said(one.rule)} stands below {said(other.rule)}"
            yield what, (*one.setting.becomes(other.setting.text), *other.setting.becomes(one.setting.text))


def action_reversed(tree: Tree) -> Iterator[Found]:
    """A rule blocks what it should pass, or passes what it should block."""
    for one in lines(tree):
        if one.rule.section == "filter" and one.rule.action in ("pass", "block"):
            other = "block" if one.rule.action == "pass" else "pass"
            # A block can filter no names and translate nothing.
            before, translation = _NAMES.sub("", one.before), one.translation
            if other == "block" and translation:
                translation = translation[translation.find(" rulename") :] if " rulename" in translation else ""
            changed = one.becomes(before=before.replace(one.rule.action, other, 1), translation=translation)
            yield f"{said(one.rule)} says {other}", changed


def all_passes(tree: Tree) -> Iterator[Found]:
    """A pass from any to any, for a test, was left above the last rule."""
    filters = [one for one in lines(tree) if one.rule.section == "filter"]
    for one in filters[-1:]:
        yield (
            f"a pass from any to any stands above {said(one.rule)}",
            one.setting.becomes("pass from any to any\t# for a test", one.setting.text),
        )


def source_widened(tree: Tree) -> Iterator[Found]:
    """A rule's source is a larger object, or any."""
    yield from _ends(tree, "source", _wider)


def destination_widened(tree: Tree) -> Iterator[Found]:
    """A rule's destination is a larger object, or any."""
    yield from _ends(tree, "destination", _wider)


def source_narrowed(tree: Tree) -> Iterator[Found]:
    """A rule's source is an object inside the one that is meant."""
    yield from _ends(tree, "source", _narrower, " only")


def destination_narrowed(tree: Tree) -> Iterator[Found]:
    """A rule's destination is an object inside the one that is meant."""
    yield from _ends(tree, "destination", _narrower, " only")


def source_swapped(tree: Tree) -> Iterator[Found]:
    """A rule's source is the next object of its kind."""
    yield from _ends(tree, "source", _others)


def destination_swapped(tree: Tree) -> Iterator[Found]:
    """A rule's destination is the next object of its kind."""
    yield from _ends(tree, "destination", _others)


def _ends(
    tree: Tree, end: Literal["source", "destination"], chosen: Callable[[Tree, Operand], list[str]], said_too: str = ""
) -> Iterator[Found]:
    for one in lines(tree):
        for name in chosen(tree, getattr(one.rule, end)):
            yield f"{said(one.rule)}: the {end} is {name}{said_too}", one.becomes(**{end: name})


def service_widened(tree: Tree) -> Iterator[Found]:
    """A rule says no port."""
    for one in lines(tree):
        if found := _PORT.search(one.rest):
            yield f"{said(one.rule)}: any port", one.becomes(rest=one.rest.replace(found[0], "", 1))


def service_swapped(tree: Tree) -> Iterator[Found]:
    """A rule says another port."""
    for one in lines(tree):
        if found := _PORT.search(one.rest):
            for name in _services(tree, found[1]):
                yield f"{said(one.rule)}: port {name}", one.becomes(rest=one.rest.replace(found[0], f" port {name}", 1))


def interface_forgotten(tree: Tree) -> Iterator[Found]:
    """A rule does not say by which interface."""
    yield from _interfaces(tree, lambda _: [""])


def interface_swapped(tree: Tree) -> Iterator[Found]:
    """A rule says another interface."""
    names = [one.name for one in tree.configuration.interfaces if one.enabled]
    yield from _interfaces(tree, lambda name: [f" on {_next(names, name)}"] if len(names) > 1 else [])


def _interfaces(tree: Tree, others: Callable[[str], list[str]]) -> Iterator[Found]:
    for one in lines(tree):
        for side, text in (("way", one.way), ("rest", one.rest)):
            if found := _ON.search(text):
                for other in others(found[1]):
                    what = f"{said(one.rule)}:{other or f' no interface {found[1]}'}"
                    yield what, one.becomes(**{side: text.replace(found[0], other, 1)})


def tunnel_forgotten(tree: Tree) -> Iterator[Found]:
    """A rule does not say by which tunnel."""
    for one in lines(tree):
        if _VIA.search(one.way):
            yield f"{said(one.rule)}: no via", one.becomes(way=_VIA.sub("", one.way))


def protocol_forgotten(tree: Tree) -> Iterator[Found]:
    """A rule does not say which IP protocol, or ICMP type."""
    for one in lines(tree):
        if _KIND.search(one.before):
            yield f"{said(one.rule)}: any protocol", one.becomes(before=_KIND.sub("", one.before))


def name_filter_forgotten(tree: Tree) -> Iterator[Found]:
    """A rule does not filter by name."""
    for one in lines(tree):
        if _NAMES.search(one.before):
            yield f"{said(one.rule)}: no filter of names", one.becomes(before=_NAMES.sub("", one.before))


def translation_swapped(tree: Tree) -> Iterator[Found]:
    """A translation's address is the next object of its kind."""
    for one in lines(tree):
        translation = one.rule.translation
        for name in filter(None, (translation.source, translation.destination) if translation else ()):
            for other in _others(tree, Operand((name,))):
                yield (
                    f"{said(one.rule)}: translates to {other}",
                    one.becomes(
                        translation=re.sub(rf"\b(from|to) {re.escape(name)}\b", rf"\1 {other}", one.translation, count=1)
                    ),
                )


def translated_port_swapped(tree: Tree) -> Iterator[Found]:
    """A translation's port is another one."""
    for one in lines(tree):
        for found in _PORT.finditer(one.translation):
            for name in _services(tree, found[1]):
                text = one.translation[: found.start()] + f" port {name}" + one.translation[found.end() :]
                yield f"{said(one.rule)}: translates to port {name}", one.becomes(translation=text)


def said(rule: Rule) -> str:
    """``filter rule 9``, with its comment: what an administrator calls it."""
    return f"{rule.section} rule {rule.number}" + (f' ("{rule.comment}")' if rule.comment else "")


# Other objects ------------------------------------------------------------------------------------------------------


def _wider(tree: Tree, operand: Operand) -> list[str]:
    """The smallest object that is larger, and any."""
    if operand.is_any or operand.negated:
        return []
    own = tree.resolver.resolved(operand)
    larger = [(len(other), name) for name, other in tree.named.items() if own != other and own in other]
    return [*([min(larger)[1]] if larger else []), "any"]


def _narrower(tree: Tree, operand: Operand) -> list[str]:
    """The first object inside."""
    if operand.negated or operand.is_any:
        return []
    own = tree.resolver.resolved(operand)
    return [name for name, other in tree.named.items() if other and other != own and other in own][:1]


def _others(tree: Tree, operand: Operand) -> list[str]:
    """The object that stands next to it in a list of its kind."""
    if operand.is_any or len(operand.names) != 1:
        return []
    objects, name = tree.configuration.objects, operand.names[0]
    own = tree.resolver.resolved(operand)
    firewall = [f"Firewall_{one.name}" for one in tree.configuration.interfaces if one.enabled]
    kinds = [[one.name for one in kind.values()] for kind in (objects.hosts, objects.networks, objects.groups)]
    for names in (*kinds, firewall):
        if name.lower() in (one.lower() for one in names) and len(names) > 1:
            other = _next(names, name)
            return [other] if tree.resolver.resolved(other) != own else []
    return []


def _services(tree: Tree, name: str) -> list[str]:
    """For a group its first member; else the next service of the same protocol."""
    objects = tree.configuration.objects
    if (group := objects.service_groups.get(name.lower())) and group.members:
        return [member for member, _ in group.members[1:2]]
    own = objects.services.get(name.lower())
    if own is None:
        return ["any"]
    alike = [one.name for one in objects.services.values() if one.protocol in (own.protocol, "any")]
    others = [other for other in alike if (objects.services[other.lower()].first, other) != (own.first, own.name)]
    return [_next(alike, own.name)] if others else []


def _next(names: list[str], name: str) -> str:
    place = [one.lower() for one in names].index(name.lower()) if name.lower() in (one.lower() for one in names) else -1
    return names[(place + 1) % len(names)]
