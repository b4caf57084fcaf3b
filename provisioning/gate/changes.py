"""The changes of one site between two configurations, each of a kind that a policy speaks of, in words and as one packet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from ipaddress import IPv4Address
from pathlib import Path

from provisioning.gate.example import example, named
from provisioning.gate.expectations import Expectations
from provisioning.gate.files import ORIGINS, Expected, Need, Policy
from sns.boxes import Box
from sns.checks.result import Result
from sns.checks.run import NOT_MODELLED, check
from sns.comparison import Comparison, Difference, compare
from sns.implicit import FIREWALL
from sns.logging_changed import logging_changed
from sns.model import Configuration, Location, Rule, SilentSetting
from sns.paths import IPSEC, SSL_VPN
from sns.prediction import Flow
from sns.settings_changed import PARTS, SettingChanged, settings_changed
from sns.wording import Wording
from sns.writing import written

_BELOW = ("interfaces", "routing")
"""Of these packets do not tell all: hardware addresses, a route that only counts while a tunnel is down."""
_KINDS: Mapping[str, str] = {"interfaces": "network", "routing": "network", "ssl_vpn": "ssl-vpn"}
_COSMETIC = frozenset({"color", "comment"})
"""Tokens for the eye of a person."""
_PLACES = re.compile(r"(\b[A-Za-z]+/\w+):\d+|\brule \d+")
"""What a line more makes another in a finding that is the same."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``kind`` is what a policy speaks of (``opens.internet``), ``need`` what it says.

    ``what`` are the sets of packets, or the setting; ``was`` and ``now`` what became of them and what does. ``flow`` is one
    of these packets, None for what packets do not tell, ``example`` the same in words. ``met`` is the rule of the slot that
    they met before (``Filter/05:14``), "" when it was none. ``answered`` says who answers for it, and why, when it was
    expected.
    """

    site: str
    kind: str
    need: Need
    what: tuple[str, ...]
    was: str
    now: str
    location: Location | None
    flow: Flow | None = None
    example: str = ""
    met: str = ""
    answered: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One site before and after. ``files`` are the ConfigFiles trees, ``hosts`` the addresses that people know by a name."""

    site: str
    before: Configuration
    after: Configuration
    files: tuple[Path, Path]
    hosts: Mapping[IPv4Address, str] = field(default_factory=dict)


def changes(pair: Pair, policy: Policy, expected: Sequence[Expected], day: date) -> tuple[list[Change], set[int]]:
    """The changes of a site, and the lines of the expectations that any of them met, in force on ``day`` or not.

    Raises DeploymentError for an expectation that names what the configuration after does not have, KeyError when an
    active slot has no file.
    """
    expectations = Expectations(pair.site, pair.after, expected, day)
    packets = _Packets(pair, policy, expectations)
    logging = logging_changed(pair.before, pair.after, expectations.cuts, packets.differences)
    found = [
        *packets.changes(),
        *_settings(pair, policy, expectations),
        *_beside(pair, policy, tuple(logging)),
    ]
    return found, expectations.met


class _Packets:
    """The packets that are treated differently, told apart by where they come from and whether somebody answers for them."""

    def __init__(self, pair: Pair, policy: Policy, expectations: Expectations) -> None:
        self._pair = pair
        self._policy = policy
        self._expectations = expectations
        self._comparison: Comparison = compare(pair.before, pair.after, expectations.cuts)
        self._words = Wording(pair.after, self._comparison.space)
        self._origins = {
            name: _origin(name, pair.after) or _origin(name, pair.before) or "internet"
            for name in self._comparison.space.arrivals
        }

    @property
    def differences(self) -> Sequence[Difference]:
        return self._comparison.differences

    def changes(self) -> Iterator[Change]:
        for difference in self.differences:
            for origin in ORIGINS:
                boxes = list(self._from(origin, difference.boxes))
                for left, answered in self._expectations.divided(difference.kind, boxes, self._comparison.space):
                    yield self._change(difference, origin, left, answered)

    def _from(self, origin: str, boxes: Iterable[Box]) -> Iterator[Box]:
        mask = sum(1 << place for place, name in enumerate(self._comparison.space.arrivals) if self._origins[name] == origin)
        return (box._replace(arrival=box.arrival & mask) for box in boxes if box.arrival & mask)

    def _change(self, difference: Difference, origin: str, boxes: Sequence[Box], answered: str) -> Change:
        kind = f"{difference.kind}.{origin}"
        words, flow = self._words, example(self._comparison.space, boxes, self._known(origin))
        return Change(
            site=self._pair.site,
            kind=kind,
            need="nothing" if answered else self._policy.need(kind),
            what=tuple(words.box(box) for box in boxes),
            was=f"{words.fate(difference.before)}, by {difference.was}",
            now=f"{words.fate(difference.after)}, by {difference.now}",
            location=difference.now.location or difference.was.location,
            flow=flow,
            example=named(flow, self._pair.hosts),
            met=self._met(difference),
            answered=answered,
        )

    def _known(self, origin: str) -> Mapping[IPv4Address, str]:
        """The hosts that an example is between, best first: the firewall sends from its own addresses."""
        hosts = self._pair.hosts
        own = {one.address.ip for one in self._pair.after.interfaces if one.address} if origin == "firewall" else set()
        return {host: hosts[host] for host in sorted(hosts, key=lambda host: host not in own)}

    def _met(self, difference: Difference) -> str:
        """The place of the rule of the slot that decided before, as the appliance's counters call it."""
        configuration = self._pair.before
        file = f"Filter/{configuration.active_policy:02d}"
        place = difference.was.location
        inside = place.file.removeprefix(f"{configuration.label}/") if place else ""
        return f"{file}:{place.line}" if place and inside == file else ""


def _origin(arrival: str, configuration: Configuration) -> str | None:
    """What an arrival is to a policy; None when this configuration does not have it."""
    fixed = {IPSEC: "tunnel", SSL_VPN: "vpn-user", FIREWALL: "firewall"}.get(arrival)
    interface = configuration.interface(arrival)
    if fixed or interface is None:
        return fixed
    if configuration.ha.enabled and interface is configuration.interface(configuration.ha.interface or ""):
        return "ha"
    return "private" if interface.protected else "internet"


# What packets do not tell -----------------------------------------------------------------------------------------------


def _settings(pair: Pair, policy: Policy, expectations: Expectations) -> Iterator[Change]:
    for part in (*_BELOW, *PARTS):
        kind = f"settings.{_KINDS.get(part, part)}"
        for one in settings_changed(pair.before, pair.after, (part,)):
            answered = expectations.of_setting(one.path)
            yield _of_setting(pair, kind, "nothing" if answered else policy.need(kind), one, answered)


def _of_setting(pair: Pair, kind: str, need: Need, one: SettingChanged, answered: str) -> Change:
    return Change(pair.site, kind, need, (one.path,), one.was, one.now, _placed(pair, one.location), answered=answered)


def _beside(pair: Pair, policy: Policy, logging: tuple[str, ...]) -> Iterator[Change]:
    """What is logged, how packets are inspected, what is doubtful now and was not, and what the model leaves out."""

    def change(kind: str, what: str, was: str, now: str, location: Location | None = None) -> Change:
        return Change(pair.site, kind, policy.need(kind), (what,), was, now, _placed(pair, location))

    if logging:
        yield replace(change("others.logging", "", "logged otherwise", "as said"), what=logging)
    for rule, was, now in _inspected(pair):
        yield change("others.inspection", f'rule {rule.number} "{rule.text}"', was, now, rule.location)
    for result in _new_results(pair):
        kind = "others.unmodelled" if result.check is NOT_MODELLED else f"findings.{result.check.level}"
        remedy = f" ({result.remedy})" if result.remedy else ""
        said = f"{result.field}: {result.message}{remedy} [{result.check.id}]"
        yield change(kind, said, "not so", "so", result.location)
    for token, was, now in _silent(pair):
        yield change("others.unmodelled", f"{token.location.file} [{token.section}] {token.token}", was, now, token.location)
    for file, consequence in _files(pair):
        yield change("others.unmodelled", f"{file}: {consequence}", "other content", "this content", Location(file, 1))


def _placed(pair: Pair, location: Location | None) -> Location | None:
    if location is None or location.file.startswith(f"{pair.site}/") or not pair.site:
        return location
    return replace(location, file=f"{pair.site}/{location.file}")


def _new_results(pair: Pair) -> Iterator[Result]:
    """What ``rempart check`` says now and did not say before, wherever it stands."""
    known = Counter(map(_same, check(pair.before)))
    for result in check(pair.after):
        key = _same(result)
        if known[key]:
            known[key] -= 1
        else:
            yield result


def _same(result: Result) -> tuple[str, ...]:
    return result.check.id, result.location.file, result.field, _PLACES.sub(r"\1", result.message)


def _silent(pair: Pair) -> Iterator[tuple[SilentSetting, str, str]]:
    """Documented tokens that the model passes over and that have another value."""
    before, after = (
        {(one.location.file, one.section.lower(), one.token.lower()): one for one in side.silent}
        for side in (pair.before, pair.after)
    )
    for key in sorted(before.keys() | after.keys()):
        if key[2] in _COSMETIC:
            continue
        was, now = (side[key].value if key in side else "not given" for side in (before, after))
        if was != now:
            yield after.get(key) or before[key], was, now


def _files(pair: Pair) -> Iterator[tuple[str, str]]:
    """Files that the model was not made of, that can change what becomes of packets, and whose content differs."""
    from sns.unmodelled import unmodelled

    before, after = ({p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()} for root in pair.files)
    read = pair.before.read | pair.after.read
    for file in sorted(before.keys() | after.keys()):
        for one in unmodelled([file], read):
            if file not in before or file not in after or before[file].read_bytes() != after[file].read_bytes():
                yield file, one.consequence


def _inspected(pair: Pair) -> Iterator[tuple[Rule, str, str]]:
    """Rules that are the same but for how what they pass is looked at; and those whose words are not all judged."""
    before = {_bare(rule): rule for rule in pair.before.policy.filter}
    texts = {rule.text for rule in pair.before.policy.filter}
    for rule in pair.after.policy.filter:
        if rule.unjudged and rule.text not in texts:
            yield rule, "another rule, or none", f"with words that are not modelled: {', '.join(rule.unjudged)}"
        earlier = before.get(_bare(rule))
        if earlier is not None and _looks(earlier) != _looks(rule):
            yield rule, _looks(earlier), _looks(rule)
    left = {rule.text for rule in pair.after.policy.filter}
    for rule in pair.before.policy.filter:
        if rule.unjudged and rule.text not in left:
            yield rule, f"with words that are not modelled: {', '.join(rule.unjudged)}", "another rule, or none"


def _bare(rule: Rule) -> str:
    if rule.unjudged:
        return rule.text
    return written(replace(rule, log=False, log_level=None, inspection=None, protocol=None, name=None, comment=""))


def _looks(rule: Rule) -> str:
    return f"inspection {rule.inspection or 'by default'}, protocol {rule.protocol or 'found'}"
