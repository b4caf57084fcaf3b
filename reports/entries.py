"""What a run's record is made of: one typed entry for each line of ``record.jsonl``.

The entries are the schema. ``SCHEMA`` goes up when a reader of the old form would misunderstand the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from reports.controls.entries import Catalogue as Catalogue
from reports.controls.entries import Deviation as Deviation
from reports.controls.entries import Support as Support
from reports.controls.entries import Unmapped as Unmapped
from reports.entry import Entry as Entry
from reports.entry import Json as Json
from reports.ledger import Lane, Phase, Scheduling

SCHEMA = 2

Verdict = Literal["pass", "fail", "inconclusive", "error", "skipped", "not applicable"]
"""``inconclusive``: what the test needed in order to mean something did not hold. ``error``: our own fault."""

VERDICTS: tuple[Verdict, ...] = ("pass", "fail", "inconclusive", "error", "skipped", "not applicable")

Standing = Verdict | Literal["waived"]
"""What a verdict counts as. ``waived``: it is ``fail``, and somebody answers for accepting that until a day still to come."""

STANDINGS: tuple[Standing, ...] = ("pass", "fail", "waived", "inconclusive", "error", "skipped", "not applicable")


class RecordError(Exception):
    """A record cannot be written or read; the message names the file and, where there is one, the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Entry):
    """The first line: who tested what, with which tool, on which configuration.

    ``deployment_files`` has the SHA-256 of every file of the deployment folder, ``deployment_hash`` that of their list.
    ``lab`` is how the lab was asked for (fresh, keep, attach); what really ran is in ``EnvironmentUp``. ``clock`` is the
    source of every time in the record; ``clock_error_ms`` the bound that its kernel gives for its error in milliseconds,
    which means nothing unless something keeps the clock (``clock_synchronised``).
    """

    entry: ClassVar[str] = "run"
    schema: int = SCHEMA
    run: str
    tool: str
    commit: str
    dirty: bool
    python: str
    platform: str
    deployment: str
    deployment_hash: str
    deployment_files: dict[str, str]
    lab: str
    operator: str
    role: str
    arguments: tuple[str, ...]
    clock: str
    clock_synchronised: bool
    clock_error_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Entry):
    """What was going to run, by instance (``SNS-IPSEC-03[sbg7-gra11]``), and how many were left out (``deselected``):
    ``campaign`` of these are run only when they are asked for.

    ``features`` has the SHA-256 of every feature file that they stand in, by its path in the project. ``unaffected`` are those
    of the left out that a change of configuration cannot affect, each with the proof.
    """

    entry: ClassVar[str] = "plan"
    planned: tuple[str, ...]
    deselected: int = 0
    campaign: int = 0
    features: dict[str, str] = field(default_factory=dict)
    unaffected: dict[str, str] = field(default_factory=dict)

    @property
    def on_request(self) -> int:
        """How many would have run if nobody had asked for a part."""
        return self.deselected - self.campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard(Entry):
    """The plan is part ``number`` (from 1) of ``of`` into which ``whole`` was split; the others are run elsewhere."""

    entry: ClassVar[str] = "shard"
    number: int
    of: int
    whole: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Entry):
    """A record that this one was joined from: ``origins/RUN`` below this one's folder has it, with its seal.

    ``run`` is its id, ``shard`` which one it was ("3/8"; "" when it was none). ``sha256`` is that of its ``record.jsonl``,
    ``sums`` that of its ``SHA256SUMS``, "" when it was never sealed. ``signed`` is the key that signed those, and whose that
    is where it was asked; "" when nobody signed.
    """

    entry: ClassVar[str] = "origin"
    run: str
    shard: str
    sha256: str
    sums: str
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentUp(Entry):
    """The environment under test is ready. ``kind`` is ``lab`` for a simulation, ``openstack`` for the deployment itself.

    ``seconds`` is what it took.
    """

    entry: ClassVar[str] = "environment"
    kind: str
    capabilities: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What only a person can see, and did before the run: ``what`` had to be seen, ``who`` saw it on which ``day`` (ISO 8601).

    ``saw`` are that person's words.
    """

    id: str
    what: str
    who: str
    day: str
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement(Entry):
    """What was seen and said before the deployment itself was touched; a lab announces nothing.

    ``target`` and ``cloud`` name it, ``disruptive`` tells whether scenarios that take something down were allowed; ``said`` are
    the lines.
    """

    entry: ClassVar[str] = "announcement"
    target: str
    cloud: str
    disruptive: bool
    said: tuple[str, ...]
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology(Entry):
    """The plan that the environment was built to.

    A site has ``name``, ``region``, ``distance_ms`` (one way, from the first) and ``pools`` (the protocols over which VPN
    users connect); a segment ``name`` and ``vlan`` (None for a network outside the vRack, 0 for its untagged one); a host
    ``name``, ``role``, ``site`` ("" outside) and ``interfaces``, each with ``name``, ``segment``, ``vlans`` (those that it
    tags) and ``addresses``; a tunnel its two ``sites`` and ``networks``.
    """

    entry: ClassVar[str] = "topology"
    sites: tuple[dict[str, Json], ...]
    segments: tuple[dict[str, Json], ...]
    hosts: tuple[dict[str, Json], ...]
    tunnels: tuple[dict[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Entry):
    """What a member of a firewall had among its configuration files when the tests began, or when they had ended.

    ``member`` is its name in the topology, ``firmware`` the version that it runs, or that of its simulation. ``files`` has
    the SHA-256 of every file by its path on the member, ``sha256`` that of their list.
    """

    entry: ClassVar[str] = "configuration"
    member: str
    site: str
    moment: Literal["start", "end"]
    firmware: str
    sha256: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(Entry):
    """What of a site's configuration can be exercised: rules, tunnels and rights, each place (``Filter/05:14``) in words."""

    entry: ClassVar[str] = "rules"
    site: str
    places: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Entry):
    """What a scenario exercised of a site that it is about: how many packets (logins, for a right) each place saw.

    ``whole`` says that there was no more; it is False when counters began again meanwhile, or were lost with a member.
    """

    entry: ClassVar[str] = "coverage"
    instance: str
    site: str
    touched: dict[str, int]
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Entry):
    """An instance of a scenario begins. ``steps`` are its sentences as planned, keyword included."""

    entry: ClassVar[str] = "scenario"
    instance: str
    scenario: str
    name: str
    feature: str
    rule: str
    file: str
    line: int
    tags: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Entry):
    """A step has ended. ``number`` counts from 1 within the instance; ``verdict`` is the step's own."""

    entry: ClassVar[str] = "step"
    instance: str
    number: int
    keyword: str
    text: str
    line: int
    seconds: float
    verdict: Verdict
    arguments: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Entry):
    """Something was looked at. ``attempts`` above 1 says that it was not so at first; ``seconds`` how long it took."""

    entry: ClassVar[str] = "observation"
    instance: str
    step: int
    what: str
    expected: Json
    observed: Json
    verdict: Verdict
    predicted: str = ""
    attempts: int = 1
    seconds: float = 0.0


SeriesKind = Literal["answers", "round trips"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Entry):
    """Values one after the other, to be drawn: where (``positions``) and how much (``milliseconds``).

    ``answers``: seconds from the flow's beginning to each answer, and how long after the one before it that was.
    ``round trips``: the number of each ping that was answered, and how long that took. ``limit`` is the value that none may
    exceed, 0 when there is none.
    """

    entry: ClassVar[str] = "series"
    instance: str
    step: int
    what: str
    kind: SeriesKind
    positions: tuple[float, ...]
    milliseconds: tuple[float, ...]
    limit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover(Entry):
    """One failover and what it cost: ``kind`` names the fault ("member killed"), ``number`` counts from 1 in the instance.

    All times are in ms. ``resolution`` and ``noise`` are the instrument's own, from its control run: the pace of its packets,
    and the longest gap that it saw while nothing happened, in the lane ``noisiest``. ``tokens`` are those of
    ``HA/highavailability`` at the time, ``predicted`` is the longest gap that they foretell for plain flows (None: they do
    not say). ``drawn`` is the window that the lanes were watched in.
    """

    entry: ClassVar[str] = "failover"
    instance: str
    step: int
    kind: str
    number: int
    phases: tuple[Phase, ...]
    lanes: tuple[Lane, ...]
    resolution: float
    noise: float
    scheduling: Scheduling
    drawn: tuple[float, float]
    tokens: dict[str, int] = field(default_factory=dict)
    predicted: float | None = None
    noisiest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Entry):
    """A file kept with the record: path relative to the run's folder, SHA-256 and size in bytes."""

    entry: ClassVar[str] = "evidence"
    instance: str
    step: int
    what: str
    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Entry):
    """An instance has ended. ``reason`` is one line, ``detail`` the whole message, ``where`` the step's place."""

    entry: ClassVar[str] = "outcome"
    instance: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    detail: str = ""
    where: str = ""
    step: str = ""
    expected: str = ""
    observed: str = ""
    predicted: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Entry):
    """A change of configuration that this run was to judge, of a site and of a ``kind`` (``opens.internet``).

    ``needs`` is what the policy says of it: ``nothing``, ``approval`` or ``refused``; ``answered`` who answers for it, and why,
    when it was expected. ``what`` are the sets of packets, or the setting, ``was`` and ``now`` what became of them and what
    does, ``example`` one of the packets. ``seen_before`` and ``seen_after`` are what was measured of it, ``wrong`` how that is
    not what the model says, ``unmeasured`` why it was not measured.
    """

    entry: ClassVar[str] = "change"
    site: str
    kind: str
    needs: Literal["nothing", "approval", "refused"]
    what: tuple[str, ...]
    was: str
    now: str
    file: str
    line: int
    example: str = ""
    answered: str = ""
    seen_before: str = ""
    seen_after: str = ""
    wrong: str = ""
    unmeasured: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Entry):
    """Something that happened to the run itself, such as an environment that had to be rebuilt."""

    entry: ClassVar[str] = "event"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Entry):
    """The last line. A record without it was cut short. ``status`` is the exit status of the run.

    Of a joined record ``status`` is the worst of its origins, and ``seconds`` what they took together.
    """

    entry: ClassVar[str] = "end"
    status: int
    seconds: float
    counts: dict[str, int]


ENTRIES: dict[str, type[Entry]] = {
    kind.entry: kind
    for kind in (
        Run, Plan, Shard, Origin, Announcement, EnvironmentUp, Topology, Catalogue, Configuration, Rules, Support,
        Unmapped, Deviation, Change, Scenario, Step, Observation, Series, Failover, Evidence, Coverage, Outcome, Event,
        End,
    )
}  # fmt: skip
