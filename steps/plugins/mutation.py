"""Runs mutants of a deployment instead of its scenarios: each in place, then the scenarios that could notice, then undone.

Asked for by a :class:`provisioning.mutants.Plan` that is registered as :data:`PLAN` (``rempart mutate`` does); without one
nothing happens here.
One lab and one process serve all mutants. A scenario that fails on a mutant for the first time is run on the original too: what
does not pass there kills nothing; what does says how long its waits took, and which rules it touched.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import pytest

from lab.device import differences
from steps.eventually import LIMIT, eventually
from steps.plugins import collection, tags, verdicts
from steps.plugins.environment import KEEPER, KEEPS_EVIDENCE
from steps.plugins.recording import RECORDER
from steps.plugins.verdicts import Ending

if TYPE_CHECKING:
    from lab.device import Snapshot
    from lab.rule_counters import Counter as Counted
    from provisioning.deployment import Deployment
    from provisioning.environment import LabEnvironment
    from provisioning.in_place import Applied
    from provisioning.mutants import Judged, Plan
    from sns.mutation.judgement import Judgement
    from sns.mutation.mutant import Mutant
    from sns.mutation.result import Result

PLAN = "rempart-mutants"
"""The name of the plan among pytest's plugins."""

PATIENCE = 3.0
"""Times as long as a scenario's longest wait on the original: what lasts longer on a mutant is taken not to come."""
LEAST_PATIENCE = 1.0  # s: a busy machine's share
WELL_WITHIN = 10.0  # s: a tunnel whose key was wrong is negotiated anew; the longest is a pair that finds itself again

# The areas of scenarios that are likely to notice a mistake: by the file's first folder or its name, and by where the packets
# arrive that meet another fate.
_AREAS = {"VPN": ("IPSEC",), "Openvpn": ("RA",), "uac": ("RA",), "ldap": ("RA",), "Data": ("RA",), "webadmin": ("MGMT",),
          "system": ("MGMT",), "HA": ("HA",), "URLFiltering": ("EGRESS",), "SSLFiltering": ("EGRESS",), "urlgroup": ("EGRESS",),
          "cngroup": ("EGRESS",), "route": ("EGRESS", "IPSEC"), "network": ("EGRESS", "WEB")}  # fmt: skip
_BY_ARRIVAL = {"out": ("WEB", "MGMT"), "in": ("EGRESS",), "ipsec": ("IPSEC",), "sslvpn": ("RA",), "ha": ("HA",),
               "firewall": ("EGRESS", "IPSEC")}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the plan's mutants, when there is a plan and nothing is wrong with what was collected."""
    plan = _plan(session.config)
    if plan is None or session.testsfailed:
        return None
    from provisioning.mutants import judged

    # Nobody follows, renders or seals this: what scenarios do on mutants is no record of a deployment.
    session.config.pluginmanager.unregister(session.config.stash[RECORDER])
    try:
        with judged(plan.deployment) as judge:
            _Run(session, plan, judge).all()
    finally:
        session.config.stash[KEEPER].close()
    return True


def _plan(config: pytest.Config) -> Plan | None:
    found: Plan | None = config.pluginmanager.get_plugin(PLAN)
    return found


@dataclass(slots=True)
class _Candidate:
    """A scenario's instance that may notice mutants: what its run on the original told."""

    item: pytest.Item
    sites: frozenset[str]
    passes: bool | None = None  # None: not run yet
    seconds: float = 1.0
    patience: float = inf
    touched: frozenset[str] = frozenset()
    kills: Counter[str] = field(default_factory=Counter)  # by operator, by file, and by both

    @property
    def disruptive(self) -> bool:
        """Whether members change in it."""
        return self.item.get_closest_marker("disruptive") is not None

    def rank(self, mutant: Mutant, judgement: Judgement) -> tuple[float, float]:
        """Its place among those that could notice a mutant: likeliest first, then quickest."""
        file, area = _file(mutant), self.item.name.split("-")[1]
        likely = 8.0 * bool(self.kills[f"{mutant.operator} {file}"]) + 2.0 * bool(self.kills[mutant.operator])
        likely += 3.0 * bool(judgement.places & self.touched) + 1.0 * bool(self.kills[file])
        likely += 3.0 * (area in _AREAS.get(file.partition("/")[0], ()))
        likely += 4.0 * (area in {area for flow in judgement.examples for area in _BY_ARRIVAL.get(flow.rpartition(" ")[2], ())})
        return -likely, self.seconds


def _sites(item: pytest.Item, deployment: Deployment) -> frozenset[str]:
    """The sites that a scenario's instance is about; none for one that is about the lab as such."""
    parameters: dict[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    found: set[str] = set()
    for axis in tags.AXES.values():
        if axis in parameters:
            one = deployment.instance(axis, parameters[axis])
            found.update(getattr(one, "sites", ()) or [getattr(one, "site", "") or getattr(one, "name", "")])
    return frozenset(found)


def _file(mutant: Mutant) -> str:
    return mutant.place.partition(":")[0]


class _Run:
    """One run of a plan's mutants."""

    def __init__(self, session: pytest.Session, plan: Plan, judge: Judged) -> None:
        self._session, self._plan, self._judge = session, plan, judge
        self._keeper = session.config.stash[KEEPER]
        self._known: LabEnvironment | None = None
        self._planned: dict[str, Snapshot] = {}
        items = [one for one in session.items if collection.template_of(one) and not one.get_closest_marker("not_applicable")]
        self._candidates = [_Candidate(one, _sites(one, plan.deployment)) for one in items]
        session.config.stash[KEEPS_EVIDENCE] = False

    def all(self) -> None:
        """Every mutant in turn. The time begins when the first one needs the lab and has it."""
        self._plan.began = time.monotonic()
        for mutant in self._plan.mutants:
            judgement = self._judge(mutant)
            if judgement.kind == "differs" and self._known is None:
                self._environment()
                self._plan.began = time.monotonic()
            self._plan.tell(self._one(mutant, judgement))
            self._plan.ended = time.monotonic()

    # The original

    def _on_the_original(self, one: _Candidate) -> bool:
        """Whether a scenario passes on the original, found out once."""
        if one.passes is None:
            self._plan.progress(f"on the original: {one.item.name}")
            environment = self._environment()
            LIMIT.longest, began, before = 0.0, time.monotonic(), self._counted(environment)
            one.passes = self._verdict(one).verdict == "pass"
            one.seconds = time.monotonic() - began
            one.patience = max(LEAST_PATIENCE, PATIENCE * LIMIT.longest)
            after = self._counted(environment)
            one.touched = frozenset(place for site in after for place in differences(before.get(site, {}), after[site]))
        return one.passes

    def _counted(self, environment: LabEnvironment) -> dict[str, dict[str, Counted]]:
        """What the rules of each site's active member have counted, by place with the site's name before it."""
        return {
            site: {f"{site}/{place}": count for place, count in environment.firewall(site).counters().items()}
            for site in environment.deployment.sites
        }

    # A mutant

    def _one(self, mutant: Mutant, judgement: Judgement) -> Result:
        from lab.errors import LabError
        from provisioning.in_place import ApplyRefused
        from sns.mutation.result import Result

        began = time.monotonic()
        told = partial(Result, mutant, flows=judgement.flows, settings=judgement.settings, examples=judgement.examples)
        if judgement.kind != "differs":
            return told(judgement.kind, message="; ".join(judgement.refused))
        waiting, tried = self._ranked(mutant, judgement), list[str]()
        try:
            while (found := self._noticed(mutant, waiting, tried)) is not None:
                killer, ending = found
                if self._on_the_original(killer):
                    seconds = time.monotonic() - began
                    killer.kills.update((mutant.operator, f"{mutant.operator} {_file(mutant)}", _file(mutant)))
                    return told("killed", by=killer.item.name, message=ending.reason, tried=tuple(tried), seconds=seconds)
        except ApplyRefused as why:
            return told("invalid", message="; ".join(why.reasons), seconds=time.monotonic() - began)
        except LabError as why:
            self._keeper.spoil(f"{mutant.name}: {why}")
            return told("unproven", message=str(why), seconds=time.monotonic() - began)
        return told("survived", tried=tuple(tried), seconds=time.monotonic() - began)

    def _noticed(self, mutant: Mutant, waiting: list[_Candidate], tried: list[str]) -> tuple[_Candidate, Ending] | None:
        """The first of the waiting scenarios that fails while the lab runs a mutant; None when none does.

        Raises ApplyRefused, and LabError for a lab that does not take the mutant. The original is back in any case.
        """
        from provisioning.mutants import run

        if not waiting:
            return None
        applied = run(self._environment(), self._judge.trees[mutant.site], mutant)
        try:
            while waiting:
                one = waiting.pop(0)
                tried.append(one.item.name)
                ending = self._verdict(one, at_most=one.patience)
                if ending.verdict == "fail":
                    return one, ending
            return None
        finally:
            self._undo(mutant, applied)

    def _ranked(self, mutant: Mutant, judgement: Judgement) -> list[_Candidate]:
        """The scenarios that could notice, likeliest first; members are changed for mistakes of the pair alone."""
        of_the_pair = _file(mutant).startswith("HA/")
        about = [one for one in self._candidates if mutant.site in one.sites and (of_the_pair or not one.disruptive)]
        return sorted((one for one in about if one.passes is not False), key=lambda one: one.rank(mutant, judgement))

    def _verdict(self, one: _Candidate, *, at_most: float = inf) -> Ending:
        """How a scenario ends now. It is made new before, for pytest runs an item once."""
        item = one.item
        template = item.stash[collection.TEMPLATE]
        item.stash = pytest.Stash()
        item.stash[collection.TEMPLATE] = template
        other = next((each for each in self._session.items if each.parent is not item.parent), None)
        LIMIT.at_most = at_most
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=other)
        finally:
            LIMIT.at_most = inf
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)
        return item.stash[verdicts.OUTCOME]

    def _undo(self, mutant: Mutant, applied: Applied) -> None:
        """The original is back, proved by the files, the pairs and a control by each way; else the lab is built anew."""
        from lab.errors import LabError

        try:
            applied.undo()
            eventually(self._ailments, until=lambda found: not found, within=WELL_WITHIN, phase="the lab's return")
        except (LabError, AssertionError) as why:
            self._keeper.spoil(f"{mutant.name}: {why}")

    def _ailments(self) -> list[str]:
        from lab.errors import LabError
        from provisioning.health import ailments

        assert self._known is not None
        try:
            return ailments(self._known, self._planned)
        except LabError as why:
            return [str(why)]

    def _environment(self) -> LabEnvironment:
        """The lab; one that is new is told what to expect whatever its firewalls are configured to do."""
        from provisioning.health import configured

        environment: LabEnvironment = self._keeper.environment()  # type: ignore[assignment]
        if environment is not self._known:
            self._known = environment
            self._planned = configured(environment)
            environment.hold_to({site: environment.firewall(site).configuration() for site in environment.deployment.sites})
        return environment
