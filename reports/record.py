"""The record of a run: a folder with ``record.jsonl``, one entry a line, and the evidence beside it.

Every line holds the hash of the one before it, and is in the file when ``write`` returns: whatever kills the run, the
lines written until then stay readable, and parallel workers may write the same file (``reports.chain``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reports.chain import NOTHING, ChainedFile, digest
from reports.encoding import decode, encode
from reports.entries import (
    SCHEMA,
    STANDINGS,
    Announcement,
    Catalogue,
    Configuration,
    Coverage,
    Deviation,
    End,
    Entry,
    EnvironmentUp,
    Event,
    Evidence,
    Failover,
    Json,
    Observation,
    Origin,
    Outcome,
    Plan,
    RecordError,
    Rules,
    Run,
    Scenario,
    Series,
    Shard,
    Standing,
    Step,
    Support,
    Topology,
    Unmapped,
)

RECORD = "record.jsonl"
NO_RECORD = f"no run's folder: {RECORD} is not there (name one like reports/runs/…)"
EVIDENCE = "evidence"


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def utc_now() -> str:
    """The time by the machine's clock, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Writer:
    """Appends entries to the record of one run. ``redact`` takes the secrets out of every text before it is written."""

    def __init__(self, folder: Path, *, worker: str = "", now: Callable[[], str] = utc_now) -> None:
        """Create the folder if need be. Raises RecordError when that fails."""
        self.folder = folder
        self.path = folder / RECORD
        self.redact: Callable[[str], str] = str
        self._worker = worker
        self._now = now
        self._file: ChainedFile | None = None
        self._folders: dict[str, Path] = {}

    def open(self, opening: Callable[[], Sequence[Entry]]) -> None:
        """Begin the record with these entries, unless another worker of the run has begun it already."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self._begin(opening())
            self._file = ChainedFile(self.path)
        except OSError as why:
            raise RecordError(f"{self.path}: {why.strerror} (is the folder writable, the disk full?)") from why

    def _begin(self, entries: Sequence[Entry]) -> None:
        # A link appears with its content or not at all, so no worker can write a line above the first.
        draft = self.folder / f".{RECORD}.{os.getpid()}"
        lines, last = [], NOTHING
        for entry in entries:
            lines.append(self._line(entry, last))
            last = digest(lines[-1])
        try:
            draft.write_bytes(b"".join(lines))
            os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)

    def write(self, entry: Entry) -> None:
        """Append the entry, stamped. Raises RecordError when it could not be written; then nothing of it is there."""
        if self._file is None:
            raise RecordError(f"{self.path}: the record is not open")
        try:
            unfinished = self._file.append(lambda before: self._line(entry, before))
        except OSError as why:
            raise RecordError(f"{self.path}: {why.strerror}") from why
        if unfinished:
            self.write(Event(text=f"{unfinished} bytes were removed of a line that its writer did not live to finish"))

    def _line(self, entry: Entry, before: str) -> bytes:
        stamped = encode(entry) | {"at": entry.at or self._now(), "worker": entry.worker or self._worker}
        values = {"before": NOTHING, **self._cleaned(stamped)} | {"before": before}  # the hash stands first
        return _JSON.encode(values).encode("utf-8", "backslashreplace") + b"\n"

    def _cleaned(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self._cleaned(one) for one in value]
        if isinstance(value, dict):
            return {self.redact(key): self._cleaned(one) for key, one in value.items()}
        return value

    def evidence_folder(self, instance: str) -> Path:
        """The folder of an instance's evidence, made if need be. Raises RecordError when that fails."""
        if instance not in self._folders:
            folder = self.folder / EVIDENCE / safe_name(instance)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as why:
                raise RecordError(f"{folder}: {why.strerror}") from why
            self._folders[instance] = folder
        return self._folders[instance]

    def room_for(self, instance: str, name: str) -> Path:
        """A path in the evidence folder that nothing has taken yet, for a file that somebody else writes."""
        folder = self.evidence_folder(instance)
        wanted = Path(safe_name(name))
        path, number = folder / wanted, 1
        while path.exists():
            number += 1
            path = folder / f"{wanted.stem}-{number}{wanted.suffix}"
        return path

    def keep(self, instance: str, step: int, name: str, content: str | bytes, *, what: str = "") -> str:
        """Write an evidence file and its entry; its path relative to the run's folder. Text loses its secrets first."""
        path = self.room_for(instance, name)
        data = self.redact(content).encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        try:
            path.write_bytes(data)
        except OSError as why:
            raise RecordError(f"{path}: {why.strerror}") from why
        return self._enter(instance, step, path, what, hashlib.sha256(data).hexdigest(), len(data))

    def attach(self, instance: str, step: int, path: Path, *, what: str = "") -> str:
        """Enter a file that already lies in the run's folder, such as a capture, as it is now."""
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
        except OSError as why:
            raise RecordError(f"{path}: {why.strerror}") from why
        return self._enter(instance, step, path, what, sha256, size)

    def _enter(self, instance: str, step: int, path: Path, what: str, sha256: str, size: int) -> str:
        relative = path.relative_to(self.folder).as_posix()
        self.write(Evidence(instance=instance, step=step, what=what, path=relative, sha256=sha256, bytes=size))
        return relative

    def close(self) -> None:
        """Let go of the file; writing is refused from here on."""
        if self._file is not None:
            self._file.close()
            self._file = None


def safe_name(text: str) -> str:
    """The text as a file name: ``SNS-IPSEC-03[sbg7-gra11]`` becomes ``SNS-IPSEC-03-sbg7-gra11``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


@dataclass(slots=True)
class ScenarioRecord:
    """Everything that the record says of one instance of a scenario.

    ``waiver`` is the one that names it, the instance before the scenario; ``expired`` says that it accepted nothing any more
    when the run began.
    """

    start: Scenario
    steps: list[Step] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    failovers: list[Failover] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    outcome: Outcome | None = None
    waiver: Deviation | None = None
    expired: bool = False

    @property
    def verdict(self) -> Standing:
        """What it counts as; an instance that never ended is an error, for nobody knows how it would have."""
        if self.outcome is None:
            return "error"
        accepted = self.outcome.verdict == "fail" and self.waiver is not None and not self.expired
        return "waived" if accepted else self.outcome.verdict

    @property
    def waived(self) -> str:
        """What the waiver says of a failure, in words; "" where there is no failure or no waiver."""
        if self.waiver is None or self.ending.verdict != "fail":
            return ""
        state = "the waiver expired on" if self.expired else "waived until"
        return f"{state} {self.waiver.expires} by {self.waiver.owner}: {self.waiver.justification}"

    @property
    def ending(self) -> Outcome:
        """The outcome, or one that says there is none."""
        if self.outcome is not None:
            return self.outcome
        last = self.steps[-1].text if self.steps else "its first step"
        reason = f"the run ended before this scenario did (last seen: {last})"
        return Outcome(instance=self.start.instance, verdict="error", seconds=0.0, reason=reason, detail=reason)


@dataclass(slots=True)
class Record:
    """A record as read. ``cut`` is true when the last line is only half there, as a kill or a full disk leaves it."""

    folder: Path
    run: Run
    plan: Plan | None = None
    shard: Shard | None = None
    origins: list[Origin] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    environments: list[EnvironmentUp] = field(default_factory=list)
    topology: Topology | None = None
    catalogues: list[Catalogue] = field(default_factory=list)
    configurations: list[Configuration] = field(default_factory=list)
    rules: list[Rules] = field(default_factory=list)
    supports: list[Support] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    scenarios: dict[str, ScenarioRecord] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    end: End | None = None
    cut: bool = False

    @property
    def day(self) -> str:
        """The day on which the run began, UTC: the one that waivers are held against, whenever the record is read."""
        return self.run.at[:10]

    @property
    def not_run(self) -> tuple[str, ...]:
        """Planned instances that never began."""
        return tuple(name for name in (self.plan.planned if self.plan else ()) if name not in self.scenarios)

    @property
    def elsewhere(self) -> int:
        """How many instances are in another shard."""
        return len(self.shard.whole) - len(self.plan.planned) if self.shard and self.plan else 0

    @property
    def complete(self) -> bool:
        """Whether the run came to its end and everything planned has an outcome."""
        ended = all(one.outcome for one in self.scenarios.values())
        return self.end is not None and not self.cut and ended and not self.not_run

    @property
    def simulated(self) -> bool | None:
        """Whether the packets were seen in a lab; None when no environment was started."""
        return any(one.kind == "lab" for one in self.environments) if self.environments else None

    def by_feature(self) -> list[tuple[str, list[ScenarioRecord]]]:
        """The instances under their feature's file, in the order of the plan, whichever worker ran them first."""
        places = {name: place for place, name in enumerate(self.plan.planned if self.plan else ())}
        features: dict[str, list[ScenarioRecord]] = {}
        for one in sorted(self.scenarios.values(), key=lambda one: places.get(one.start.instance, len(places))):
            features.setdefault(one.start.file, []).append(one)
        return list(features.items())

    def counts(self) -> dict[Standing, int]:
        """How many instances have each verdict, in the order of ``STANDINGS``; only those that occur."""
        return count(one.verdict for one in self.scenarios.values())


def count(verdicts: Iterable[Standing]) -> dict[Standing, int]:
    """How often each verdict occurs, in the order of ``STANDINGS``, without the zeros."""
    found = Counter(verdicts)
    return {verdict: found[verdict] for verdict in STANDINGS if found[verdict]}


def waiver_of(instance: str, deviations: Iterable[Deviation]) -> Deviation | None:
    """The waiver that names an instance or, failing that, its scenario; in force or not."""
    waivers = {one.subject: one for one in deviations if one.kind == "waiver"}
    return waivers.get(instance) or waivers.get(instance.partition("[")[0])


def read(folder: Path) -> Record:
    """The record of a run's folder. An incomplete one is read as far as it goes.

    Raises RecordError naming file and line when it is missing, is not a record, has a schema that is not known here, or
    when its lines are not those that were written.
    """
    path = folder / RECORD
    entries, cut = entries_of(folder)
    if not entries or not isinstance(entries[0], Run):
        raise RecordError(f"{path}:1: a record begins with a run entry")
    record = Record(folder=folder, run=entries[0], cut=cut)
    for number, entry in enumerate(entries[1:], start=2):
        try:
            _add(record, entry)
        except KeyError as unknown:
            raise RecordError(f"{path}:{number}: {entry.entry} of {unknown.args[0]}, which never began") from None
    for one in record.scenarios.values():
        one.waiver = waiver_of(one.start.instance, record.deviations)
        one.expired = one.waiver is not None and not one.waiver.in_force(record.day)
    return record


def entries_of(folder: Path) -> tuple[list[Entry], bool]:
    """The lines of a record as they stand, and whether the last is only half there. Raises RecordError as ``read`` does."""
    path = folder / RECORD
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as why:
        gone = isinstance(why, FileNotFoundError | NotADirectoryError)
        raise RecordError(f"{folder}: {NO_RECORD}" if gone else f"{path}: {why.strerror}") from None
    cut = lines.pop() != b""
    return list(_entries(path, lines)), cut


def _entries(path: Path, lines: Sequence[bytes]) -> Iterator[Entry]:
    last = NOTHING
    for number, line in enumerate(lines, start=1):
        try:
            entry = _entry(json.loads(line))
        except (ValueError, RecordError) as why:
            raise RecordError(f"{path}:{number}: {why}") from None
        if entry.before != last:
            raise RecordError(f"{path}:{number}: this line was not written after the line before it: one of them was changed,"
                              " put in, moved, or has lost what stood between them")  # fmt: skip
        last = digest(line + b"\n")
        yield entry


def _entry(values: Json) -> Entry:
    if not isinstance(values, dict):
        raise RecordError("not a JSON object")
    if values.get("entry") == Run.entry and values.get("schema") != SCHEMA:
        raise RecordError(f"schema {values.get('schema')!r} is not known here (this is schema {SCHEMA})")
    return decode(values)


_LISTED: Mapping[type[Entry], str] = {
    Origin: "origins",
    Announcement: "announcements",
    EnvironmentUp: "environments",
    Catalogue: "catalogues",
    Configuration: "configurations",
    Rules: "rules",
    Support: "supports",
    Unmapped: "unmapped",
    Deviation: "deviations",
    Event: "events",
}
"""Where a record has the entries of which a run may have several."""

_OF_SCENARIO: Mapping[type[Entry], str] = {
    Step: "steps", Observation: "observations", Series: "series", Failover: "failovers", Evidence: "evidence",
    Coverage: "coverage",
}  # fmt: skip


def _add(record: Record, entry: Entry) -> None:
    if listed := _LISTED.get(type(entry)):
        getattr(record, listed).append(entry)
        return
    match entry:
        case Plan():
            record.plan = entry
        case Shard():
            record.shard = entry
        case Topology():
            record.topology = entry
        case Scenario():
            record.scenarios[entry.instance] = ScenarioRecord(entry)
        case Outcome():
            record.scenarios[entry.instance].outcome = entry
        case Step() | Observation() | Series() | Failover() | Evidence() | Coverage():
            getattr(record.scenarios[entry.instance], _OF_SCENARIO[type(entry)]).append(entry)
        case End():
            record.end = entry
