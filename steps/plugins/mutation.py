"""Runs mutants of a deployment instead of its scenarios: each in place, then the scenarios that could notice, then undone.

Asked for by a :class:`provisioning.mutants.Plan` that is registered as :data:`PLAN` (``rempart mutate`` does); without one
nothing happens here.
One lab and one process serve all mutants. Before the first of them every scenario is run on the original: what does not pass
there kills nothing; what does says how long its waits took, and which rules it touched.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from steps.eventually import LIMIT, eventually
from steps.plugins import collection, verdicts
from steps.plugins.candidates import Candidate, Candidates, instances
from steps.plugins.environment import KEEPER, KEEPS_EVIDENCE
from steps.plugins.recording import RECORDER
from steps.plugins.verdicts import Ending

if TYPE_CHECKING:
    from lab.device import Snapshot
    from lab.rule_counters import Counter as Counted
    from provisioning.environment import LabEnvironment
    from provisioning.in_place import Applied
    from provisioning.mutants import Judged, Plan
    from sns.mutation.judgement import Judgement
    from sns.mutation.mutant import Mutant
    from sns.mutation.result import Result

PLAN = "rempart-mutants"
"""The name of the plan among pytest's plugins."""

THE_PLAN = "the plan"
"""Kills what no scenario noticed, but what a test run refuses to start with: the plan says otherwise."""

PATIENCE = 3.0
"""Times as long as a scenario's longest wait on the original: what lasts longer on a mutant is taken not to come."""
LEAST_PATIENCE = 1.0  # s: a busy machine's share
WELL_WITHIN = 10.0  # s: a tunnel whose key was wrong is negotiated anew; the longest is a pair that finds itself again


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
        with _stoppable(session), judged(plan.deployment) as judge:
            _Run(session, plan, judge).all()
    except KeyboardInterrupt:  # again, from a line that has a number: pytest cannot tell of one that came between two lines
        raise session.Interrupted("interrupted") from None
    finally:
        session.config.stash[KEEPER].close()
    return True


@contextmanager
def _stoppable(session: pytest.Session) -> Iterator[None]:
    """The first Ctrl-C ends the run after the scenario that runs, the second at once.

    Raised wherever it comes, Python would sometimes drop it: in the callback of a weak reference nobody can catch it.
    """
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
        session.shouldstop = "interrupted"
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _plan(config: pytest.Config) -> Plan | None:
    found: Plan | None = config.pluginmanager.get_plugin(PLAN)
    return found


class _Next(pytest.Item):
    """Stands for whatever runs after an item: of the fixtures only the session's are kept for it."""

    def runtest(self) -> None:
        """Nobody runs it."""


class _Run:
    """One run of a plan's mutants."""

    def __init__(self, session: pytest.Session, plan: Plan, judge: Judged) -> None:
        self._session, self._plan, self._judge = session, plan, judge
        self._keeper = session.config.stash[KEEPER]
        self._known: LabEnvironment | None = None
        self._planned: dict[str, Snapshot] = {}
        self._next = _Next.from_parent(session, name="next")
        items = [one for one in session.items if collection.template_of(one) and not one.get_closest_marker("not_applicable")]
        self._candidates = Candidates(instances(items, plan.deployment))
        session.config.stash[KEEPS_EVIDENCE] = False

    def all(self) -> None:
        """Every mutant in turn. The time begins when the first one needs the lab, and the original has told all."""
        self._plan.began = time.monotonic()
        for mutant in self._plan.mutants:
            judgement = self._judge(mutant)
            if judgement.kind == "differs" and self._known is None:
                self._know_the_original()
                self._plan.began = time.monotonic()
            self._plan.tell(self._one(mutant, judgement))
            self._plan.ended = time.monotonic()
            self._stop_when_asked()

    # The original

    def _know_the_original(self) -> None:
        """Run all scenarios on it in which members do not change: the others take long, and few mutants need them."""
        sites = {mutant.site for mutant in self._plan.mutants}
        for one in self._candidates.known:
            if one.sites & sites and not one.disruptive:
                self._passes(one)

    def _passes(self, one: Candidate) -> bool:
        """Whether a scenario passes on the original, found out once; one that does not has a second chance."""
        if one.passes is None:
            self._plan.progress(f"on the original: {one.item.name}")
            one.passes = self._on_the_original(one) or self._on_the_original(one)
        return one.passes

    def _on_the_original(self, one: Candidate) -> bool:
        from lab.device import differences

        environment = self._environment()
        LIMIT.longest, began, before = 0.0, time.monotonic(), self._counted(environment)
        verdict = self._verdict(one).verdict
        one.seconds = time.monotonic() - began
        one.patience = max(LEAST_PATIENCE, PATIENCE * LIMIT.longest)
        grown = (differences(before[site], after) for site, after in self._counted(environment).items())
        one.touched = frozenset(place for places in grown for place, packets in places.items() if packets > 0)
        return verdict == "pass"

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
        from provisioning.mutants import refused_by_plan
        from sns.mutation.result import Result

        began = time.monotonic()
        told = partial(Result, mutant, flows=judgement.flows, settings=judgement.settings, examples=judgement.examples)
        if judgement.kind != "differs":
            return told(judgement.kind, message="; ".join((*judgement.refused, *judgement.unmet)))
        waiting, tried = self._candidates.ranked(mutant, judgement), list[str]()
        try:
            while (found := self._noticed(mutant, judgement, waiting, tried)) is not None:
                killer, ending = found
                if self._passes(killer):
                    seconds = time.monotonic() - began
                    self._candidates.killed(killer, mutant, judgement)
                    return told("killed", by=killer.item.name, message=ending.reason, tried=tuple(tried), seconds=seconds)
        except ApplyRefused as why:
            return told("invalid", message="; ".join(why.reasons), seconds=time.monotonic() - began)
        except (LabError, OSError) as why:  # of the files of a host that is gone
            self._keeper.spoil(f"{mutant.name}: {why}")
            return told("unproven", message=str(why), seconds=time.monotonic() - began)
        if refusal := refused_by_plan(self._plan.deployment, mutant, judgement.configuration):
            return told("killed", by=THE_PLAN, message=refusal, tried=tuple(tried), seconds=time.monotonic() - began)
        return told("survived", tried=tuple(tried), seconds=time.monotonic() - began)

    def _noticed(
        self, mutant: Mutant, judgement: Judgement, waiting: list[Candidate], tried: list[str]
    ) -> tuple[Candidate, Ending] | None:
        """The first of the waiting scenarios that fails while the lab runs a mutant; None when none does.

        One of which nobody expects it has to fail twice, the second time with all the patience that it asks for. The original
        is back in any case. Raises ApplyRefused, and LabError for a lab that does not take the mutant.
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
                if ending.verdict == "fail" and not self._candidates.expected(one, mutant, judgement):
                    ending = self._verdict(one)
                if ending.verdict == "fail":
                    return one, ending
            return None
        finally:
            self._undo(mutant, applied)

    def _verdict(self, one: Candidate, *, at_most: float = inf) -> Ending:
        """How a scenario ends now. It is made new before, for pytest runs an item once."""
        item = one.item
        template = item.stash[collection.TEMPLATE]
        item.stash = pytest.Stash()
        item.stash[collection.TEMPLATE] = template
        LIMIT.at_most = at_most
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=self._next)
        finally:
            LIMIT.at_most = inf
        self._stop_when_asked()
        return item.stash[verdicts.OUTCOME]

    def _stop_when_asked(self) -> None:
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _undo(self, mutant: Mutant, applied: Applied) -> None:
        """The original is back, proved by the files, the pairs and a control by each way; else the lab is built anew."""
        from lab.errors import LabError

        try:
            applied.undo()
            eventually(self._ailments, until=lambda found: not found, within=WELL_WITHIN, phase="the lab's return")
        except (LabError, OSError, AssertionError) as why:
            self._keeper.spoil(f"{mutant.name}: {why}")

    def _ailments(self) -> list[str]:
        from lab.errors import LabError
        from provisioning.health import ailments

        assert self._known is not None
        try:
            return ailments(self._known, self._planned)
        except (LabError, OSError) as why:
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
