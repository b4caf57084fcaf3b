"""Where rounds are run: a deployment in the lab, its pairs watched all along, healthy again after each round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType

from lab.cluster import Cluster, missing
from lab.device import Appliance, Snapshot
from lab.errors import LabError
from lab.faults import catalogue
from lab.faults.injection import Injection
from lab.invariants import configurations, forwarding, sessions
from lab.invariants.configurations import Files
from lab.invariants.echo import Echo
from lab.invariants.pair import pair_of
from lab.invariants.sessions import Session, Sessions, judge_allowed, judge_refused
from lab.invariants.violation import Finding, Violation
from lab.invariants.watch import Watch
from lab.torture.campaign import Outcome
from lab.torture.sequence import ACTIVE, Round, Step
from provisioning.environment import LabEnvironment
from provisioning.torture import ground
from provisioning.torture.planted import BEHIND, Planted, change, planted

UNHEALTHY = "the pair does not return to health"
HEALTHY_WITHIN = 20.0  # s after all is undone: a member boots in one and joins in two; a machine under load is given time
LIVES_WITHIN = 6.0  # s for a session to be answered again after a short silence
REBUILT_WITHIN = 20.0  # s for a tunnel or a VPN user's connection to be made anew: IKE asks for the third time after 11
LIVES_AT_LAST = 60.0  # s after a long one: TCP waits up to twice as long as the silence that it met
STANDS_WITHIN = 30.0  # s for a session to be established before anything is done; under a second on a machine with time
_LOOK_EVERY = 0.05
LOOKED_AT = (sessions.GOES_ON, sessions.COMES_BACK, sessions.ENDED, configurations.DIFFERENT, configurations.MIXED, UNHEALTHY)
"""Invariants that are looked at when there is something to see; the watch looks at the others all along."""


@dataclass(slots=True)
class Site:
    """One pair on the stage. ``planned`` is its configuration when nothing is being done to it."""

    cluster: Cluster
    planted: Planted
    watch: Watch
    planned: Snapshot
    meant: list[Files] = field(default_factory=list)
    half_written: bool = False
    refused: list[Session] = field(default_factory=list)
    allowed: list[Session] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(LOOKED_AT, 0)))
    broken: list[Violation] = field(default_factory=list)

    def judge(self, name: str, violation: Violation | None) -> None:
        """One look at an invariant, and what it showed."""
        self.looks[name] += 1
        self.broken += [violation] if violation else []

    def findings(self) -> list[Finding]:
        """All invariants of this pair."""
        seen = self.watch.findings()
        return seen + [
            Finding(self.planted.site, name, 0.0, tuple(one for one in self.broken if one.invariant == name), looks=count)
            for name, count in self.looks.items()
        ]

    def member(self, part: str) -> Appliance:
        """The member that has this part now; when nobody clearly has it, the first or the second of the plan."""
        states = self.cluster.states()
        found = [member for member in self.cluster.members if states[member.name] == part]
        return found[0] if len(found) == 1 else self.cluster.members[part != ACTIVE]


class Stage:
    """A runner of rounds, in a lab that is its own. A context manager: entering plants rules, servers and the watch."""

    def __init__(self, environment: LabEnvironment, sites: tuple[str, ...]) -> None:
        self.environment = environment
        self.sites: dict[str, Site] = {}
        self.sessions = Sessions()
        self._names = sites
        self._ending = ExitStack()
        self._seen: dict[int, Violation] = {}
        self._injections: list[Injection] = []
        self._violations: list[Violation] = []
        self._notes: list[str] = []

    def __enter__(self) -> Stage:
        self._ending.enter_context(self.sessions)
        try:
            for site in self.environment.deployment.sites.values():
                for host in site.hosts_of("web"):
                    self._ending.enter_context(Echo(self.environment.host(host.id), BEHIND))
            for name in self._names:
                self._open(name)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._undo_all()
        finally:
            self._close()

    def _open(self, name: str) -> None:
        cluster, rules = self.environment.cluster(name), planted(self.environment, name)
        if rules.client is not None:
            self._ending.callback(rules.client.hang_up)
        for member in cluster.members:
            rules.install(member)
        self.sites[name] = Site(cluster, rules, self._watch(cluster), cluster.members[0].snapshot())

    def _watch(self, cluster: Cluster) -> Watch:
        return Watch(pair_of(cluster, self.environment.lab.hosts)).__enter__()

    def _close(self) -> None:
        for site in self.sites.values():
            site.watch.__exit__(None, None, None)
        self._ending.close()

    def watch_anew(self) -> None:
        """End the watches and begin new ones: what was found until now is forgotten."""
        for site in self.sites.values():
            site.watch.__exit__(None, None, None)
            site.watch = self._watch(site.cluster)

    # A round

    def run(self, wanted: Round, prepare: Callable[[], object] = lambda: None) -> Outcome:
        """Run a round on a healthy pair, and leave a healthy one. ``prepare`` is called once its sessions stand.

        Raises LabError when a healthy pair is not to be had.
        """
        began = time.monotonic()
        self._violations, self._notes = [], []
        self.environment.lab.must_run()
        for site in self.sites.values():
            site.meant, site.half_written = [site.planned.files], False
            self._plant(site, wanted)
        prepare()
        with ExitStack() as relaxed:
            for name, site in self.sites.items():
                if _parted(wanted, name):
                    relaxed.enter_context(site.watch.relaxed(forwarding.deaf(site.watch.pair.timers)))
            self._perform(wanted)
            self._undo_all()
        for site in self.sites.values():
            self._heal(site)
        ending = {name for name in self.sites if _may_end_sessions(wanted, name)}
        for name, site in self.sites.items():
            self._judge_allowed(site, ending={name} & ending, through_tunnels=ending)
        self._collect()
        return Outcome(tuple(self._violations), tuple(self._notes), time.monotonic() - began)

    def findings(self) -> list[Finding]:
        """The invariants of all pairs since the stage was entered."""
        return [finding for site in self.sites.values() for finding in site.findings()]

    def _perform(self, wanted: Round) -> None:
        began = time.monotonic()
        for due, act, what in sorted(self._acts(wanted), key=lambda one: one[0]):
            time.sleep(max(0.0, began + due - time.monotonic()))  # the round's own clock, not a wait for anything
            try:
                self._note(began, what, act())
            except LabError as why:
                self._note(began, what, f"refused: {str(why).splitlines()[0]}")
            except (OSError, ValueError) as why:  # a file of a member that is full, or that has just been replaced
                self._note(began, what, f"did not work: {why}")

    def _note(self, began: float, what: str, result: str) -> None:
        self._notes.append(f"{time.monotonic() - began:.2f} s: {what}: {result}")

    def _acts(self, wanted: Round) -> Iterator[tuple[float, Callable[[], str], str]]:
        """What is to be done, and when."""
        for step in wanted.steps:
            what = f"{step.what} ({step.part})"
            if step.what.partition(" ")[0] not in catalogue.KINDS:
                yield step.at, partial(self._act, step), what
                continue
            begun: list[Injection] = []
            yield step.at, partial(self._inject, step, begun), what
            if step.hold:
                yield step.at + step.hold, partial(self._end, begun), f"end of {step.what}"

    def _inject(self, step: Step, begun: list[Injection]) -> str:
        name, *parameters = step.what.split()
        member = self.sites[step.site].member(step.part)
        injection = self.environment.faults.injection(catalogue.read(name, parameters), member.name)
        self._injections.append(injection)
        injection.begin()
        begun.append(injection)
        return member.name

    @staticmethod
    def _end(begun: list[Injection]) -> str:
        for injection in begun:
            injection.end()
        return "undone" if begun else "it had not begun"

    def _undo_all(self) -> None:
        failures = []
        for injection in reversed(self._injections):
            try:
                injection.end()
            except LabError as why:
                failures.append(str(why))
        self._injections = []
        self.environment.faults.undo_all()
        self._notes += [f"could not be undone at first: {why}" for why in failures]

    # What an administrator does

    def _act(self, step: Step) -> str:
        site = self.sites[step.site]
        member = site.member(step.part)
        match step.what:
            case ground.SWITCH:
                member.apply("hainfo", "switch")
            case ground.HASYNC:
                self._synchronise(site, member)
            case ground.CHANGE:
                self._edit(site, member, change)
                self._synchronise(site, member)
            case ground.REFUSE:
                self._edit(site, member, site.planted.refuse)
                member.apply("enfilter")
                self._synchronise(site, member)
                for session in site.refused:
                    session.refused = time.monotonic()
            case ground.APPLY:
                member.apply("enfilter")
            case ground.REKEY:
                member.renew_tunnels()
        return member.name

    @staticmethod
    def _edit(site: Site, member: Appliance, edit: Callable[[Appliance], None]) -> None:
        """An administrator's edit. On a full disk it leaves half a file: that is the editor's doing, not the pair's."""
        site.half_written = True
        edit(member)
        site.meant.append(member.snapshot().files)
        site.half_written = False

    def _synchronise(self, site: Site, member: Appliance) -> None:
        member.apply("hasync")
        site.judge(configurations.DIFFERENT, configurations.judge_equal(site.cluster.members))

    # Before and after

    def _plant(self, site: Site, wanted: Round) -> None:
        """Have a living session for each flow of the round, those of earlier rounds that still live included."""
        over = [session for session in (*site.allowed, *site.refused) if session.broken or session.refused is not None]
        missing_flows = [
            flow for flow in wanted.flows if not any(flow in one.plan.name for one in site.allowed if one not in over)
        ]
        self.sessions.end(over)
        site.allowed = [session for session in site.allowed if session not in over]
        site.refused = [session for session in site.refused if session not in over]
        for plan in site.planted.sessions(missing_flows, to_be_refused=False):
            site.allowed.append(self.sessions.plant(plan))
        if not site.refused and any(step.what == ground.REFUSE and step.site == site.planted.site for step in wanted.steps):
            site.refused = [self.sessions.plant(plan) for plan in site.planted.sessions(wanted.flows, to_be_refused=True)]
        began = time.monotonic()
        everything = [*site.allowed, *site.refused]
        if not _until(lambda: all(session.answered for session in everything), STANDS_WITHIN):
            silent = ", ".join(session.plan.name for session in everything if not session.answered)
            raise LabError(f"{site.planted.site}: no answer on {silent} within {STANDS_WITHIN:g} s on a healthy pair")
        _until(lambda: time.monotonic() - began > 0.3, 0.3)  # the sessions reach the other member

    def _heal(self, site: Site) -> None:
        began, name = time.monotonic(), site.planted.site
        healthy = _until(lambda: not _ailments(site.cluster), HEALTHY_WITHIN)
        site.judge(UNHEALTHY, None if healthy else _unhealthy(name, site.cluster, began))
        if not healthy:
            self._boot_again(site)
        self._judge_refused(site)
        for member in site.cluster.members:
            if not site.half_written:
                site.judge(configurations.MIXED, configurations.judge_whole(member, site.meant))
            member.restore(site.planned)

    def _judge_refused(self, site: Site) -> None:
        """Before the policy allows it again. A session that stays silent proves something only while another is answered."""
        refused = [session for session in site.refused if session.refused is not None]
        if not refused:
            return
        self._give_time_to_come_back(refused)
        site.watch.up_to_now()
        controlled = any(session.answered > time.monotonic() - 1.0 for session in site.allowed)
        for session in refused:
            violation = judge_refused(session, site.watch.took_over)
            if violation or controlled:
                taken = session.refused is not None and site.watch.took_over(session.refused) is not None
                site.judge(sessions.COMES_BACK if taken else sessions.GOES_ON, violation)

    @staticmethod
    def _give_time_to_come_back(refused: list[Session]) -> None:
        """A session of TCP that has been silent for a while tries again only after as long as that."""
        silent = max(time.monotonic() - session.answered for session in refused)
        _until(lambda: any(session.late_answers for session in refused), min(1.2 * silent, LIVES_WITHIN))

    def _boot_again(self, site: Site) -> None:
        for member in site.cluster.members:
            member.host.kill_everything()
            member.host.fabric.set_links(member.name, [nic.name for nic in member.host.spec.nics], up=True)
            member.host.must(member.host.spec.boot)
        if not _until(lambda: not _ailments(site.cluster), HEALTHY_WITHIN):
            raise LabError(f"{site.planted.site} is not healthy even after both members booted: {_ailments(site.cluster)}")

    def _judge_allowed(self, site: Site, *, ending: Collection[str], through_tunnels: Collection[str]) -> None:
        """``ending`` is not empty when the site's sessions may end; those through a tunnel also end with the other site's."""
        healthy = time.monotonic()
        kept = [one for one in site.allowed
                if one.plan.rebuilt or not (through_tunnels if one.plan.port == BEHIND else ending)]  # fmt: skip
        _until(lambda: all(session.answered > healthy for session in site.allowed), LIVES_WITHIN)
        _until(lambda: all(session.answered > healthy for session in kept), _patience(kept, healthy))
        for session in list(site.allowed):
            violation, keeps = judge_allowed(session, healthy), session in kept
            if keeps:
                site.judge(sessions.ENDED, violation)
            if violation:
                self._notes.append(f"{violation.what}{'' if keeps else ' (it may, after what was done)'}")
                self.sessions.end([session])
                site.allowed.remove(session)

    def _collect(self) -> None:
        for site in self.sites.values():
            site.watch.up_to_now()
        for finding in self.findings():
            new = [violation for violation in finding.violations if id(violation) not in self._seen]
            self._seen.update((id(violation), violation) for violation in new)
            self._violations += new


def _until(look: Callable[[], bool], within: float) -> bool:
    deadline = time.monotonic() + within
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_EVERY)
    return True


def _patience(expected: Iterable[Session], now: float) -> float:
    """How long (s) to wait for sessions that must be answered: twice their silence, as TCP does."""
    least = {session: REBUILT_WITHIN if session.plan.rebuilt else LIVES_WITHIN for session in expected}
    return min(max((max(within, 2.2 * (now - one.answered)) for one, within in least.items()), default=0.0), LIVES_AT_LAST)


def _ailments(cluster: Cluster) -> list[str]:
    """What keeps a pair from being healthy."""
    states = cluster.states()
    found = [] if sorted(states.values()) == ["active", "passive"] else [f"the members are {states}"]
    with suppress(OSError):
        found += [f"{member.name}: {lacks}" for member in cluster.members if (lacks := missing(member))]
    return found


def _unhealthy(site: str, cluster: Cluster, began: float) -> Violation:
    lasted, members = time.monotonic() - began, tuple(member.name for member in cluster.members)
    what = f"{site} is not healthy {lasted:.0f} s after everything was undone"
    return Violation(UNHEALTHY, HEALTHY_WITHIN, began, lasted, members, what, tuple(_ailments(cluster)))


def _names(wanted: Round, site: str) -> list[str]:
    return [step.what.partition(" ")[0] for step in wanted.steps if step.site == site]


def _parted(wanted: Round, site: str) -> bool:
    """Whether the members may lose sight of each other, in one direction or for as long as both have no common wire."""
    names = set(_names(wanted, site))
    return bool(names & ground.ONE_WAY) or bool(names & ground.APART and names & ground.UNPLUGGED)


def _may_end_sessions(wanted: Round, site: str) -> bool:
    """Whether established sessions may end: both members lost them, or one that missed them had to take over."""
    names = _names(wanted, site)
    kills = sum(name in ground.KILLS for name in names)
    missed = bool(kills) and bool(ground.APART & set(names)) and len(names) > 2
    texts = {step.what for step in wanted.steps if step.site == site}
    return kills > 1 or missed or bool(ground.ENDS_SESSIONS & {*names, *texts})
