"""Which scenarios a change cannot affect, by the rules that each is known to have met on the configuration before.

What a change does to packets it does to those alone that met certain rules before. A scenario that met none of them sent no
such packet: what it sends is treated as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from provisioning.gate.changes import Change

Met: TypeAlias = Mapping[str, Mapping[str, Collection[str]]]
"""By scenario instance and site: every rule that it met there. Instances of which not all is known are not in it."""

_NOT_RUNNING = "findings."
"""Kinds of changes that say something of a configuration, and change nothing of what it does."""


def unaffected(changes: Sequence[Change], met: Met, run: str) -> dict[str, str]:
    """The instances that the changes cannot affect, each with the proof. ``run`` names where it was seen what they met."""
    changed: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        if not change.kind.startswith(_NOT_RUNNING):
            changed[change.site].add(change.met)
    if any("" in rules for rules in changed.values()):  # what packets do not tell, or met no rule of a slot, is anybody's
        return {}
    return {
        instance: f"met none of {_listed(changed, through)} in {run}"
        for instance, sites in met.items()
        if (through := sorted(sites.keys() & changed.keys())) and not any(changed[site] & {*sites[site]} for site in through)
    }


def _listed(changed: Mapping[str, Collection[str]], sites: Sequence[str]) -> str:
    return ", ".join(f"{site}/{rule}" for site in sites for rule in sorted(changed[site]))
