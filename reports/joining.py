"""Joins the records of shards, or of runs of different scenarios, into one record: ``rempart report merge``.

Each is verified before anything of it is taken, and kept with its seal below ``origins``: whoever signed a shard vouches for
it in the joined record too, where ``rempart verify`` holds what is told against it.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reports import fitting, origins, renderings, seal
from reports.entries import End, Entry, Event, Evidence, Origin, Plan, Run
from reports.fitting import Part
from reports.record import RECORD, Writer, read

STATUSES = (0, 5, 8)
"""Exit statuses of runs from the best on; any other is worse, a refuted scenario (1) the worst."""


class Unfit(Exception):
    """The records do not make one; the text says everything that is in the way, a line each."""


def join(folders: Sequence[Path], into: Path, *, incomplete: bool = False, signers: Path | None = None) -> list[str]:
    """Join the records of these folders into a new one, which appears whole or not at all, and is sealed.

    ``incomplete`` accepts shards that are missing or were cut short; the record says so, and what it says is returned.
    With ``signers`` (ssh-keygen's ALLOWED SIGNERS) one of them must have signed each.

    Raises RecordError for what is no record, Unfit, FileExistsError when there is something at ``into``, other OSError,
    SealFailed, and SignersUnreadable.
    """
    parts, found = fitting.take(folders, signers)
    found += fitting.problems(parts, incomplete=incomplete or bool(found))
    if found:
        raise Unfit("\n".join(found))
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FileExistsError(errno.EEXIST, "there is something already", str(into))
    draft = into.with_name(f".{into.name}.joining")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        lacking = fitting.lacking(parts)
        _write(parts, draft, lacking)
        renderings.write_all(read(draft))
        seal.seal(draft)
        draft.replace(into)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return lacking


def _write(parts: Sequence[Part], folder: Path, lacking: Sequence[str]) -> None:
    for one in parts:
        _keep(one, folder)
    writer = Writer(folder)
    try:
        writer.open(lambda: list(_opening(parts)))
        for text in lacking:
            writer.write(Event(text=text))
        for one in parts:
            for entry in origins.told(one.entries, one.label):
                writer.write(entry)
        counts = {str(verdict): number for verdict, number in read(folder).counts().items()}
        ends = [one.record.end for one in parts if one.record.end]
        seconds = round(sum(one.seconds for one in ends), 3)
        writer.write(End(status=_worst([one.status for one in ends]), seconds=seconds, counts=counts))
    finally:
        writer.close()


def _keep(part: Part, folder: Path) -> None:
    """Copy a part's evidence, and its record and seal as they are."""
    own = folder / origins.FOLDER / part.record.run.run
    own.mkdir(parents=True)
    for name in (RECORD, *sorted(seal.SEALS)):
        if (part.folder / name).exists():
            shutil.copyfile(part.folder / name, own / name)
    for entry in part.entries:
        if isinstance(entry, Evidence):
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part.folder / entry.path, target)


def _opening(parts: Sequence[Part]) -> Iterator[Entry]:
    yield _header(parts)
    shard = parts[0].record.shard
    plans = [one.record.plan for one in parts if one.record.plan]
    yield Plan(
        planned=shard.whole if shard else tuple(name for one in plans for name in one.planned),
        deselected=plans[0].deselected if shard else 0,  # what one run left out another may have run
        campaign=plans[0].campaign if shard else 0,
        features={name: digest for one in plans for name, digest in one.features.items()},
        unaffected=plans[0].unaffected if shard else {},
    )
    yield from (_origin(one) for one in parts)
    yield from origins.once(entry for one in parts for entry in one.entries if isinstance(entry, origins.OPENING))


def _header(parts: Sequence[Part]) -> Run:
    runs = [one.record.run for one in parts]
    stamp = min(one.run for one in runs).partition("-")[0]
    name = hashlib.sha256("".join(one.sha256 for one in parts).encode()).hexdigest()[:6]
    return dataclasses.replace(
        runs[0],
        before="",
        worker="",
        at=min(one.at for one in runs),
        run=f"{stamp}-{runs[0].deployment}-joined-{name}",
        python=_all(one.python for one in runs),
        platform=_all(one.platform for one in runs),
        operator=_all(one.operator for one in runs),
        role=_all(one.role for one in runs),
        arguments=(),
        clock_synchronised=all(one.clock_synchronised for one in runs),
        clock_error_ms=max(one.clock_error_ms for one in runs),
    )


def _all(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _origin(part: Part) -> Origin:
    signed = part.verification.signed
    return Origin(
        run=part.record.run.run,
        shard=part.shard,
        sha256=part.sha256,
        sums=hashlib.sha256((part.folder / seal.SUMS).read_bytes()).hexdigest() if part.sealed else "",
        signed=", ".join(text for text in (signed.who, signed.key) if text) if signed else "",
    )


def _worst(statuses: Sequence[int]) -> int:
    bad = sorted(status for status in statuses if status not in STATUSES)
    return bad[0] if bad else max(statuses, key=STATUSES.index, default=1)
