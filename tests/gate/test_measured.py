"""Changes measured in the lab: each packet is seen to meet the fate that the model says, before and after; others stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioning import in_place
from provisioning.deployment import load
from provisioning.environment import LabEnvironment
from provisioning.gate.changes import Change
from provisioning.gate.confirmation import Seen, confirmed, seen
from provisioning.gate.files import load_policy
from provisioning.gate.static import Side, static
from provisioning.in_place import ApplyRefused
from sns.packet_classes import packet_classes
from sns.prediction import Flow
from tests.gate.cases import BAD, HARMLESS, RULES, Case, edited
from tests.provisioning.plans import GUIDE

pytestmark = pytest.mark.lab

SITE = "sbg7"
ONE_IN = 499  # classes of the guide's policy: what a harmless change must leave as it is
_DRAWN = re.compile(r"(?<= as )([\d.]+):\d+")
"""The source port of a translated packet is drawn anew each time."""


@dataclass(frozen=True)
class Rehearsed:
    """A change made in place, or ``refused`` by the appliance: what was seen of its packets, and which others differ."""

    changes: Mapping[int, Change]
    before: Mapping[int, Seen]
    after: Mapping[int, Seen]
    others: list[str]
    refused: str = ""


class Rehearsals:
    """Changes one after the other in one lab, each in the place of the one before."""

    def __init__(self, environment: LabEnvironment, cases: tuple[Case, ...], folder: Path) -> None:
        self._environment = environment
        self._trees: dict[str, Path] = {}
        self._changes: dict[str, dict[int, Change]] = {}
        before = Side.of(load(GUIDE))
        numbered = 0
        for case in cases:
            after = load(edited(case, folder / str(numbered)))
            found, _ = static(before, Side.of(after), load_policy(None), (), date(2026, 1, 1))
            self._trees[case.name] = after.configuration_folder(SITE)
            self._changes[case.name] = {numbered + place: one for place, one in enumerate(found) if one.flow}
            numbered += len(found) + 1
        classes = packet_classes(before.configurations[SITE])[::ONE_IN]
        self._others = {numbered + place: (SITE, one.flow()) for place, one in enumerate(classes)}
        self._before = self._look(*self._changes)

    def _look(self, *names: str) -> dict[int, Seen]:
        flows = {place: (SITE, one.flow) for name in names for place, one in self._changes[name].items() if one.flow}
        return seen(self._environment, flows | self._others)

    def of(self, name: str) -> Rehearsed:
        changes = self._changes[name]
        before = {place: self._before[place] for place in changes}
        try:
            in_place.apply(self._environment, SITE, self._trees[name])
        except ApplyRefused as why:
            return Rehearsed(changes, before, {}, [], str(why))
        after = self._look(name)
        told = {place: (_told(self._before[place]), _told(after[place])) for place in self._others}
        others = [f"{self._others[place][1]}: {was}, now {now}" for place, (was, now) in told.items() if was != now]
        return Rehearsed(changes, before, after, others)


def _told(one: Seen) -> str:
    return _DRAWN.sub(r"\1", one.text) + one.wrong + one.unmeasured


@pytest.fixture(scope="module")
def rehearsed(_environment: LabEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Rehearsed]]:
    """What became of every change; at the end the lab runs what it ran."""
    cases = (*BAD, *HARMLESS)
    rehearsals = Rehearsals(_environment, cases, tmp_path_factory.mktemp("changes"))
    try:
        yield {case.name: rehearsals.of(case.name) for case in cases}
    finally:
        in_place.apply(_environment, SITE, _environment.deployment.configuration_folder(SITE))


REFUSED_BY_THE_APPLIANCE = {
    "a name that nobody declares": 'unknown address object "ubuntu-webservr"',
    "pools that overlap": "overlap",
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_change_is_seen_as_the_model_says_or_refused_by_the_appliance(
    rehearsed: Mapping[str, Rehearsed], case: Case
) -> None:
    found = rehearsed[case.name]
    if case.name in REFUSED_BY_THE_APPLIANCE:
        assert REFUSED_BY_THE_APPLIANCE[case.name] in found.refused
        return
    seen_of = {place: confirmed(found.before[place], found.after[place]) for place in found.changes}
    assert found.refused == ""
    assert [f"{found.changes[place].example}: {one.wrong}{one.unmeasured}" for place, one in seen_of.items()
            if one.wrong or one.unmeasured] == []  # fmt: skip
    kind, text = case.named
    named = [seen_of[place] for place, change in found.changes.items() if change.kind == kind and text in change.example]
    assert all(_DRAWN.sub(r"\1", one.before) != _DRAWN.sub(r"\1", one.after) for one in named)
    assert named or kind.partition(".")[0] not in ("opens", "closes", "changes")
    assert found.changes or found.others == []


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: case.name)
def test_a_harmless_change_is_seen_nowhere(rehearsed: Mapping[str, Rehearsed], case: Case) -> None:
    assert (rehearsed[case.name].refused, rehearsed[case.name].others) == ("", [])


def test_what_the_firewall_does_otherwise_than_its_files_say_is_told(environment: LabEnvironment) -> None:
    flow = Flow("out", environment.deployment.internet.stranger, environment.deployment.public_address(SITE), "tcp", 40000, 22)
    active = environment.firewall(SITE)
    token = active.snapshot()
    active.edit(RULES, lambda text: text.replace("[Filter]\n", "[Filter]\npass from any on out to Firewall_out port ssh\n"))
    try:
        found = seen(environment, {0: (SITE, flow)})[0]
    finally:
        active.restore(token)
    assert "expected sbg7:firewall, seen nowhere" in found.wrong


def test_what_nothing_in_the_lab_can_send_is_not_called_confirmed(environment: LabEnvironment) -> None:
    flow = Flow("ipsec", IPv4Address("10.99.0.1"), environment.deployment.internet.public, "tcp", 40000, 80)
    found = seen(environment, {0: (SITE, flow)})[0]
    assert (found.text, found.unmeasured) == ("", "nothing in the lab can send it so")
