"""Whether a run's folder is as the run left it: its record's chain, its sums, its signature, and whether it is complete."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reports import chain, origins, seal, signature, timestamp
from reports.entries import SCHEMA, Json, RecordError
from reports.record import NO_RECORD, RECORD, entries_of, read

Kind = Literal["changed", "missing", "added", "unreadable", "incomplete", "not sealed", "not signed", "not stamped"]

_TOLD = tuple(b'"entry":"%s"' % kind for kind in (b"plan", b"origin", b"scenario", b"evidence", b"outcome", b"end"))
"""What begins the lines that say what must be there. The others are vouched for by the chain alone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, with its file, and line where there is one."""

    kind: Kind
    where: str
    what: str


@dataclass(slots=True)
class Verification:
    """What was checked and found. ``signed`` is None without a good signature, ``stamped`` "" without a good token."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    lines: int = 0
    files: int = 0
    planned: int = 0
    ended: int = 0
    signed: signature.Signed | None = None
    stamped: str = ""

    def found(self, kind: Kind, where: str, what: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(kind, where, what))


@dataclass(slots=True)
class _Told:
    """What the lines of a record say must be there."""

    planned: Sequence[str] = ()
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    files: list[tuple[int, str, str]] = field(default_factory=list)
    joined: bool = False
    end: bool = False


def verify(folder: Path, *, signers: Path | None = None, signer: str = "", timestamp_ca: Path | None = None) -> Verification:
    """Check a run's folder; everything that is wrong with it at once.

    Raises RecordError when there is no run's folder, OSError when it cannot be read, and SignersUnreadable.
    """
    if not (folder / RECORD).exists() and not (folder / seal.SUMS).exists():
        raise RecordError(f"{folder}: {NO_RECORD}")
    done = Verification(folder)
    names, others = seal.contents(folder)
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(seal.digests, folder, names)
        told = _record(done)
        hashes = hashing.result()
    _files(done, hashes, others, told)
    _complete(done, told)
    if told.joined and not any(one.kind in ("changed", "missing", "unreadable") for one in done.findings):
        _as_the_origins_tell(done)
    _signature(done, signers, signer)
    _token(done, timestamp_ca)
    return done


# The record


def _record(done: Verification) -> _Told:
    told = _Told()
    try:
        lines = (done.folder / RECORD).read_bytes().split(b"\n")
    except FileNotFoundError:
        return told
    if lines.pop():
        done.found("incomplete", f"{RECORD}:{len(lines) + 1}", "is only half written")
    done.lines = len(lines)
    if (schema := _schema(lines)) != SCHEMA:
        kind: Kind = "changed" if schema is None else "unreadable"
        what = (
            "is not the first line of a record" if schema is None else f"schema {schema!r} is not known here (this is {SCHEMA})"
        )
        done.found(kind, f"{RECORD}:1", what)
        return told
    for number, why in chain.breaks(lines):
        done.found("changed", f"{RECORD}:{number}", why)
    for number in [number for number, line in enumerate(lines, start=1) if line.startswith(_TOLD, chain.REST)]:
        try:
            _tell(told, number, json.loads(lines[number - 1]))
        except (ValueError, KeyError, TypeError, AttributeError):
            done.found("changed", f"{RECORD}:{number}", "is not a line of a record")
    return told


def _schema(lines: Sequence[bytes]) -> Json:
    """The version that the first line names; None when it is no first line."""
    try:
        first = json.loads(lines[0])
        return first["schema"] if first["entry"] == "run" else None
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def _tell(told: _Told, number: int, line: Mapping[str, Json]) -> None:
    match line["entry"]:
        case "plan":
            told.planned = [str(one) for one in line["planned"]]
        case "origin":
            told.joined, folder = True, f"{origins.FOLDER}/{line['run']}"
            told.files.append((number, f"{folder}/{RECORD}", str(line["sha256"])))
            told.files += [(number, f"{folder}/{seal.SUMS}", str(line["sums"]))] if line["sums"] else []
        case "scenario":
            told.begun.add(line["instance"])
        case "outcome":
            told.ended.add(line["instance"])
        case "evidence":
            told.files.append((number, str(line["path"]), str(line["sha256"])))
        case "end":
            told.end = True


def _complete(done: Verification, told: _Told) -> None:
    done.planned, done.ended = len(told.planned), len(told.ended)
    if any(one.kind == "unreadable" for one in done.findings) or not done.lines:
        return
    if not told.end:
        done.found("incomplete", f"{RECORD}:{done.lines}", "is the last line: the run did not come to its end")
    for one in told.planned:
        if one not in told.begun:
            done.found("incomplete", RECORD, f"{one} was planned and did not run")
        elif one not in told.ended:
            done.found("incomplete", RECORD, f"{one} began and did not end")


def _as_the_origins_tell(done: Verification) -> None:
    """Hold what a joined record tells of its runs against their own records, which others may have signed."""
    try:
        record, expected = read(done.folder), []
        for one in record.origins:
            entries, _ = entries_of(done.folder / origins.FOLDER / one.run)
            expected += [(one.run, entry) for entry in origins.told(entries, one.shard or one.run)]
    except RecordError as why:
        done.found("changed", origins.FOLDER, f"has a record that is none: {why}")
        return
    entries, _ = entries_of(done.folder)
    here = [(number, entry) for number, entry in enumerate(entries, start=1) if entry.worker]
    for (number, entry), (run, other) in zip(here, expected, strict=False):
        if dataclasses.replace(entry, before="") != other:
            done.found("changed", f"{RECORD}:{number}", f"is not what {origins.FOLDER}/{run} tells here")
            return
    if len(here) != len(expected):
        done.found("changed", RECORD, f"tells {len(here)} lines of its origins, which have {len(expected)}")


# The files


def _files(done: Verification, hashes: Mapping[str, str], others: Sequence[str], told: _Told) -> None:
    expected: dict[str, list[tuple[str, str]]] = {}
    sealed = (done.folder / seal.SUMS).exists()
    for name, number, digest in _sums(done) if sealed else ():
        expected.setdefault(name, []).append((f"{seal.SUMS}:{number}", digest))
    listed = set(expected)
    for number, name, digest in told.files:
        expected.setdefault(name, []).append((f"{RECORD}:{number}", digest))
    done.files = len(hashes)
    for name, witnesses in expected.items():
        against = [where for where, digest in witnesses if hashes.get(name) != digest]
        if name in others:
            done.found("changed", name, "is a link or a device, not a file")
        elif name not in hashes:
            done.found("missing", name, f"is named in {' and '.join(against)}")
        elif against:
            done.found("changed", name, f"is not the file that {' and '.join(against)} name{'s' * (len(against) == 1)}")
    if not sealed:
        done.found("not sealed", seal.SUMS, "is not there: the run was killed, or could not finish its record")
        return
    for name in sorted({*hashes, *others} - listed):
        done.found("added", name, f"is not in {seal.SUMS}")


def _sums(done: Verification) -> Iterator[tuple[str, int, str]]:
    sums, wrong = seal.read_sums((done.folder / seal.SUMS).read_bytes())
    for number in wrong:
        done.found("changed", f"{seal.SUMS}:{number}", "is not a line of sums")
    for name, (number, digest) in sums.items():
        yield name, number, digest


# Who vouches for it, and when


def _signature(done: Verification, signers: Path | None, signer: str) -> None:
    there = {name: (done.folder / name).exists() for name in (seal.SUMS, seal.SIGNATURE)}
    if not there[seal.SIGNATURE]:
        if signers is not None:
            done.found("not signed", seal.SIGNATURE, "is not there: nobody vouches for this folder")
        return
    if not there[seal.SUMS]:
        done.found("changed", seal.SIGNATURE, f"signs a {seal.SUMS} that is not there")
        return
    try:
        done.signed = signature.check(done.folder, signers=signers, signer=signer)
    except signature.NotAllowed as why:
        done.found("not signed", seal.SIGNATURE, str(why))
    except signature.SignatureWrong as why:
        done.found("changed", seal.SIGNATURE, str(why))


def _token(done: Verification, ca: Path | None) -> None:
    there = {name for name in (seal.SUMS, seal.TOKEN, seal.TOKEN_SUM) if (done.folder / name).exists()}
    if seal.TOKEN not in there:
        if seal.TOKEN_SUM in there:
            done.found("missing", seal.TOKEN, f"is named in {seal.TOKEN_SUM}")
        elif ca is not None:
            done.found("not stamped", seal.TOKEN, "is not there: nobody says when this folder was sealed")
        return
    if seal.SUMS not in there:
        done.found("changed", seal.TOKEN, f"stamps a {seal.SUMS} that is not there")
        return
    try:
        done.stamped = timestamp.check(done.folder, ca)
    except timestamp.NotVouched as why:
        done.found("not stamped", seal.TOKEN, str(why))
    except timestamp.TokenWrong as why:
        done.found("changed", seal.TOKEN, str(why))
