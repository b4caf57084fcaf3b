"""Whether records make one: what keeps them from being joined, all of it at once, and what lacks where that is accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.entries import Entry, RecordError
from reports.record import RECORD, Record, entries_of, read
from reports.seal import SUMS
from reports.verification import Kind, Verification, verify

_CUT_SHORT: tuple[Kind, ...] = ("incomplete", "not sealed")
"""What a run leaves that was killed: nothing of it was touched since."""

_SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True)
class Part:
    """A record that is to be joined with others, as it was read, and what its verification found."""

    folder: Path
    record: Record
    entries: Sequence[Entry]
    verification: Verification
    sha256: str

    @property
    def shard(self) -> str:
        """Which shard it is, as in 3/8; "" when it is none."""
        shard = self.record.shard
        return f"{shard.number}/{shard.of}" if shard else ""

    @property
    def label(self) -> str:
        """What its lines are told under in the joined record."""
        return self.shard or self.record.run.run

    @property
    def planned(self) -> tuple[str, ...]:
        """The instances that it was to run."""
        return self.record.plan.planned if self.record.plan else ()

    @property
    def sealed(self) -> bool:
        """Whether it has sums."""
        return (self.folder / SUMS).exists()

    @property
    def cut_short(self) -> str:
        """That its run did not come to its end, in words; "" when it did."""
        done = self.verification
        told = f"the run was cut short: {done.ended} of {done.planned} planned scenarios have an outcome"
        return told if any(one.kind in _CUT_SHORT for one in done.findings) else ""


def take(folders: Iterable[Path], signers: Path | None) -> tuple[list[Part], list[str]]:
    """Verify and read records: those to be trusted, shard by shard, and what is wrong with the others, a line each.

    Raises RecordError for what is no record, OSError, and SignersUnreadable.
    """
    parts: list[Part] = []
    wrong: list[str] = []
    unknown: list[str] = []
    for folder in folders:
        try:
            checked = verify(folder, signers=signers)
            touched = [one for one in checked.findings if one.kind not in _CUT_SHORT]
            wrong += [f"{folder}: {one.kind}: {one.where} {one.what}" for one in touched]
            if not touched:
                digest = hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()
                parts.append(Part(folder, read(folder), entries_of(folder)[0], checked, digest))
        except RecordError as why:
            unknown.append(str(why))
    if unknown:
        raise RecordError("\n".join(unknown))
    return sorted(parts, key=lambda one: (one.record.shard.number if one.record.shard else 0, one.record.run.at)), wrong


def problems(parts: Sequence[Part], *, incomplete: bool) -> list[str]:
    """What keeps these records from making one, a line each."""
    if not parts:
        return []
    return [
        *_not_origins(parts),
        *_unlike(parts),
        *_twice(parts),
        *_split_otherwise(parts),
        *(() if incomplete else (f"{told} (--incomplete accepts that)" for told in lacking(parts))),
    ]


def lacking(parts: Sequence[Part]) -> list[str]:
    """What the whole has and these records have not, in words: shards that are missing, runs that were cut short."""
    told = [f"{one.folder.name}, {one.label}: {one.cut_short}" for one in parts if one.cut_short]
    shards = [one.record.shard for one in parts if one.record.shard]
    if len(shards) < len(parts) or not shards:
        return told
    of, whole = shards[0].of, shards[0].whole
    if missing := sorted(set(range(1, of + 1)) - {one.number for one in shards}):
        here = {name for one in parts for name in one.planned}
        names = ", ".join(f"{number}/{of}" for number in missing)
        scenarios = sum(name not in here for name in whole)
        told.append(f"shard{'s' * (len(missing) > 1)} {names} missing: {scenarios} scenarios are not here")
    return told


def _not_origins(parts: Sequence[Part]) -> Iterator[str]:
    for one in parts:
        if one.record.origins:
            yield f"{one.folder}: is joined from others already; give those"


# What must be alike


def _unlike(parts: Sequence[Part]) -> Iterator[str]:
    alike: Mapping[str, Callable[[Part], object]] = {
        "the tool": lambda one: one.record.run.tool,
        "the commit": lambda one: one.record.run.commit or "unknown",
        "uncommitted changes": lambda one: "some" if one.record.run.dirty else "none",
        "the deployment": lambda one: one.record.run.deployment,
        "the environment": lambda one: ", ".join(sorted({up.kind for up in one.record.environments})) or None,
        "the waivers in force": lambda one: ", ".join(_waived(one.record)) or "none",
    }
    for what, ask in alike.items():
        yield from _other_values(what, parts, ask)
    yield from _other_deployments(parts)
    yield from _other_features(parts)
    for member in dict.fromkeys(entry.member for one in parts for entry in one.record.configurations):
        yield from _other_values(f"the version of {member}", parts, _started(member, "firmware"))
        if not all(_made_for_it(one.record) for one in parts):
            yield from _other_values(f"the configuration of {member} at the start", parts, _started(member, "sha256"))


def _other_values(what: str, parts: Sequence[Part], ask: Callable[[Part], object]) -> Iterator[str]:
    """The parts of which something is not as of the first that has it, None being no answer."""
    known = [(one, value) for one in parts if (value := ask(one)) is not None]
    for one, value in known[1:]:
        first, expected = known[0]
        if value != expected:
            yield f"{one.folder}: {what} is {value}, and {expected} in {first.folder}"


def _other_deployments(parts: Sequence[Part]) -> Iterator[str]:
    for one in parts[1:]:
        here, first = one.record.run.deployment_files, parts[0].record.run.deployment_files
        if other := sorted(name for name in here.keys() | first.keys() if here.get(name) != first.get(name)):
            yield f"{one.folder}: of the deployment, not as in {parts[0].folder}: {_some(other)}"


def _other_features(parts: Sequence[Part]) -> Iterator[str]:
    seen: dict[str, tuple[str, Path]] = {}
    for one in parts:
        for name, digest in one.record.plan.features.items() if one.record.plan else ():
            expected, folder = seen.setdefault(name, (digest, one.folder))
            if digest != expected:
                yield f"{one.folder}: {name} is not as in {folder}"


def _started(member: str, what: str) -> Callable[[Part], object]:
    """Tells what a record says of a member when the tests began; None when it says nothing."""

    def ask(part: Part) -> object:
        found = (entry for entry in part.record.configurations if entry.member == member and entry.moment == "start")
        return next((getattr(entry, what) for entry in found), None)

    return ask


def _made_for_it(record: Record) -> bool:
    """Whether the environment was a lab of the run's own, which makes keys of its own."""
    return record.run.lab != "attach" and all(up.kind == "lab" for up in record.environments)


def _waived(record: Record) -> list[str]:
    return sorted(one.subject for one in record.deviations if one.in_force(record.day))


# What must be there once


def _twice(parts: Sequence[Part]) -> Iterator[str]:
    first: dict[str, Part] = {}
    files: dict[str, Part] = {}
    for one in parts:
        again: dict[Path, list[str]] = {}
        for name in one.planned:
            if (before := first.setdefault(name, one)) is not one:
                again.setdefault(before.folder, []).append(name)
        for folder, names in again.items():
            yield f"{one.folder}: has what {folder} has too: {_some(names)}"
        if not again:
            kept = [file.path for scenario in one.record.scenarios.values() for file in scenario.evidence]
            taken = [path for path in kept if files.setdefault(path, one) is not one]
            if taken:
                yield f"{one.folder}: has evidence of the same name as {files[taken[0]].folder}: {_some(taken)}"


def _split_otherwise(parts: Sequence[Part]) -> Iterator[str]:
    known = [(one, one.record.shard) for one in parts]
    first_folder, first = known[0][0].folder, known[0][1]
    for one, shard in known[1:]:
        if (shard is None) != (first is None):
            kinds = [f"is shard {one.shard}" if one.shard else "is no shard", "is one" if first else "is none"]
            yield f"{one.folder}: {kinds[0]}, and {first_folder} {kinds[1]}"
        elif shard and first and shard.of != first.of:
            yield f"{one.folder}: is one of {shard.of} shards, and {first_folder} of {first.of}"
        elif shard and first and shard.whole != first.whole:
            other = sorted(set(shard.whole) ^ set(first.whole)) or ["their order"]
            yield f"{one.folder}: was split from other scenarios than {first_folder}: {_some(other)}"


def _some(names: Sequence[str]) -> str:
    """Names for a message: the first few, and how many more."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
