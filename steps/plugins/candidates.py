"""The scenarios that could notice a mutant, likeliest first: by what they touch on the original and what they killed before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from steps.plugins import tags

if TYPE_CHECKING:
    import pytest

    from provisioning.deployment import Deployment
    from sns.mutation.judgement import Judgement
    from sns.mutation.mutant import Mutant

# The areas of scenarios that are likely to notice a mistake: by the file's first folder or its name, by where the packets
# arrive that meet another fate, and by where that leads.
_AREAS = {"VPN": ("IPSEC",), "Openvpn": ("RA",), "uac": ("RA",), "ldap": ("RA",), "Data": ("RA",), "webadmin": ("MGMT",),
          "system": ("MGMT",), "HA": ("HA",), "URLFiltering": ("EGRESS",), "SSLFiltering": ("EGRESS",), "urlgroup": ("EGRESS",),
          "cngroup": ("EGRESS",), "route": ("EGRESS", "IPSEC"), "network": ("EGRESS", "WEB")}  # fmt: skip
_BY_ARRIVAL = {"out": ("WEB", "MGMT"), "in": ("EGRESS",), "ipsec": ("IPSEC",), "sslvpn": ("RA",), "ha": ("HA",),
               "firewall": ("EGRESS", "IPSEC")}  # fmt: skip
_BY_FATE = {"it reaches the firewall": ("MGMT",)}

_SAME_MISTAKE, _SAME_PLACE, _SAME_FILE = 8.0, 6.0, 2.0
_TOUCHED, _AREA, _ARRIVAL, _OF_ALL_KINDS = 6.0, 2.0, 1.0, 2.0
"""What speaks for a scenario, weighed: it killed the same mistake at another site, another mistake at the same place that does
the same to packets, the same mistake in the same file; the rules that decide are much of what it touches; it is of the file's
area, or of that of the packets, and then sends packets of all kinds."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A scenario's instance, and what its run on the original told: whether it passes, how long it and its waits took (s),
    and the rules that it touched."""

    item: pytest.Item
    sites: frozenset[str]
    passes: bool | None = None  # None: not run yet
    seconds: float = 1.0
    patience: float = inf
    touched: frozenset[str] = frozenset()

    @property
    def area(self) -> str:
        """Its feature's short name (``EGRESS``)."""
        return self.item.name.split("-")[1]

    @property
    def disruptive(self) -> bool:
        """Whether members change in it."""
        return self.item.get_closest_marker("disruptive") is not None

    @property
    def of_all_kinds(self) -> bool:
        """Whether it puts packets of all kinds onto the wires, by hand."""
        return self.item.get_closest_marker("needs_spoofing") is not None

    @property
    def like(self) -> str:
        """Its name without its sites': what it is called at another one."""
        return re.sub("|".join(map(re.escape, self.sites)) or "$^", "*", self.item.name)


@dataclass(slots=True)
class Candidates:
    """All scenarios' instances, and which mistakes each of them killed."""

    known: Sequence[Candidate]
    _kills: Counter[tuple[str, str]] = field(default_factory=Counter)

    def ranked(self, mutant: Mutant, judgement: Judgement) -> list[Candidate]:
        """Those that could notice a mutant, likeliest first, then quickest.

        Members are changed for mistakes of the pair alone. One that does not pass on the original is left out.
        """
        about = [one for one in self.known if mutant.site in one.sites and (mutant.of_the_pair or not one.disruptive)]
        likely = {one: self.likely(one, mutant, judgement) for one in about if one.passes is not False}
        return sorted(likely, key=lambda one: (-likely[one], one.seconds))

    def likely(self, one: Candidate, mutant: Mutant, judgement: Judgement) -> float:
        """How much speaks for a scenario."""
        found = sum(weight for key, weight in _reasons(mutant, judgement) if self._kills[one.like, key])
        found += _TOUCHED * len(judgement.places & one.touched) / max(1, len(one.touched))
        found += _AREA * (one.area in _areas(mutant))
        near = one.area in set(_near(judgement))
        return found + near * (_ARRIVAL + _OF_ALL_KINDS * one.of_all_kinds)

    def expected(self, one: Candidate, mutant: Mutant, judgement: Judgement) -> bool:
        """Whether nobody is surprised that a scenario notices."""
        return bool(judgement.places & one.touched) or self.likely(one, mutant, judgement) >= min(_SAME_FILE, _AREA)

    def killed(self, one: Candidate, mutant: Mutant, judgement: Judgement) -> None:
        """A scenario killed a mutant."""
        self._kills.update((one.like, key) for key, _ in _reasons(mutant, judgement))


def instances(items: Iterable[pytest.Item], deployment: Deployment) -> list[Candidate]:
    """A candidate for each scenario's instance."""
    return [Candidate(item, _sites(item, deployment)) for item in items]


def _sites(item: pytest.Item, deployment: Deployment) -> frozenset[str]:
    """The sites that a scenario's instance is about; none for one that is about the lab as such."""
    parameters: dict[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    found: set[str] = set()
    for axis in tags.AXES.values():
        if axis in parameters:
            one = deployment.instance(axis, parameters[axis])
            found.update(getattr(one, "sites", ()) or [getattr(one, "site", "") or getattr(one, "name", "")])
    return frozenset(found)


def _reasons(mutant: Mutant, judgement: Judgement) -> Iterator[tuple[str, float]]:
    """What is remembered of a kill, each with its weight."""
    effect = judgement.flows[0].partition(" ")[0] if judgement.flows else "settings"
    yield f"{mutant.operator}: {re.sub(r'[0-9]+', '', mutant.what)}", _SAME_MISTAKE
    yield f"{mutant.site}/{mutant.place} {effect}", _SAME_PLACE
    yield f"{mutant.operator} {_file(mutant)} {effect}", _SAME_FILE


def _areas(mutant: Mutant) -> tuple[str, ...]:
    """The areas of scenarios that are about what a mutant is a mistake in."""
    return _AREAS.get(_file(mutant).partition("/")[0], ()) if mutant.synchronised else ("HA",)


def _near(judgement: Judgement) -> Iterator[str]:
    """The areas of scenarios that send from where packets come that meet another fate, or to where they get."""
    for packet in judgement.examples:
        yield from _BY_ARRIVAL.get(packet.rpartition(" ")[2], ())
    for fate, areas in _BY_FATE.items():
        if any(fate in flow for flow in judgement.flows):
            yield from areas


def _file(mutant: Mutant) -> str:
    return mutant.place.partition(":")[0]
